"""The body of POST /api/v2/silences, read as upstream's generated Go code reads it. Shape only; see `ampp.core.silence`."""

from typing import Final

import msgspec

from ampp.core.matcher import Matcher, Op
from ampp.core.silence import SilenceDraft
from ampp.ingest.alertmanager import field, instant, read_body, string, string_map, wrong_type
from ampp.ingest.fault import IngestError
from ampp.ingest.gojson import Pairs, Value

__all__ = ["decode_silence"]

_BODY: Final = 'struct { ID string "json:\\"id,omitempty\\"" }'

_OPS: Final = {(True, False): Op.EQ, (False, False): Op.NE, (True, True): Op.RE, (False, True): Op.NRE}
"""By (isEqual, isRegex)."""


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


def decode_silence(body: bytes) -> SilenceDraft:
    """The silence of a POST body. Raises `IngestError` with upstream's codes, texts and order of checks."""
    silence: _Silence = read_body(body, "silence", _read)
    _require(silence.comment, "comment")
    _require(silence.created_by, "createdBy")
    _require(silence.ends, "endsAt")
    matchers = _require(silence.matchers, "matchers")
    if not matchers:
        raise IngestError(612, "matchers in body should have at least 1 items")
    for index, matcher in enumerate(matchers):
        # Upstream dies on a null matcher; this is what its schema would have said.
        matcher = _require(matcher, f"matchers.{index}")
        _require(matcher.is_regex, f"matchers.{index}.isRegex")
        _require(matcher.name, f"matchers.{index}.name")
        _require(matcher.value, f"matchers.{index}.value")
    _require(silence.starts, "startsAt")
    return SilenceDraft(
        id=silence.id or None,
        matcher_sets=(tuple([_matcher(matcher) for matcher in matchers]),),
        starts=silence.starts[0],
        ends=silence.ends[0],
        created_by=silence.created_by,
        comment=silence.comment,
        annotations=silence.annotations or {},
    )


def _require(value, name):
    if value is None:
        raise IngestError(602, f"{name} in body is required")
    return value


def _matcher(matcher: _Matcher) -> Matcher:
    op = _OPS[matcher.is_equal is not False, matcher.is_regex is True]
    return Matcher(matcher.name, op, matcher.value)


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
    for name, member in value:
        match field(name):
            case "annotations":
                silence.annotations = string_map(silence.annotations, member, "Silence.annotations")
            case "comment":
                silence.comment = _optional_string(member, "Silence.comment")
            case "createdby":
                silence.created_by = _optional_string(member, "Silence.createdBy")
            case "endsat":
                silence.ends = None if member is None else instant((0, 0), member, "Silence.endsAt")
            case "startsat":
                silence.starts = None if member is None else instant((0, 0), member, "Silence.startsAt")
            case "matchers":
                silence.matchers = _read_matchers(silence.matchers, member)
    return silence


def _optional_string(value: Value, where: str) -> str | None:
    return None if value is None else string("", value, where)


def _optional_bool(value: Value, where: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise wrong_type(value, f"struct field {where} of type bool")
    return value


def _read_matchers(old: list[_Matcher | None] | None, value: Value) -> list[_Matcher | None] | None:
    """An array written twice: Go reads the second over the elements of the first, and keeps the second's length."""
    if value is None:
        return None
    if not isinstance(value, list) or isinstance(value, Pairs):
        raise wrong_type(value, "struct field Silence.matchers of type models.Matchers")
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
                matcher.name = _optional_string(member, "Matcher.matchers.name")
            case "value":
                matcher.value = _optional_string(member, "Matcher.matchers.value")
            case "isregex":
                matcher.is_regex = _optional_bool(member, "Matcher.matchers.isRegex")
            case "isequal":
                matcher.is_equal = _optional_bool(member, "Matcher.matchers.isEqual")
    return matcher
