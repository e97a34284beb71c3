"""What POST /api/v2/silences takes and refuses. The texts were captured from Alertmanager 0.25."""

import pytest

from ampp.core.clock import ZERO
from ampp.core.matcher import Matcher, Op
from ampp.ingest.fault import IngestError
from ampp.ingest.silence import decode_silence

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
