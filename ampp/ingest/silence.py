"""The body of POST /api/v2/silences, read as upstream's generated Go code reads it. Shape only (see `core.silence`).

As with alerts there are two readers that must agree: a quick one for what clients send, and the careful one for all
that the quick one does not take. The careful one alone speaks of errors.
"""

from typing import Final, TypeVar

import msgspec

from ampp.core.matcher import Matcher, Op
from ampp.core.silence import SilenceDraft
from ampp.core.timestamp import TimestampError, parse_api
from ampp.ingest.alertmanager import Leniency, field, instant, read_body, string, string_map, wrong_type
from ampp.ingest.fault import IngestError
from ampp.ingest.gojson import Pairs, Value

__all__ = ["decode_silence", "decode_silence_carefully"]

_T = TypeVar("_T")

_BODY: Final = 'struct { ID string "json:\\"id,omitempty\\"" }'

_OPS: Final = {(True, False): Op.EQ, (False, False): Op.NE, (True, True): Op.RE, (False, True): Op.NRE}
"""By (isEqual, isRegex)."""


def decode_silence(body: bytes) -> SilenceDraft:
    """The silence of a POST body. Raises `IngestError` with upstream's codes, texts and order of checks."""
    return _decode_plainly(body) or decode_silence_carefully(body)


# --- the quick reader --------------------------------------------------------------------------------------------


class _PlainMatcher(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    name: str
    value: str
    is_regex: bool
    is_equal: bool = True


class _PlainSilence(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Every name as the documentation spells it: Go takes others, which are unknown here."""

    matchers: list[_PlainMatcher]
    starts_at: str
    ends_at: str
    created_by: str
    comment: str
    id: str = ""
    annotations: dict[str, str] = {}


_plain: Final = msgspec.json.Decoder(_PlainSilence).decode

_ONCE: Final = (b'"matchers"', b'"startsAt"', b'"endsAt"')
"""Names that must not come twice, as Go then merges the values, or judges both."""


def _decode_plainly(body: bytes) -> SilenceDraft | None:
    """The silence of a body without any oddity; None leaves it to the careful reader.

    A name could also be written with escapes of its letters, which the search for a second one would not see.
    """
    if b"\\u" in body or body.count(b'"annotations"') > 1:
        return None
    for name in _ONCE:
        if body.count(name) != 1:
            return None
    try:
        silence = _plain(body)
        starts, ends = parse_api(silence.starts_at)[0], parse_api(silence.ends_at)[0]
    except (msgspec.DecodeError, UnicodeDecodeError, TimestampError, RecursionError):
        return None
    if not silence.matchers:
        return None
    matchers = tuple([Matcher(each.name, _OPS[each.is_equal, each.is_regex], each.value) for each in silence.matchers])
    return SilenceDraft(
        silence.id or None,
        (matchers,),
        starts,
        ends,
        silence.created_by,
        silence.comment,
        silence.annotations,
    )


# --- the careful reader ------------------------------------------------------------------------------------------


class _Matcher(msgspec.Struct):
    name: str | None = None
    value: str | None = None
    is_regex: bool | None = None
    is_equal: bool | None = None


class _Silence(msgspec.Struct):
    id: str = ""
    comment: str | None = None
    created_by: str | None = None
    starts: tuple[int, int] | None = None
    ends: tuple[int, int] | None = None
    matchers: list[_Matcher | None] | None = None
    annotations: dict[str, str] | None = None


def decode_silence_carefully(body: bytes) -> SilenceDraft:
    """`decode_silence` without the quick reader: the reference for what a body means."""
    silence: _Silence = read_body(body, "silence", _read)
    comment = _require(silence.comment, "comment")
    created_by = _require(silence.created_by, "createdBy")
    ends, _ = _require(silence.ends, "endsAt")
    matchers = _require(silence.matchers, "matchers")
    if not matchers:
        raise IngestError(612, "matchers in body should have at least 1 items")
    checked = tuple([_matcher(matcher, f"matchers.{index}") for index, matcher in enumerate(matchers)])
    starts, _ = _require(silence.starts, "startsAt")
    return SilenceDraft(
        id=silence.id or None,
        matcher_sets=(checked,),
        starts=starts,
        ends=ends,
        created_by=created_by,
        comment=comment,
        annotations=silence.annotations or {},
    )


def _require(value: _T | None, name: str) -> _T:
    if value is None:
        raise IngestError(602, f"{name} in body is required")
    return value


def _matcher(matcher: _Matcher | None, where: str) -> Matcher:
    # Upstream dies on a null matcher; this is what its schema would have said.
    matcher = _require(matcher, where)
    is_regex = _require(matcher.is_regex, f"{where}.isRegex")
    name = _require(matcher.name, f"{where}.name")
    value = _require(matcher.value, f"{where}.value")
    return Matcher(name, _OPS[matcher.is_equal is not False, is_regex], value)


def _read(value: Value) -> _Silence:
    """Upstream reads a silence twice, first its id and then what it inherits; so the first error is found."""
    silence = _Silence()
    if value is None:
        return silence
    if not isinstance(value, Pairs):
        raise wrong_type(value, f"value of type {_BODY}")
    for name, member in value:
        if field(name) == "id":
            silence.id = string(silence.id, member, ".id")
    with Leniency() as lenient:
        for name, member in value:
            match field(name):
                case "annotations":
                    silence.annotations = lenient(string_map, silence.annotations, member, "Silence.annotations")
                case "comment":
                    silence.comment = lenient(_optional_string, silence.comment, member, "Silence.comment")
                case "createdby":
                    silence.created_by = lenient(_optional_string, silence.created_by, member, "Silence.createdBy")
                case "endsat":
                    silence.ends = None if member is None else instant((0, 0), member, "Silence.endsAt")
                case "startsat":
                    silence.starts = None if member is None else instant((0, 0), member, "Silence.startsAt")
                case "matchers":
                    silence.matchers = lenient(_read_matchers, silence.matchers, member, "Silence.matchers")
    return silence


def _optional_string(_: str | None, value: Value, where: str) -> str | None:
    """A field that tells "empty" from "absent"; `null` makes it absent again."""
    return None if value is None else string("", value, where)


def _optional_bool(_: bool | None, value: Value, where: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise wrong_type(value, f"struct field {where} of type bool")


def _read_matchers(old: list[_Matcher | None] | None, value: Value, where: str) -> list[_Matcher | None] | None:
    """An array written twice: Go reads the second over the elements of the first, and keeps the second's length."""
    if value is None:
        return None
    if not isinstance(value, list) or isinstance(value, Pairs):
        raise wrong_type(value, f"struct field {where} of type models.Matchers")
    before = old or []
    return [_read_matcher(before[i] if i < len(before) else None, item) for i, item in enumerate(value)]


def _read_matcher(old: _Matcher | None, item: Value) -> _Matcher | None:
    if item is None:
        return None
    if not isinstance(item, Pairs):
        raise wrong_type(item, "struct field Silence.matchers of type models.Matcher")
    matcher = old or _Matcher()
    for name, member in item:
        match field(name):
            case "name":
                matcher.name = _optional_string(matcher.name, member, "Matcher.matchers.name")
            case "value":
                matcher.value = _optional_string(matcher.value, member, "Matcher.matchers.value")
            case "isregex":
                matcher.is_regex = _optional_bool(matcher.is_regex, member, "Matcher.matchers.isRegex")
            case "isequal":
                matcher.is_equal = _optional_bool(matcher.is_equal, member, "Matcher.matchers.isEqual")
    return matcher
