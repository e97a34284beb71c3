"""Route labels that are templates, from the engine to the notification and the API."""

from itertools import chain

import pytest

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import PostedAlert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine
from ampp.core.matcher import Mode, parse_matchers
from ampp.core.query import groups
from ampp.core.silence import SilenceBook, SilenceDraft
from ampp.core.view import AlertQuery
from ampp.deliver.label import labeller
from ampp.template.renderer import Renderer

CONFIG = """
route:
  receiver: ops.team
  group_by: [cluster]
  group_wait: 0s
  labels:
    channel: '#{{ .GroupLabels.cluster }}-{{ routeLabels "team" }}'
    count: '{{ len .Alerts.Firing }} of {{ len .Alerts }} {{ .NotificationReason }} {{ .Receiver }}'
    first: '{{ (index .Alerts 0).Labels.instance }} {{ (index .Alerts 0).EndsAt.IsZero }} {{ .ExternalURL }}'
    broken: '{{ .None }}'
    team: root
receivers:
- name: ops.team
  webhook_configs: [{url: "http://x/"}]
"""

START = 1_700_000_000 * SECOND


def now(seconds: int) -> Now:
    return Now(START + seconds * SECOND, seconds * SECOND)


def test_labels_speak_of_all_alerts_of_the_group(caplog: pytest.LogCaptureFixture) -> None:
    silences = SilenceBook(3600 * SECOND, Mode.UTF8, new_id=lambda: "id", size_of=lambda silence: 0)
    engine = Engine(
        compile_plan(load(CONFIG)),
        silences,
        mode=Mode.UTF8,
        retention=3600 * SECOND,
        now=now(0),
        label=labeller(Renderer(), "http://am"),
    )
    matchers = parse_matchers('instance="a"', Mode.UTF8).matchers
    silences.put(SilenceDraft(None, (matchers,), 0, now(3600).wall, "me", "quiet"), now(0))
    engine.receive(
        [
            PostedAlert(labels={"alertname": "A", "cluster": "eu", "instance": "a"}),
            PostedAlert(labels={"alertname": "A", "cluster": "eu", "instance": "b"}, ends=now(1).wall, starts=START),
        ],
        now(0),
    )
    notify = engine.due(now(0)).notify
    wanted = {
        "channel": "#eu-root",
        "count": r"2 of 2 unknown ops\.team",
        "first": "a true http://am",
        "team": "root",
    }
    assert [dict(one.route_labels.rendered()) for one in notify] == [wanted]
    assert [alert.labels["instance"] for alert in notify[0].alerts] == ["b"]
    found = list(chain.from_iterable(groups(engine, AlertQuery(), START)))
    assert [dict(view.route_labels.rendered()) for view in found] == [wanted]
    assert not any(told.route_labels.templated for told in (*notify, *found))
    logged = [(record.getMessage(), vars(record)["attributes"]) for record in caplog.records]
    assert [message for message, _ in logged] == ["failed to render route label"] * 2
    assert {name: str(value) for name, value in logged[0][1].items()} == {
        "label": "broken",
        "value": "{{ .None }}",
        "err": 'template: :1:3: executing "" at <.None>: can\'t evaluate field None in type *template.Data',
    }
