"""The filters of the history, as a table: what each is called, how its text is read, and within which limits.

Several values of one parameter are alternatives; different parameters must all hold. `labels` and `labels_exact` are
two names of the same, and each pair must hold. Regular expressions are searched for, not anchored.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from ampp.core.clock import MILLISECOND
from ampp.core.duration import DurationError, parse_go, parse_prometheus
from ampp.core.reason import EventKind
from ampp.core.regex import RegexError, program
from ampp.core.timestamp import TimestampError, parse_rfc3339
from ampp.history.error import FieldError

__all__ = ["LONGEST_RANGE", "NAMES", "SHORT", "Filter", "Parameters", "moment", "number", "parse", "window"]

Parameters: TypeAlias = Mapping[str, Sequence[str]]
"""Every parameter's values in the order given, such as those of a query string."""

LONGEST_RANGE: Final = 90 * 24 * 3600 * 1000
"""Milliseconds between `from` and `to` at most."""

SHORT: Final = 255
"""Characters of a name or value at most."""

_LONG: Final = 500
_ANY: Final = 1_000
_PAIRS: Final = 20
_VALUES: Final = 100
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")
_NAMED: Final = re.compile(r"(\w+)\[([^\]]*)\]")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, checked. Times and durations in milliseconds; an absent filter is empty or None."""

    status: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    namespace: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    alert_name: tuple[str, ...] = ()
    alert_name_pattern: str = ""
    alert_name_regex: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    labels_ne: tuple[tuple[str, str], ...] = ()
    labels_regex: tuple[tuple[str, str], ...] = ()
    labels_not_regex: tuple[tuple[str, str], ...] = ()
    labels_exists: tuple[str, ...] = ()
    labels_not_exists: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    search: str = ""
    duration_min: int | None = None
    duration_max: int | None = None
    generator_url: str = ""
    is_flapping: bool | None = None
    is_resolved: bool | None = None


def moment(field: str, text: str) -> int:
    """An RFC 3339 instant as wall milliseconds. Raises FieldError."""
    try:
        return parse_rfc3339(text)[0] // MILLISECOND
    except TimestampError:
        raise FieldError(field, "must be a time such as 2026-11-27T02:15:00Z", text) from None


def number(parameters: Parameters, field: str, default: int, least: int, most: int, *, clamp: bool = False) -> int:
    """A whole number within bounds; out of them it is an error, or brought within. Raises FieldError."""
    text = _last(parameters, field)
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
        raise FieldError(field, "must be a whole number", text)
    value = int(text)
    if clamp:
        return min(max(value, least), most)
    if not least <= value <= most:
        raise FieldError(field, f"must be between {least} and {most}", text)
    return value


def window(parameters: Parameters) -> tuple[int | None, int | None]:
    """`from` and `to` (also `since` and `until`) as wall milliseconds. Raises FieldError."""
    found = []
    for field, alias in (("from", "since"), ("to", "until")):
        text = _last(parameters, field)
        found.append(moment(field, text) if text else None)
        if not text and (text := _last(parameters, alias)):
            found[-1] = moment(alias, text)
    since, until = found
    if since is not None and until is not None:
        if since > until:
            raise FieldError("from", "must not be later than to")
        if until - since > LONGEST_RANGE:
            raise FieldError("from", "must not be more than 90 days before to")
    return since, until


def parse(parameters: Parameters) -> Filter:
    """Read the filters among the parameters; others are left alone. Raises FieldError."""
    found: dict[str, Any] = {}
    for name in parameters:
        match = _NAMED.fullmatch(name)
        base, key = (match[1], match[2]) if match else (name, None)
        if base not in _TABLE:
            if key is not None and base.startswith("labels"):
                raise FieldError(name, f"is not a filter; filters on labels are {', '.join(_KEYED)}")
            continue
        field, read = _TABLE[base]
        values = [value for value in parameters[name] if value != "" or key is not None]
        for value in values:
            if len(value) > _ANY:
                raise FieldError(name, f"must have at most {_ANY} characters")
        if values:
            found[field] = read(name, key, values, found.get(field, ()))
    since, until = window(parameters)
    result = Filter(**found, since=since, until=until)
    low, high = result.duration_min, result.duration_max
    if low is not None and high is not None and low > high:
        raise FieldError("duration_min", "must not be longer than duration_max")
    return result


_Read: TypeAlias = Callable[[str, str | None, Sequence[str], Any], Any]


def _last(parameters: Parameters, field: str) -> str:
    values = parameters.get(field, ())
    return values[-1] if values else ""


def _plain(name: str, key: str | None) -> None:
    if key is not None and key != "":
        raise FieldError(name, "takes no label name")


def _words(most: int, known: Sequence[str] = ()) -> _Read:
    """Several texts, each at most so long and, if need be, one of those known."""

    def read(name: str, key: str | None, values: Sequence[str], before: Any) -> tuple[str, ...]:
        _plain(name, key)
        for value in values:
            if known and value not in known:
                raise FieldError(name, f"must be one of {', '.join(known)}", value)
            if len(value) > most:
                raise FieldError(name, f"must have at most {most} characters")
        together = (*before, *values)
        if len(together) > _VALUES:
            raise FieldError(name, f"must have at most {_VALUES} values")
        return together

    return read


def _text(most: int) -> _Read:
    def read(name: str, key: str | None, values: Sequence[str], before: Any) -> str:
        _plain(name, key)
        if len(values[-1]) > most:
            raise FieldError(name, f"must have at most {most} characters")
        return values[-1]

    return read


def _fingerprints(name: str, key: str | None, values: Sequence[str], before: Any) -> tuple[str, ...]:
    _plain(name, key)
    found = [each.lower() for value in values for each in value.split(",") if each]
    for each in found:
        if not _FINGERPRINT.fullmatch(each):
            raise FieldError(name, "must be 16 or 64 hexadecimal digits", each)
    if len(found) > _VALUES:
        raise FieldError(name, f"must have at most {_VALUES} values")
    return (*before, *found)


def _pairs(name: str, key: str | None, values: Sequence[str], before: Any) -> tuple[tuple[str, str], ...]:
    """`labels_ne[k]=v`, `labels[]=k=v`, `labels=k=v` or `labels=k:v`."""
    found = list(before)
    for value in values:
        if key:
            found.append((key, value))
            continue
        label, mark, wanted = value.partition("=")
        if not mark:
            label, mark, wanted = value.partition(":")
        if not mark or not label:
            raise FieldError(name, "must be a label and its value, such as team=db", value)
        found.append((label, wanted))
    for label, wanted in found:
        if len(label) > SHORT or len(wanted) > SHORT:
            raise FieldError(name, f"label and value must have at most {SHORT} characters")
    if len(found) > _PAIRS:
        raise FieldError(name, f"must have at most {_PAIRS} labels")
    return tuple(found)


def _expressions(name: str, key: str | None, values: Sequence[str], before: Any) -> tuple[tuple[str, str], ...]:
    found = list(before)
    for value in values:
        label, pattern = (key, value) if key else _split(name, value)
        found.append((label, _expression(name, None, [pattern], "")))
    if len(found) > _PAIRS:
        raise FieldError(name, f"must have at most {_PAIRS} labels")
    return tuple(found)


def _split(name: str, value: str) -> tuple[str, str]:
    label, mark, pattern = value.partition("=")
    if not mark or not label:
        raise FieldError(name, f"must name a label: {name}[team]=db.*", value)
    return label, pattern


def _expression(name: str, key: str | None, values: Sequence[str], before: Any) -> str:
    _plain(name, key)
    pattern = values[-1]
    if len(pattern) > _LONG:
        raise FieldError(name, f"must have at most {_LONG} characters")
    try:
        program(pattern)
    except RegexError as error:
        raise FieldError(name, f"is not a valid regular expression: {error}", pattern) from None
    return pattern


def _duration(name: str, key: str | None, values: Sequence[str], before: Any) -> int:
    _plain(name, key)
    text = values[-1]
    try:
        value = parse_go(text)
    except (DurationError, ValueError):
        try:
            value = parse_prometheus(text)
        except (DurationError, ValueError):
            raise FieldError(name, "must be a duration such as 90s, 1h30m or 2d", text) from None
    if value < 0:
        raise FieldError(name, "must not be negative", text)
    return value // MILLISECOND


def _flag(name: str, key: str | None, values: Sequence[str], before: Any) -> bool:
    _plain(name, key)
    if values[-1] not in ("true", "false"):
        raise FieldError(name, "must be true or false", values[-1])
    return values[-1] == "true"


def _url(name: str, key: str | None, values: Sequence[str], before: Any) -> str:
    _plain(name, key)
    try:
        parts = urlsplit(values[-1])
        good = bool(parts.scheme and parts.netloc)
    except ValueError:
        good = False
    if not good:
        raise FieldError(name, "must be a URL", values[-1])
    return values[-1]


_KEYED: Final = ("labels", "labels_exact", "labels_ne", "labels_not_equal", "labels_regex", "labels_not_regex")

_TABLE: Final[Mapping[str, tuple[str, _Read]]] = {
    "status": ("status", _words(SHORT, ("firing", "resolved"))),
    "event": ("event", _words(SHORT, tuple(kind.value for kind in EventKind))),
    "severity": ("severity", _words(SHORT)),
    "namespace": ("namespace", _words(SHORT)),
    "fingerprints": ("fingerprints", _fingerprints),
    "fingerprint": ("fingerprints", _fingerprints),
    "alert_name": ("alert_name", _words(SHORT)),
    "alertname": ("alert_name", _words(SHORT)),
    "alert_name_pattern": ("alert_name_pattern", _text(SHORT)),
    "alert_name_regex": ("alert_name_regex", _expression),
    "labels": ("labels", _pairs),
    "labels_exact": ("labels", _pairs),
    "labels_ne": ("labels_ne", _pairs),
    "labels_not_equal": ("labels_ne", _pairs),
    "labels_regex": ("labels_regex", _expressions),
    "labels_not_regex": ("labels_not_regex", _expressions),
    "labels_exists": ("labels_exists", _words(SHORT)),
    "labels_not_exists": ("labels_not_exists", _words(SHORT)),
    "search": ("search", _text(_LONG)),
    "duration_min": ("duration_min", _duration),
    "duration_max": ("duration_max", _duration),
    "generator_url": ("generator_url", _url),
    "is_flapping": ("is_flapping", _flag),
    "is_resolved": ("is_resolved", _flag),
}

NAMES: Final = (*_TABLE, "from", "to", "since", "until")
"""Every parameter that is a filter; those on labels also with a label name in brackets."""
