"""What POST /api/v2/silences takes and refuses. The texts were captured from Alertmanager 0.25."""

from collections.abc import Callable
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampp.core.clock import ZERO
from ampp.core.matcher import Matcher, Op
from ampp.core.silence import SilenceDraft
from ampp.ingest.fault import IngestError
from ampp.ingest.silence import _decode_plainly, decode_silence, decode_silence_carefully

BASE = b'"comment":"c","createdBy":"m","endsAt":"2031-01-01T00:00:00Z","startsAt":"2026-11-22T04:56:44Z"'
MATCHERS = b'"matchers":[{"name":"a","value":"b","isRegex":false}]'


def silence(*members: bytes) -> bytes:
    return b"{" + b",".join([BASE, *members]) + b"}"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", 602, "silence in body is required"),
        (b"null", 602, "comment in body is required"),
        (b"{}", 602, "comment in body is required"),
        (b'{"matchers":[]}', 602, "comment in body is required"),
        (b'{"comment":"c"}', 602, "createdBy in body is required"),
        (b'{"comment":"c","createdBy":""}', 602, "endsAt in body is required"),
        (b'{"comment":"c","comment":null}', 602, "comment in body is required"),
        (silence(), 602, "matchers in body is required"),
        (silence(b'"matchers":null'), 602, "matchers in body is required"),
        (silence(b'"matchers":[]'), 612, "matchers in body should have at least 1 items"),
        (silence(b'"matchers":[null]'), 602, "matchers.0 in body is required"),
        (silence(b'"matchers":[{}]'), 602, "matchers.0.isRegex in body is required"),
        (silence(b'"matchers":[{"isRegex":false}]'), 602, "matchers.0.name in body is required"),
        (silence(b'"matchers":[{"isRegex":false,"name":"a"}]'), 602, "matchers.0.value in body is required"),
        (silence(MATCHERS, b'"startsAt":null'), 602, "startsAt in body is required"),
    ],
)
def test_missing_parts_are_named_in_upstream_s_order(body: bytes, code: int, message: str) -> None:
    with pytest.raises(IngestError) as caught:
        decode_silence(body)
    assert (caught.value.status, caught.value.code, caught.value.message) == (422, code, message)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[", "unexpected EOF"),
        (b"[]", 'json: cannot unmarshal array into Go value of type struct { ID string "json:\\"id,omitempty\\"" }'),
        (
            silence(b'"matchers":{}'),
            "json: cannot unmarshal object into Go struct field Silence.matchers of type models.Matchers",
        ),
        (
            silence(b'"matchers":[1]'),
            "json: cannot unmarshal number into Go struct field Silence.matchers of type models.Matcher",
        ),
        (
            silence(b'"matchers":[{"isRegex":"x"}]'),
            "json: cannot unmarshal string into Go struct field Matcher.matchers.isRegex of type bool",
        ),
        (
            silence(b'"matchers":[{"name":1}]'),
            "json: cannot unmarshal number into Go struct field Matcher.matchers.name of type string",
        ),
        (silence(b'"id":1', b'"comment":1'), "json: cannot unmarshal number into Go struct field .id of type string"),
        (silence(b'"comment":1'), "json: cannot unmarshal number into Go struct field Silence.comment of type string"),
        # A time that cannot be read is told before a field of the wrong type.
        (
            silence(b'"comment":1', b'"startsAt":2'),
            "json: cannot unmarshal number into Go struct field Silence.startsAt of type string",
        ),
    ],
)
def test_unreadable_bodies_are_refused_in_go_s_words(body: bytes, reason: str) -> None:
    with pytest.raises(IngestError) as caught:
        decode_silence(body)
    assert caught.value.status == 400
    assert caught.value.message == f'parsing silence body from "" failed, because {reason}'


def test_a_whole_silence() -> None:
    draft = decode_silence(
        silence(
            b'"ID":"x"',
            b'"matchers":[{"name":"a","value":"b","isRegex":false},{"name":"c","value":"d|","isRegex":true},'
            b'{"name":"e","value":"f","isRegex":false,"isEqual":false},{"name":"g","value":"","isRegex":true,'
            b'"isEqual":false},{"name":"h","value":"i","isRegex":false,"isEqual":null}]',
            b'"annotations":{"k":"v","n":null}',
        )
    )
    assert draft.id == "x"
    assert draft.matcher_sets == (
        (
            Matcher("a", Op.EQ, "b"),
            Matcher("c", Op.RE, "d|"),
            Matcher("e", Op.NE, "f"),
            Matcher("g", Op.NRE, ""),
            Matcher("h", Op.EQ, "i"),
        ),
    )
    assert (draft.created_by, draft.comment, draft.annotations) == ("m", "c", {"k": "v", "n": ""})
    assert draft.starts == 1795323404 * 10**9


def test_a_start_left_open_and_a_new_silence() -> None:
    draft = decode_silence(silence(MATCHERS, b'"id":null', b'"startsAt":"0001-01-01T00:00:00Z"'))
    assert draft.id is None
    assert draft.starts == ZERO


def test_matchers_written_twice_are_merged_item_by_item() -> None:
    draft = decode_silence(silence(MATCHERS, b'"matchers":[{"isRegex":true}]'))
    assert draft.matcher_sets == ((Matcher("a", Op.RE, "b"),),)


# Both readers must agree on everything: on well-formed bodies, on bodies with every oddity, and on broken ones.

_text = st.sampled_from(["", "a", "é", "🙂", 'q"\\\n', "<\u2028\x7f", "matchers", '"startsAt":"x"', "node-1.*"])
_time = st.sampled_from(["2026-11-22T04:54:44.151Z", "2026-11-22T04:54:44+02:00", "", "2026-11-22", "x"])
_flag = st.sampled_from([True, False, None, 1])
_matcher: Final = {
    "name": _text,
    "value": st.one_of(_text, st.none()),
    "isRegex": _flag,
    "isEqual": _flag,
    "ISEQUAL": _flag,
}
_value: Final = {
    "id": st.one_of(_text, st.none()),
    "comment": st.one_of(_text, st.none(), st.just(1)),
    "createdBy": _text,
    "startsAt": st.one_of(_time, st.none(), st.just(1)),
    "endsAt": _time,
    "annotations": st.one_of(st.dictionaries(_text, st.one_of(_text, st.none()), max_size=2), st.none()),
    "EndsAt": _time,
    "other": st.one_of(_text, st.integers()),
}
_usual: Final = st.just({"name": "instance", "value": "a|b", "isRegex": True})


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)


def _members(members: list[tuple[str, object]]) -> bytes:
    return b"{" + b",".join(_json(name) + b":" + _json(value) for name, value in members) + b"}"


@st.composite
def _matchers(draw: st.DrawFn) -> bytes:
    found = []
    for _ in range(draw(st.integers(0, 2))):
        names = draw(st.lists(st.sampled_from(sorted(_matcher)), max_size=2))
        members = [*draw(_usual).items(), *[(name, draw(_matcher[name])) for name in names]]
        found.append(_members(members))
    return b'"matchers":[%b]' % b",".join(found)


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from(sorted(_value)), max_size=3))
    parts = [BASE, draw(_matchers()), *[_json(name) + b":" + _json(draw(_value[name])) for name in names]]
    if draw(st.integers(0, 5)) == 0:
        parts.append(draw(_matchers()))
    if draw(st.booleans()):
        parts = parts[1:] + [part for part in BASE.split(b",") if draw(st.integers(0, 9))]
    body = b"{" + b",".join(parts) + b"}"
    match draw(st.integers(0, 8)):
        case 0:
            return body.replace(b":", b" : ").replace(b",", b",\n")
        case 1:
            return body[: draw(st.integers(0, len(body)))]
        case 2:
            at = draw(st.integers(0, len(body)))
            odd = [b"\xff", b"\\ud800", b"\x00", b",", b" ", b"}", b"\xed\xa0\x80", b"\\u0061"]
            return body[:at] + draw(st.sampled_from(odd)) + body[at:]
        case 3:
            return body + draw(st.sampled_from([b"garbage", b"\n"]))
        case 4:
            return body.replace(b'"matchers"', b'"m\\u0061tchers"', 1).replace(b'"isEqual"', b'"isEqu\\u0061l"', 1)
    return body


def _result(decode: Callable[[bytes], SilenceDraft], body: bytes) -> SilenceDraft | tuple[int, str]:
    try:
        return decode(body)
    except IngestError as error:
        return error.code, error.message


@settings(max_examples=400, deadline=None)
@given(_bodies())
def test_the_quick_reader_agrees_with_the_careful_one(body: bytes) -> None:
    assert _result(decode_silence, body) == _result(decode_silence_carefully, body)


def test_annotations_of_one_silence_are_its_own() -> None:
    first, second = decode_silence(silence(MATCHERS)), decode_silence(silence(MATCHERS))
    assert first.annotations == {} == second.annotations
    assert first.annotations is not second.annotations


def test_what_clients_send_takes_the_quick_way() -> None:
    body = silence(b'"id":""', b'"matchers":[{"isEqual":true,"isRegex":true,"name":"a","value":"node\\\\.1|b"}]')
    assert _decode_plainly(body) == decode_silence_carefully(body)
    assert _decode_plainly(silence(MATCHERS, b'"annotations":{}')) == decode_silence_carefully(silence(MATCHERS))
