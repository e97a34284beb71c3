"""What POST /api/v2/alerts takes and refuses, and with which words. The texts were captured from Alertmanager 0.25."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampp.core.alert import PostedAlert
from ampp.core.clock import SECOND, ZERO
from ampp.ingest.alertmanager import decode_alerts, decode_carefully
from ampp.ingest.compact import read_compact, read_ordered
from ampp.ingest.fault import IngestError

LABELS = b'"labels":{"a":"b"}'
ALERT_TYPE = (
    'struct { Annotations models.LabelSet "json:\\"annotations,omitempty\\""; '
    'EndsAt strfmt.DateTime "json:\\"endsAt,omitempty\\""; StartsAt strfmt.DateTime "json:\\"startsAt,omitempty\\"" }'
)


def alert(*members: bytes) -> bytes:
    return b"[{" + b",".join([LABELS, *members]) + b"}]"


def refusal(body: bytes) -> tuple[int, int, str]:
    with pytest.raises(IngestError) as caught:
        decode_alerts(body)
    return caught.value.status, caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "unexpected EOF"),
        (b"[{", "unexpected EOF"),
        (b'["a', "unexpected EOF"),
        (b"nul", "unexpected EOF"),
        (b"[{]", "invalid character ']' looking for beginning of object key string"),
        (b'[{"a"]', "invalid character ']' after object key"),
        (b'[{"a":}]', "invalid character '}' looking for beginning of value"),
        (b'[{"labels":{"a":"b"},}]', "invalid character '}' looking for beginning of object key string"),
        (b'[{"labels":{"a":"b"}},]', "invalid character ']' looking for beginning of value"),
        (b'[{"labels":{"a":"b"}} {}]', "invalid character '{' after array element"),
        (b'[{"labels":{"a" "b"}}]', "invalid character '\"' after object key"),
        (b'[{"a":1 "b"}]', "invalid character '\"' after object key:value pair"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"nulx", "invalid character 'x' in literal null (expecting 'l')"),
        (b"[01]", "invalid character '1' after array element"),
        (b"[-]", "invalid character ']' in numeric literal"),
        (b"[1.a]", "invalid character 'a' after decimal point in numeric literal"),
        (b"[1e]", "invalid character ']' in exponent of numeric literal"),
        (b"[1e+a]", "invalid character 'a' in exponent of numeric literal"),
        (b'["\\x"]', "invalid character 'x' in string escape code"),
        (b'["\\u12g4"]', "invalid character 'g' in \\u hexadecimal character escape"),
        (b'["\x01"]', "invalid character '\\x01' in string literal"),
        (b"[NaN]", "invalid character 'N' looking for beginning of value"),
        (b"\xef\xbb\xbf[]", "invalid character 'ï' looking for beginning of value"),
        (b"\xff", "invalid character 'ÿ' looking for beginning of value"),
        (b"[']", "invalid character '\\'' looking for beginning of value"),
        (b"[" * 10_001, "invalid character '[' exceeded max depth"),
        (b"[" * 100_000, "invalid character '[' exceeded max depth"),
        (b'"a"', "json: cannot unmarshal string into Go value of type models.PostableAlerts"),
        (b"1", "json: cannot unmarshal number into Go value of type models.PostableAlerts"),
        (b"{}", "json: cannot unmarshal object into Go value of type models.PostableAlerts"),
        (b"[1]", f"json: cannot unmarshal number into Go value of type {ALERT_TYPE}"),
        (b"[[]]", f"json: cannot unmarshal array into Go value of type {ALERT_TYPE}"),
        (b'[{"labels":1}]', "json: cannot unmarshal number into Go struct field Alert.labels of type models.LabelSet"),
        (b'[{"LABELS":[]}]', "json: cannot unmarshal array into Go struct field Alert.labels of type models.LabelSet"),
        (b'[{"labels":{"a":1}}]', "json: cannot unmarshal number into Go struct field Alert.labels of type string"),
        (b'[{"labels":{"a":true}}]', "json: cannot unmarshal bool into Go struct field Alert.labels of type string"),
        (
            b'[{"labels":2,"annotations":1}]',
            "json: cannot unmarshal number into Go struct field .annotations of type models.LabelSet",
        ),
        (b'[{"startsAt":1}]', "json: cannot unmarshal number into Go struct field .startsAt of type string"),
        (
            b'[{"generatorURL":1}]',
            "json: cannot unmarshal number into Go struct field Alert.generatorURL of type string",
        ),
        # A time that cannot be read ends the reading, a field of the wrong type does not.
        (
            b'[{"annotations":1,"endsAt":{}}]',
            "json: cannot unmarshal object into Go struct field .endsAt of type string",
        ),
        (b'[{"startsAt":"2026-13-01"}]', 'parsing time "2026-13-01": month out of range'),
    ],
)
def test_unreadable_bodies_are_refused_in_go_s_words(body: bytes, reason: str) -> None:
    assert refusal(body) == (400, 400, f'parsing alerts body from "" failed, because {reason}')


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", 602, "alerts in body is required"),
        (b" \r\n", 602, "alerts in body is required"),
        (b"[{}]", 602, "0.labels in body is required"),
        (b'[{"labels":null}]', 602, "0.labels in body is required"),
        (b'[{"labels":{"a":"b"},"labels":null}]', 602, "0.labels in body is required"),
        (b'[{"labels":{"a":"b"}},{}]', 602, "1.labels in body is required"),
        (b"[null]", 602, "0 in body is required"),
        (b'[{"generatorURL":"foo"}]', 601, '0.generatorURL in body must be of type uri: "foo"'),
        (b'[{"labels":{}},{"generatorURL":"a\\"b"}]', 601, '1.generatorURL in body must be of type uri: "a\\"b"'),
    ],
)
def test_bodies_of_the_wrong_form_are_refused_by_the_schema(body: bytes, code: int, message: str) -> None:
    assert refusal(body) == (422, code, message)


@pytest.mark.parametrize("body", [b"null", b"[]", b" [ ] ", b"[]garbage", b"null {"])
def test_no_alerts(body: bytes) -> None:
    assert decode_alerts(body) == []


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (b'[{"LaBeLs":{"b":"2","a":"1"}}]', {"a": "1", "b": "2"}),
        (b'[{"label\xc5\xbf":{"a":"1"}}]', {"a": "1"}),
        (b'[{"labels":{"a":"1"},"labels":{"b":"2"}}]', {"a": "1", "b": "2"}),
        (b'[{"labels":{"a":"1"},"l\\u0061bels":{"b":"2"}}]', {"a": "1", "b": "2"}),
        (b'[{"labels":{"a":"1","a":"2"}}]', {"a": "2"}),
        (b'[{"labels":{"a":"1","b":null,"c":""}}]', {"a": "1"}),
        (b'[{"labels":{"a":"1","a":null}}]', {}),
        (b'[{"labels":{"\xff\xe2\x82":"\xed\xa0\x80"}}]', {"���": "���"}),
        (b'[{"labels":{"a":"\\ud800\\u0041\\udc00"}}]', {"a": "�A�"}),
        (b'[{"labels":{"a":"\\ud83d\\ude42"}}]', {"a": "🙂"}),
        (b'[{"labels":{"a":"1"},"x":{"y":[1e999,-0.0,{"labels":1}]}}]{', {"a": "1"}),
    ],
)
def test_labels_are_read_as_go_reads_them(body: bytes, labels: dict[str, str]) -> None:
    [posted] = decode_alerts(body)
    assert posted.labels == labels
    assert list(posted.labels) == sorted(labels)


def test_times_urls_and_annotations() -> None:
    [posted] = decode_alerts(
        alert(
            b'"startsAt":"2026-11-22T04:54:44.151+02:00"',
            b'"endsAt":""',
            b'"generatorURL":"http://x/?a\\u0026b"',
            b'"annotations":{"z":"","y":"1"}',
        ),
        local_offset=3600,
    )
    assert posted.starts == 1795316084_151000000
    assert posted.starts_off == 7200
    assert (posted.ends, posted.ends_off) == (0, 0)
    assert posted.generator_url == "http://x/?a&b"
    assert posted.annotations == {"y": "1", "z": ""}
    assert list(posted.annotations) == ["y", "z"]


def test_times_not_given_take_the_zone_of_what_replaces_them() -> None:
    [neither] = decode_alerts(alert(), local_offset=3600)
    assert (neither.starts, neither.ends, neither.starts_off, neither.ends_off) == (ZERO, ZERO, 3600, 3600)
    [end_only] = decode_alerts(alert(b'"endsAt":"2026-11-22T00:00:00-05:00"'), local_offset=3600)
    assert (end_only.starts, end_only.starts_off, end_only.ends_off) == (ZERO, -18000, -18000)
    [zero] = decode_alerts(alert(b'"startsAt":"0001-01-01T00:00:00Z"'))
    assert zero.starts == ZERO
    [null] = decode_alerts(alert(b'"startsAt":"1970-01-01T00:00:01Z"', b'"startsAt":null'))
    assert null.starts == SECOND


GOOD_URLS = (
    "http://a/", "/x y", "http://a/ b", "mailto:x", "http://a/?%zz", "*", "http://", "http:", "//x", "http://a\u00e9/",
    "http://a<b>/", "https://u:p@h:80/x", "http://[::1]:9090/", "http://[fe80::1%25en0]/", "http://a:/", "x+y.z-1:o",
)  # fmt: skip
BAD_URLS = (
    "foo", "http://a b/", "http://[::1", "%zz", "http://a/%zz", "http://a/#%zz", ":x", "1http://x", "?x", "a/b:c",
    "http://a:port/", "http://a:80/\\u007f", "http://u ser@a/", "http://a%41/", "http://u%zz@a/", "http://a:80:x/",
)  # fmt: skip


@pytest.mark.parametrize("url", GOOD_URLS)
def test_urls_go_takes(url: str) -> None:
    [posted] = decode_alerts(alert(b'"generatorURL":"' + url.encode() + b'"'))
    assert posted.generator_url == url


@pytest.mark.parametrize("url", BAD_URLS)
def test_urls_go_refuses(url: str) -> None:
    assert refusal(alert(b'"generatorURL":"' + url.encode() + b'"'))[:2] == (422, 601)


def test_one_alert_s_annotations_and_url_do_not_stick_to_the_next_with_the_same_labels() -> None:
    first, second, third = decode_alerts(
        b'[{"labels":{"s":"1"},"annotations":{"x":"1"},"generatorURL":"http://a"},'
        b'{"labels":{"s":"1"}},{"labels":{"s":"1"},"annotations":{"x":"2"},"generatorURL":"http://b"}]'
    )
    assert [first.annotations, second.annotations, third.annotations] == [{"x": "1"}, {}, {"x": "2"}]
    assert [first.generator_url, second.generator_url, third.generator_url] == ["http://a", "", "http://b"]


# Both readers must agree on everything: on well-formed bodies, on bodies with every oddity, and on broken ones.

_text = st.sampled_from(["", "a", "b", "é", "🙂", 'q"\\\n', "\u2028<>&", "labels", '"labels":{"a":"b"}'])
_time = st.sampled_from(["2026-11-22T04:54:44.151Z", "2026-11-22T04:54:44.151+02:00", "", "2026-11-22", "x"])
_map = st.dictionaries(_text, st.one_of(_text, st.none()), max_size=3)
_value = {
    "labels": _map,
    "annotations": _map,
    "startsAt": st.one_of(_time, st.none(), st.just(1)),
    "endsAt": _time,
    "generatorURL": st.sampled_from(["", "http://x/", "foo", "/"]),
    "LABELS": _map,
    "other": st.one_of(_text, _map, st.integers()),
}


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    alerts = []
    for _ in range(draw(st.integers(0, 3))):
        names = draw(st.lists(st.sampled_from(sorted(_value)), max_size=5))
        members = [(name, draw(_value[name])) for name in ("labels", *names)]
        alerts.append(b"{" + b",".join(_encode(name) + b":" + _encode(value) for name, value in members) + b"}")
    body = b"[" + b",".join(alerts) + b"]"
    match draw(st.integers(0, 5)):
        case 0:
            return body.replace(b":", b" : ").replace(b",", b",\n")
        case 1:
            return body[: draw(st.integers(0, len(body)))]
        case 2:
            at = draw(st.integers(0, len(body)))
            return body[:at] + draw(st.sampled_from([b"\xff", b"\\ud800", b"\x00", b",", b" ", b"}"])) + body[at:]
        case 3:
            return body + b"garbage"
    return body


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def _plain(posts: list[PostedAlert] | None) -> list[PostedAlert]:
    """What was posted, without what the reader remembers of it."""
    assert posts is not None
    return [msgspec.structs.replace(post, key=b"", content=None) for post in posts]


def _result(decode: object, body: bytes) -> list[PostedAlert] | tuple[int, str]:
    try:
        return _plain(decode(body, 60))  # type: ignore[operator]
    except IngestError as error:
        return error.code, error.message


@settings(max_examples=400, deadline=None)
@given(_bodies())
def test_the_fast_reader_agrees_with_the_careful_one(body: bytes) -> None:
    assert _result(decode_alerts, body) == _result(decode_carefully, body)
    # Once more with everything remembered.
    assert _result(decode_alerts, body) == _result(decode_carefully, body)


def test_what_prometheus_sends_takes_the_fast_way() -> None:
    body = (
        b'[{"annotations":{"summary":"v=1"},"endsAt":"2026-11-22T04:59:49.151Z","startsAt":"2026-11-22T04:54:44.151Z",'
        b'"generatorURL":"http://vm/graph?g0.expr=vector%281%29\\u0026g0.tab=1","labels":{"alertname":"A"}},'
        b'{"endsAt":"2026-11-22T04:57:04.151Z","labels":{"alertname":"B"}}]'
    )
    assert _plain(read_compact(body, {}, 0)) == decode_carefully(body)
    assert read_ordered(body, {}) is None
    firing = body.replace(
        b'{"endsAt":"2026-11-22T04:57:04.151Z",', b'{"annotations":{},"endsAt":"2026-11-22T04:57:04.151Z",'
    )
    firing = firing.replace(b'04.151Z","labels"', b'04.151Z","startsAt":"2026-11-22T04:54:44.151Z","labels"')
    assert _plain(read_ordered(firing, {})) == decode_carefully(firing)


@pytest.mark.parametrize("starts", ["2026-11-22T04:54:44.151+02:00", "0001-01-01T00:00:00.000Z"])
@pytest.mark.parametrize("ends", ["2026-11-22T04:59:49.151Z", "0001-01-01T00:00:00.000Z"])
def test_no_time_at_all_may_be_written_out(starts: str, ends: str) -> None:
    body = f'[{{"annotations":{{}},"endsAt":"{ends}","startsAt":"{starts}","labels":{{"a":"b"}}}}]'.encode()
    assert _result(decode_alerts, body) == _result(decode_carefully, body)
