"""Alertmanager's own template functions, beside those of Go: text, lists, JSON, time.

What they do to arguments of the wrong type or number is the engine's business; what they refuse themselves they refuse
with `CallError`, in the words of Go's library.
"""

import base64
import math
import re
import time
from typing import Any, Final

from ampp.core.quote import go_quote
from ampp.core.regex import RegexError, program
from ampp.template import casing
from ampp.template.constant import decode, parse_float
from ampp.template.error import CallError
from ampp.template.instant import DURATION, TIME, ZERO_NS, Instant
from ampp.template.jsontext import to_json
from ampp.template.layout import LayoutError, parse_time
from ampp.template.value import (
    ANY,
    ANY_LIST,
    ANY_MAP,
    INT64,
    STRING,
    STRINGS,
    UINT,
    UINT64,
    Func,
    Map,
    Scalar,
    Slice,
    Value,
    elements,
    named,
    type_of,
)
from ampp.template.zone import LOCAL, ZoneError, load

__all__ = ["FUNCTIONS", "HTML", "URL", "now", "trim_space"]

HTML: Final = named("template.HTML", STRING)
"""Text that html templates take for finished HTML."""
URL: Final = named("template.URL", STRING)
"""Text that html templates take for a harmless URL."""

_SPACE: Final = " \t\n\v\f\r\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


# Text.


def trim_space(text: str) -> str:
    """The text without what Go counts as white space at its ends."""
    return text.strip(_SPACE)


def _join(separator: str, parts: Slice) -> str:
    return separator.join(elements(parts))


def _match(pattern: str, text: str) -> bool:
    try:
        found = program(pattern).search(_encode(text))
    except RegexError as error:
        raise CallError(str(error)) from None
    return found is not None


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _replace_all(pattern: str, replacement: str, text: str) -> str:
    """Go's `Regexp.ReplaceAllString`: an empty match right after another match does not count."""
    try:
        compiled = program(pattern)
    except RegexError as error:
        shown = go_quote(pattern) if "`" in pattern or not pattern.isprintable() else f"`{pattern}`"
        raise CallError(f"regexp: Compile({shown}): {error}") from None
    pieces = _pieces(replacement)
    source, out = _encode(text), []
    at = copied = 0
    while at <= len(source):
        found = compiled.search(source, at)
        if found is None:
            break
        start, end = found.span()
        out.append(source[copied:start])
        if end > copied or start == 0:
            out.extend(piece if isinstance(piece, bytes) else _group(found, piece) for piece in pieces)
        copied = end
        at = end if end > at else at + _width(source, at)
    out.append(source[copied:])
    return decode(b"".join(out))


def _width(source: bytes, at: int) -> int:
    """How many bytes the character at a place takes; one for what is no UTF-8."""
    for size in (1, 2, 3, 4):
        try:
            source[at : at + size].decode()
        except UnicodeDecodeError:
            continue
        return size
    return 1


def _group(found: Any, name: str) -> bytes:
    """What a group matched; nothing if it did not or if there is none of that name or number."""
    if name.isascii() and name.isdecimal():
        number = -1 if (name[0] == "0" and len(name) > 1) or len(name) > 8 else int(name)
    else:
        number = found.re.groupindex.get(_encode(name), -1)
    return found.group(number) or b"" if 0 <= number <= found.re.groups else b""


def _pieces(replacement: str) -> list[bytes | str]:
    """Literal bytes, and the names of groups: `$1`, `${1}`, `$name`, with `$$` for a dollar (`Regexp.Expand`)."""
    out: list[bytes | str] = []
    head, *rest = replacement.split("$")
    out.append(_encode(head))
    parts = iter(rest)
    for part in parts:
        if part == "" and (following := next(parts, None)) is not None:
            out.append(b"$" + _encode(following))
            continue
        braced = part[:1] == "{"
        start = end = 1 if braced else 0
        while end < len(part) and (part[end].isalpha() or part[end].isdecimal() or part[end] == "_"):
            end += 1
        if end == start or (braced and part[end : end + 1] != "}"):
            out.append(b"$" + _encode(part))
        else:
            out += [part[start:end], _encode(part[end + braced :])]
    return out


_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
_ESCAPE: Final = re.compile(rb"%(..)", re.DOTALL)


def _url_unescape(text: str) -> str:
    source = _encode(text)
    bad = _BAD_ESCAPE.search(source)
    if bad is not None:
        raise CallError(f"invalid URL escape {go_quote(decode(bad[0]))}")
    return decode(_ESCAPE.sub(lambda escape: bytes((int(escape[1], 16),)), source.replace(b"+", b" ")))


_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?")
_DIGITS: Final = re.compile(rb"[A-Za-z0-9_-]*")


def _base64_encode(text: str) -> str:
    return base64.urlsafe_b64encode(_encode(text)).decode()


def _base64_decode(text: str) -> str:
    source = _encode(text).translate(None, b"\r\n")
    if not _BASE64.fullmatch(source):
        good = _DIGITS.match(source)
        assert good is not None
        end = good.end()
        raise CallError(f"illegal base64 data at input byte {end if end < len(source) else end // 4 * 4}")
    return decode(base64.urlsafe_b64decode(source))


# Lists and maps.


def _append(items: Slice, *more: Value) -> Slice:
    return Slice(ANY_LIST, (*elements(items), *more))


def _dict(*args: Value) -> Map:
    if len(args) % 2:
        raise CallError("dict requires an even number of arguments")
    if not all(type(name) is str for name in args[::2]):
        raise CallError("dict keys must be strings")
    return Map(ANY_MAP, dict(zip(args[::2], args[1::2], strict=True)))


# Time.

_DAY: Final = 86_400
_SECONDS: Final = DURATION.methods["Seconds"].call
_PREFIXES: Final = "munpfazy"


def _humanize_duration(value: Value) -> str:
    """Seconds, or a duration, as people say it: `1d 2h 3m 4s`, `12.35s`, `100ms`."""
    seconds = _to_float(value)
    if not math.isfinite(seconds):
        return "NaN" if math.isnan(seconds) else "+Inf" if seconds > 0 else "-Inf"
    if seconds == 0:
        return f"{seconds:.4g}s"
    sign, size = "-" if seconds < 0 else "", abs(seconds)
    if size >= 1:
        whole = int(size)
        amounts = (whole // _DAY, whole // 3600 % 24, whole // 60 % 60, whole % 60)
        shown = [f"{amount}{unit}" for amount, unit in zip(amounts, "dhms", strict=True)]
        first = next((i for i in range(3) if amounts[i]), None)
        return sign + (f"{size:.4g}s" if first is None else " ".join(shown[first:]))
    prefix = ""
    for prefix in _PREFIXES:  # noqa: B007 - the last one tried is the one that counts
        size *= 1000
        if size >= 1:
            break
    return f"{sign}{size:.4g}{prefix}s"


def _to_float(value: Value) -> float:
    type_ = type_of(value)
    if type_ is DURATION:
        return float(_SECONDS(value))
    if type_ in (INT64, UINT, UINT64):
        return float(value.value)
    if type(value) is int or type(value) is float:
        return float(value)
    if type(value) is str:
        return _parse_float(value)
    raise CallError(f"can't convert {'<nil>' if type_ is None else type_.name} to float")


_NAMED_FLOAT: Final = re.compile(r"([+-]?)inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)


def _parse_float(text: str) -> float:
    found = parse_float(text)
    if found is not None:
        return found
    if _NAMED_FLOAT.fullmatch(text):
        return float(text)
    raise CallError(f"strconv.ParseFloat: parsing {go_quote(text)}: invalid syntax")


_BEGAN: Final = time.monotonic_ns()


def now() -> Instant:
    """This moment, in the server's zone, with the monotonic clock's reading since the program began."""
    return Instant(time.time_ns(), LOCAL, time.monotonic_ns() - _BEGAN)


def _tz(name: str, moment: Instant) -> Instant:
    try:
        return moment.at(load(name))
    except ZoneError as error:
        raise CallError(str(error)) from None


def _must_to_date(layout: str, text: str) -> Instant:
    try:
        return Instant(*parse_time(layout, text))
    except LayoutError as error:
        raise CallError(str(error)) from None


def _to_date(layout: str, text: str) -> Instant:
    """As `mustToDate`, with the zero time for what cannot be read."""
    try:
        return Instant(*parse_time(layout, text))
    except LayoutError:
        return Instant(ZERO_NS)


_BETWEEN: Final = TIME.methods["Sub"].call


FUNCTIONS: Final[dict[str, Func]] = {
    "append": Func([ANY_LIST, ANY], _append, variadic=True),
    "base64decode": Func([STRING], _base64_decode),
    "base64encode": Func([STRING], _base64_encode),
    "date": Func([STRING, TIME], lambda layout, moment: moment.format(layout)),
    "dict": Func([ANY], _dict, variadic=True),
    "humanizeDuration": Func([ANY], _humanize_duration),
    "join": Func([STRING, STRINGS], _join),
    "list": Func([ANY], lambda *items: Slice(ANY_LIST, items), variadic=True),
    "match": Func([STRING, STRING], _match),
    "mustToDate": Func([STRING, STRING], _must_to_date),
    "now": Func([], now),
    "reReplaceAll": Func([STRING, STRING, STRING], _replace_all),
    "routeLabels": Func([STRING], lambda name: ""),
    "safeHtml": Func([STRING], lambda text: Scalar(HTML, text)),
    "safeUrl": Func([STRING], lambda text: Scalar(URL, text)),
    "since": Func([TIME], lambda moment: _BETWEEN(now(), moment)),
    "stringSlice": Func([STRING], lambda *texts: Slice(STRINGS, texts), variadic=True),
    "title": Func([STRING], casing.title),
    "toDate": Func([STRING, STRING], _to_date),
    "toJson": Func([ANY], to_json),
    "toLower": Func([STRING], casing.lower),
    "toUpper": Func([STRING], casing.upper),
    "trimSpace": Func([STRING], trim_space),
    "tz": Func([STRING, TIME], _tz),
    "urlUnescape": Func([STRING], _url_unescape),
}
"""The functions by name. What `routeLabels` answers depends on the data and is given to each run: see `route_label`."""
