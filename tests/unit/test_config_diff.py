"""`ampp config diff`: what a change touches, held against how the engine names its groups."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.config.difference import compare, rerouted
from ampp.config.pairing import paired
from ampp.core.alert import Alert
from ampp.core.clock import Now
from ampp.core.group import Groups
from ampp.core.labels import canonical, format_set, key
from ampp.core.wheel import Wheel
from ampp_cli import own

BASE = """\
global: {slack_api_url: 'https://hooks/one'}
route:
  receiver: all
  group_by: [alertname]
  routes:
  - matchers: [team=db]
    receiver: dba
    routes:
    - {matchers: [severity=page], receiver: pager, group_wait: 10s}
  - {matchers: [team=web], receiver: web}
  - {matchers: [team=net], receiver: web}
receivers:
- name: all
  slack_configs: [{channel: '#a'}]
- name: dba
  webhook_configs: [{url: 'http://a/x', max_alerts: 3}, {url: 'http://b/x'}]
- name: pager
- name: web
inhibit_rules:
- {name: one, source_matchers: [a=b], target_matchers: [z=y], equal: [k]}
- {source_matchers: [a=c], target_matchers: [z=y]}
time_intervals:
- {name: wk, time_intervals: [{weekdays: ['monday:friday']}]}
"""


def changed(*swaps: tuple[str, str]) -> str:
    text = BASE
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def told(new: str, section: str = "routes") -> list[tuple[str, str, list[tuple[str, str, str]], int]]:
    found = compare(load(BASE), load(new))
    return [
        (item.action, item.name, [(one.field, one.old, one.new) for one in item.changes], item.below)
        for item in getattr(found, section)
    ]


RULE = '{a="b"} inhibits {z="y"}'
DB = '{team="db"}'

ROUTES = [
    ([("group_wait: 10s", "group_wait: 20s")],
     [("changed", DB + ' > {severity="page"}', [("group_wait", "10s", "20s")], 0)], "keeps"),
    ([("receiver: dba\n", "receiver: web\n")], [("changed", DB, [("receiver", "dba", "web")], 0)], "begins"),
    ([("team=db]", "team=data]")], [("changed", '{team="data"}', [("matchers", DB, '{team="data"}')], 1)], "begins"),
    ([("group_by: [alertname]", "group_by: [alertname, job]")],
     [("changed", "default-route", [("group_by", "[alertname]", "[alertname, job]")], 4)], "groups"),
    ([("group_by: [alertname]", "group_by: [alertname]\n  repeat_interval: 1h")],
     [("changed", "default-route", [("repeat_interval", "4h", "1h")], 4)], "keeps"),
    ([("  - {matchers: [team=web], receiver: web}\n", "")],
     [("removed", '{team="web"}', [("receiver", "web", "")], 0)], "leaves"),
    ([("  - {matchers: [team=web]", "  - {matchers: [team=new], receiver: all, routes: [{matchers: [x=y]}]}\n"
       "  - {matchers: [team=web]")],
     [("added", '{team="new"}', [("receiver", "", "all")], 1)], "takes"),
    ([("- {matchers: [team=web], receiver: web}", "- {matchers: [team=web], receiver: web, continue: true}")],
     [("changed", '{team="web"}', [("continue", "false", "true")], 0)], "keeps"),
    ([("team=web], receiver: web}", "team=web], receiver: web, mute_time_intervals: [wk]}")],
     [("changed", '{team="web"}', [("mute_time_intervals", "", "wk")], 0)], "keeps"),
]  # fmt: skip


@pytest.mark.parametrize(("swaps", "expected", "effect"), ROUTES)
def test_routes(swaps: list[tuple[str, str]], expected: list[object], effect: str) -> None:
    new = changed(*swaps)
    assert told(new) == expected
    (item,) = compare(load(BASE), load(new)).routes
    assert item.effect.startswith(effect)


def test_a_route_that_moved() -> None:
    web, net = "  - {matchers: [team=web], receiver: web}\n", "  - {matchers: [team=net], receiver: web}\n"
    ((action, _, changes, _),) = told(changed((web + net, net + web)))
    assert (action, changes) == ("changed", [("moved among its siblings", "", "")])


def test_nothing_differs_but_the_writing() -> None:
    new = BASE.replace("[team=db]", "['team = \"db\"']").replace("group_wait: 10s", "group_wait: 10000ms")
    assert not compare(load(BASE), load(new))
    assert compare(load(BASE), load(new)).touched == ()


OTHERS = [
    ("receivers", [("'#a'", "'#b'")], [("changed", "all", [("slack_configs[0].channel", "#a", "#b")], 0)]),
    ("receivers", [("http://a/x", "http://a/y")],
     [("changed", "dba", [("webhook_configs[0].url", "(secret)", "(secret)")], 0)]),
    ("receivers", [(", {url: 'http://b/x'}", "")], [("changed", "dba", [("webhook_configs[1]", "(present)", "")], 0)]),
    ("receivers", [("- name: pager\n", "- name: pager\n  webhook_configs: [{url: 'http://c'}]\n")],
     [("changed", "pager", [("webhook_configs[0]", "", "(present)")], 0)]),
    ("receivers", [("https://hooks/one", "https://hooks/two")],
     [("changed", "all", [("slack_configs[0].api_url", "(secret)", "(secret)")], 0)]),
    ("receivers", [("- name: web\n", "- name: web\n- name: new\n")], [("added", "new", [], 0)]),
    ("settings", [("https://hooks/one", "https://hooks/two")],
     [("changed", "global", [("global.slack_api_url", "(secret)", "(secret)")], 0)]),
    ("settings", [("global: {", "global: {resolve_timeout: 1m, ")],
     [("changed", "global", [("global.resolve_timeout", "5m", "1m")], 0)]),
    ("settings", [("route:\n", "templates: [a]\nroute:\n")],
     [("changed", "templates", [("templates[0]", "", "a")], 0)]),
    ("inhibit_rules", [("[z=y], equal: [k]", "[z=y], equal: [k, l]")],
     [("changed", "one", [("rule", f"{RULE}, equal [k]", f"{RULE}, equal [k, l]")], 0)]),
    ("inhibit_rules", [("- {source_matchers: [a=c], target_matchers: [z=y]}\n", "")],
     [("removed", '{a="c"} inhibits {z="y"}', [], 0)]),
    ("time_intervals", [("monday:friday", "monday:thursday")], None),
]  # fmt: skip


@pytest.mark.parametrize(("section", "swaps", "expected"), OTHERS)
def test_the_rest(section: str, swaps: list[tuple[str, str]], expected: list[object] | None) -> None:
    found = told(changed(*swaps), section)
    assert found == expected or (expected is None and [one[:2] for one in found] == [("changed", "wk")])


@pytest.mark.parametrize("swaps", [swaps for swaps, _, _ in ROUTES])
def test_every_route_is_in_one_pair(swaps: list[tuple[str, str]]) -> None:
    old, new = (compile_plan(load(text)).root for text in (BASE, changed(*swaps)))
    pairs = list(paired(old, new))
    assert sorted(pair.old.index for pair in pairs if pair.old) == [route.index for route in old.walk()]
    assert sorted(pair.new.index for pair in pairs if pair.new) == [route.index for route in new.walk()]


ALERTS = [
    {"team": "db", "alertname": "A"},
    {"team": "db", "alertname": "A", "severity": "page"},
    {"team": "web", "alertname": "B"},
    {"alertname": "C"},
]


def test_alerts_that_go_elsewhere_or_into_other_groups() -> None:
    new = changed(("receiver: dba\n", "receiver: web\n"), ("group_wait: 10s", "group_by: [job]"))
    found = rerouted(load(BASE), load(new), ALERTS)
    assert [(one.labels.get("severity", ""), one.old, one.new, one.elsewhere) for one in found] == [
        ("", ("dba",), ("web",), True),
        ("page", ("pager",), ("pager",), False),
    ]


def seated(text: str) -> dict[str, set[tuple[str, bytes]]]:
    """The names that the engine gives the groups of each alert."""
    now = Now(2, 2)
    groups: Groups = Groups(compile_plan(load(text)).root, Wheel(now.mono))
    names = {}
    for labels in map(canonical, ALERTS):
        alert = Alert(key(labels), labels, {}, 1, 3, 1)
        groups.seat(alert, now)
        names[format_set(labels)] = {(group.identity, group.label_key) for group in alert.groups}
    return names


@pytest.mark.parametrize("swaps", [swaps for swaps, _, _ in ROUTES])
def test_the_engine_agrees_on_which_alerts_come_into_other_groups(swaps: list[tuple[str, str]]) -> None:
    before, after = seated(BASE), seated(changed(*swaps))
    moved = {format_set(one.labels) for one in rerouted(load(BASE), load(changed(*swaps)), ALERTS)}
    assert moved == {name for name in before if before[name] != after[name]}
    effects = {item.effect.split()[0] for item in compare(load(BASE), load(changed(*swaps))).routes}
    assert bool(moved) or effects <= {"keeps", "takes", "groups"}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old.yml").write_text(BASE)
    (tmp_path / "new.yml").write_text(
        changed(("receiver: dba\n", "receiver: web\n"), ("http://a/x", "http://a/hunter2"))
    )
    (tmp_path / "alerts.json").write_text(json.dumps([{"labels": labels} for labels in ALERTS]))
    monkeypatch.chdir(tmp_path)


def diff(*words: str, stdin: str = "") -> tuple[int, str, str]:
    line = ["config", "diff", *words]
    done = CliRunner().invoke(own._ampp, line, input=stdin, prog_name="ampp", standalone_mode=False)
    if done.exception is not None:
        return getattr(done.exception, "exit_code", -1), done.stdout, getattr(done.exception, "message", "?")
    return done.return_value or 0, done.stdout, done.stderr


def test_in_words() -> None:
    assert diff("old.yml", "new.yml", "--alerts", "alerts.json") == (
        0,
        "routes\n"
        '  ~ {team="db"}\n'
        "      receiver: dba → web\n"
        "      begins its groups anew: what still fires is told again\n"
        "receivers\n"
        "  ~ dba\n"
        "      webhook_configs[0].url: changed (secret)\n"
        "      nothing is told again\n"
        "receivers touched: dba, web\n"
        "alerts\n"
        "  1 of 4 would go elsewhere\n"
        '    {alertname="A", team="db"}: dba → web\n',
        "",
    )
    assert diff("old.yml", "old.yml", "--exit-code") == (0, "no difference\n", "")


def test_as_data() -> None:
    status, out, _ = diff("old.yml", "-", "--alerts", "alerts.json", "-o", "json", stdin=Path("new.yml").read_text())
    found = json.loads(out)
    assert (status, found["differs"], found["touched"]) == (0, True, ["dba", "web"])
    assert [item["name"] for item in found["routes"]] == ['{team="db"}']
    assert [one["labels"] for one in found["alerts"]] == [ALERTS[0]]
    assert "hunter2" not in out


WRONG = [
    (["old.yml", "new.yml", "--exit-code"], 1, ""),
    (["old.yml", "nope.yml"], 2, "ampp: open nope.yml: no such file or directory\n"),
    (["bad.yml", "old.yml", "--exit-code"], 2, None),
    (["old.yml", "."], 2, "ampp: open .: is a directory\n"),
    (["old.yml"], 2, None),
    (["-", "-"], 2, None),
    (["old.yml", "new.yml", "--alerts", "nope.json"], 1, None),
    (["old.yml", "new.yml", "--alerts", "old.yml"], 1, None),
    (["old.yml", "new.yml", "--alerts", "labels.json"], 1,
     "labels.json: alert 1 has no labels (as GET /api/v2/alerts gives them)"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "complaint"), WRONG)
def test_mistakes_and_exit_status(words: list[str], status: int, complaint: str | None) -> None:
    Path("bad.yml").write_text("route: {reciever: x}\n")
    Path("labels.json").write_text('[{"labels": {"a": 1}}]')
    found, _, message = diff(*words)
    assert found == status
    assert complaint is None or message == complaint
    assert "\n" not in message.rstrip("\n")
