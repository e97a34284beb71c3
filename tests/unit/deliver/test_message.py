"""The webhook body, to the byte."""

import msgspec
import pytest

from ampp.core.alert import Alert, Snapshot
from ampp.core.book import snapshot
from ampp.core.clock import SECOND, ZERO
from ampp.core.labels import fingerprint, key
from ampp.core.notify import RouteLabels
from ampp.core.plan import Integration
from ampp.core.reason import NotifyReason
from ampp.deliver.message import encode, message
from ampp.template.data import quote_meta

from .kit import alert, notify


def at(seconds: float) -> int:
    return round((1_700_000_000 + seconds) * SECOND)


def test_a_body_as_upstream_writes_it() -> None:
    firing = Snapshot(
        labels={"alertname": "A&B", "instance": "<x>", "job": "node"},
        annotations={"summary": 'caf\u00e9 \u2028 \U0001f600 \x01\x7f\t"\\/'},
        starts=at(0.123456),
        ends=ZERO,
        updated=at(0),
        generator_url="http://p/graph?a=1&b=2",
        marked=0x00FF,
        hash=1,
    )
    resolved = Snapshot(
        labels={"alertname": "A&B", "instance": "y", "job": "node"},
        annotations={},
        starts=at(0),
        ends=at(60),
        updated=at(60),
        generator_url="",
        marked=0x9F2BB2C2F0D2BA0F,
        hash=2,
        starts_off=7200,
        ends_off=-12600,
    )
    told = notify(
        Integration("team.x/y", "webhook", 0, True),
        firing,
        resolved,
        group='{}/{a="b"}:{alertname="A&B"}',
        deadline=1,
        reason=NotifyReason.SOME_RESOLVED,
    )
    told = msgspec.structs.replace(told, route_labels=RouteLabels({"z": "1", "a": "2"}))
    body = encode(message(told, told.alerts, "http://am.example:9093"))
    assert body == (
        rb'{"receiver":"team\\.x/y","status":"firing","alerts":['
        rb'{"status":"firing","labels":{"alertname":"A\u0026B","instance":"\u003cx\u003e","job":"node"},'
        rb'"annotations":{"summary":"caf' + "\u00e9".encode() + rb" \u2028 " + "\U0001f600".encode() + b" "
        rb"\u0001" + b"\x7f" + rb'\t\"\\/"},'
        rb'"startsAt":"2023-11-14T22:13:20.123456Z","endsAt":"0001-01-01T00:00:00Z",'
        rb'"generatorURL":"http://p/graph?a=1\u0026b=2","fingerprint":"00000000000000ff"},'
        rb'{"status":"resolved","labels":{"alertname":"A\u0026B","instance":"y","job":"node"},"annotations":{},'
        rb'"startsAt":"2023-11-15T00:13:20+02:00","endsAt":"2023-11-14T18:44:20-03:30",'
        rb'"generatorURL":"","fingerprint":"9f2bb2c2f0d2ba0f"}],'
        rb'"notification_reason":"some alerts resolved","groupLabels":{"alertname":"Down"},'
        rb'"commonLabels":{"alertname":"A\u0026B","job":"node"},"commonAnnotations":{},'
        rb'"routeLabels":{"a":"2","z":"1"},"externalURL":"http://am.example:9093","version":"4",'
        rb'"groupKey":"{}/{a=\"b\"}:{alertname=\"A\u0026B\"}","truncatedAlerts":0}' + b"\n"
    )


def test_max_alerts_decides_status_and_common_pairs_too() -> None:
    resolved, firing = alert("A", firing=False, x="1"), alert("B", x="2")
    told = notify(Integration("r", "webhook", 0, True), resolved, firing, deadline=1)
    cut = message(told, told.alerts, "", max_alerts=1)
    assert (cut.status, cut.truncated_alerts, cut.common_labels) == ("resolved", 1, {"alertname": "A", "x": "1"})
    whole = message(told, told.alerts, "", max_alerts=2)
    assert (whole.status, whole.truncated_alerts, whole.common_labels) == ("firing", 0, {})


def test_a_missing_annotation_equals_an_empty_one_but_not_the_other_way_round() -> None:
    one = msgspec.structs.replace(alert(), annotations={"a": "", "b": "x"})
    other = msgspec.structs.replace(alert(), annotations={"b": "x"})
    told = notify(Integration("r", "webhook", 0, True), one, other, deadline=1)
    assert message(told, (one, other), "").common_annotations == {"a": "", "b": "x"}
    assert message(told, (other, one), "").common_annotations == {"b": "x"}


@pytest.mark.parametrize(
    ("plain", "quoted"),
    [("team-x y/z", "team-x y/z"), (r"a.b", r"a\.b"), (r"\.+*?()|[]{}^$", r"\\\.\+\*\?\(\)\|\[\]\{\}\^\$"), ("é", "é")],
)
def test_quote_meta(plain: str, quoted: str) -> None:
    assert quote_meta(plain) == quoted


def test_a_fingerprint_is_computed_when_asked_for_and_kept_for_the_next_flush() -> None:
    labels = {"alertname": "A", "n": "1"}
    known = Alert(key=key(labels), labels=labels, annotations={}, starts=0, ends=10, updated=0)
    first = snapshot(known, 5)
    assert known.fingerprint == -1
    assert first.fingerprint == known.fingerprint == fingerprint(labels)
    assert snapshot(known, 5).fingerprint == first.fingerprint
