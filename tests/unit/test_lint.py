"""Lints of configurations: what each rule finds and where, and that what is claimed to be impossible is."""

import itertools
import json
import random
from pathlib import Path

import pytest

from ampp.config import ConfigError, load, load_file
from ampp.config import compile as compile_plan
from ampp.config.difference import compare
from ampp.config.lint import RULES, Finding, Severity, TemplateFile, lint
from ampp.config.lint.implication import Proof, domains, implied
from ampp.config.lint.route import located
from ampp.config.lint.source import Source
from ampp.core.alert import Alert
from ampp.core.clock import HOUR, Now
from ampp.core.inhibit import Inhibitor, InhibitRule
from ampp.core.labels import canonical, key
from ampp.core.matcher import Mode, parse_matchers

ROOT = Path(__file__).parents[2]


def config(routes: str = "", more: str = "", receivers: str = "", root: str = "") -> str:
    return (
        f"route:\n  receiver: x\n  group_by: [alertname]\n{root}"
        + (f"  routes:\n{routes}" if routes else "")
        + f"receivers:\n- name: x\n  webhook_configs: [{{url_file: u}}]\n{receivers}{more}"
    )


def found(text: str, rule: str, templates: tuple[tuple[str, list[TemplateFile]], ...] = ()) -> list[Finding]:
    return [one for one in lint(load(text), templates, file="am.yml") if one.rule == rule]


def receiver(lines: str) -> str:
    return config(receivers=f"- name: y\n  {lines}\n")


def routes(*lines: str) -> str:
    return config("".join(f"  - {line}\n" for line in lines))


REACHED = [
    ["{matchers: [a=b]}", "{matchers: [a=c]}"],
    ["{matchers: [a=b], continue: true}", "{matchers: [a=b, c=d]}"],
    ["{matchers: [a=b, c=d]}", "{matchers: [a=b]}"],
    ['{matchers: [a=~"b|c"]}', '{matchers: [a=~"b|c|d"]}'],
    ['{matchers: [a=~"b.*"]}', '{matchers: [a=~"bc.*"]}'],
    ['{matchers: [a=~".+"]}', "{matchers: [b=c]}"],
    ["{matchers: [a!=b]}", "{matchers: [a!=c]}"],
    ["{matchers: [a=b]}", "{matchers: [a=c]}", '{matchers: [a=~"b|c|d"]}'],
    ['{matchers: [a=~"b.*", a=~".*c"]}', '{matchers: [a=~"b.*"]}'],
]
UNREACHED = [
    ["{matchers: [a=b]}", "{matchers: [a=b]}"],
    ["{matchers: [a=b]}", "{matchers: [a=b, c=d]}"],
    ["{}", "{matchers: [a=b]}"],
    ['{matchers: [a=~"b|c"]}', "{matchers: [a=b]}"],
    ['{matchers: [a=~"b|c"]}', '{matchers: [a=~"c|b"]}'],
    ['{matchers: [a=~"b.*"]}', "{matchers: [a=bcd]}"],
    ['{matchers: [a=~"b.*"]}', '{matchers: [a=~"b.*", a=~".*c"]}'],
    ['{matchers: [a=~"b.*"]}', '{matchers: [a=~"bc|bd"]}'],
    ["{matchers: [a!=b]}", "{matchers: [a=c]}"],
    ["{matchers: [a!=b]}", '{matchers: [a!~"b|c"]}'],
    ['{matchers: [a!~"b|c"]}', "{matchers: [a!=b, a!=c]}"],
    ['{matchers: [a=~".*"]}', "{matchers: [b=c]}"],
    ['{matchers: [a=~".+"]}', '{matchers: [a!=""]}'],
    ["{matchers: [a=b]}", "{matchers: [a=c]}", '{matchers: [a=~"b|c"]}'],
    ["{matchers: [a=b]}", '{match_re: {a: "b"}}'],
    ["{matchers: [x=y]}", "{matchers: [a=b, a=c]}"],
    ["{matchers: [x=y]}", '{matchers: [a=~"b|c", a!~"b|c"]}'],
    ["{matchers: [x=y]}", '{matchers: [a=~"b.*", a!~"b.*"]}'],
]


@pytest.mark.parametrize("lines", REACHED)
def test_routes_that_alerts_may_reach(lines: list[str]) -> None:
    assert found(routes(*lines), "unreachable-route") == []


@pytest.mark.parametrize("lines", UNREACHED)
def test_routes_that_no_alert_reaches(lines: list[str]) -> None:
    (one,) = found(routes(*lines), "unreachable-route")
    assert (one.file, one.line, one.column) == ("am.yml", 4 + len(lines), 5)


def test_what_holds_above_counts_below() -> None:
    text = config("  - matchers: [a=b]\n    routes:\n    - {matchers: [x=y]}\n    - {matchers: [a=c]}\n")
    (one,) = found(text, "unreachable-route")
    assert (one.line, "together with those of the routes above it" in one.text) == (8, True)
    text = config('  - matchers: [a=b]\n    routes:\n    - {matchers: [a=~"b|c"]}\n    - {matchers: [x=y]}\n')
    assert [one.line for one in found(text, "unreachable-route")] == [8]


def test_nothing_is_said_of_what_is_below_an_unreachable_route() -> None:
    text = routes("{matchers: [a=b]}", "{matchers: [a=b], routes: [{matchers: [a=c]}, {matchers: [a=c]}]}")
    assert len(found(text, "unreachable-route")) == 1


def test_what_relies_on_a_dot_says_for_which_values_it_holds() -> None:
    (one,) = found(routes('{matchers: [a=~".*"]}', "{matchers: [b=c]}"), "unreachable-route")
    assert "without line breaks" in one.text


SENTENCES = [
    ("duplicate-route", routes("{matchers: [a=b], continue: true}", "{matchers: [a=b]}"), 6),
    ("useless-continue", routes("{matchers: [a=c]}", "{matchers: [a=b], continue: true}"), 6),
    ("repeat-below-interval", routes("{matchers: [a=b], group_interval: 1h, repeat_interval: 10m}"), 5),
    ("repeat-rounded", routes("{matchers: [a=b], repeat_interval: 30m}"), 5),
    ("repeat-over-retention", routes("{matchers: [a=b], repeat_interval: 6d}"), 5),
    ("no-group-by", "route: {receiver: x}\nreceivers: [{name: x}]\n", 1),
    ("group-by-all", routes("{matchers: [a=b], group_by: ['...']}"), 5),
    ("deprecated-key", routes("{match: {a: b}}"), 5),
    ("deprecated-key", routes("{match_re: {a: b}}"), 5),
    ("deprecated-key", config(more="inhibit_rules:\n- source_match: {a: b}\n  target_matchers: [a=c]\n"), 8),
    ("matcher-syntax", routes("{matchers: [a=b c]}"), 5),
    ("unused-receiver", config(receivers="- name: y\n"), 7),
    ("empty-receiver", config(receivers="- name: y\n"), 7),
    ("unused-interval", config(more="time_intervals:\n- {name: wk, time_intervals: [{months: [may]}]}\n"), 8),
    ("empty-interval", config(more="time_intervals:\n- {name: wk, time_intervals: []}\n"), 8),
    (
        "always-muted",
        config(
            "  - {matchers: [a=b], active_time_intervals: [wk], mute_time_intervals: [wk]}\n",
            "time_intervals:\n- {name: wk, time_intervals: [{months: [may]}]}\n",
        ),
        5,
    ),
    ("plain-secret", config(receivers="- name: y\n  pagerduty_configs:\n  - routing_key: abc\n"), 9),
    ("plain-secret", "global: {slack_api_url: 'https://hooks/x'}\n" + config(), 1),
    ("plain-secret", config(receivers="- name: y\n  webhook_configs:\n  - url: https://u:pw@h/x\n"), 9),
    ("plain-http", config(receivers="- name: y\n  webhook_configs:\n  - url: http://relay/x\n"), 9),
    (
        "credentials-over-http",
        config(
            receivers="- name: y\n  webhook_configs:\n  - url: http://relay/x\n"
            "    http_config: {basic_auth: {username: u, password_file: p}}\n"
        ),
        9,
    ),
    (
        "tls-verify-off",
        "global:\n  http_config:\n    tls_config:\n      insecure_skip_verify: true\n" + config(),
        4,
    ),
    ("plain-mail", "global: {smtp_smarthost: 'm:25', smtp_from: a@b, smtp_require_tls: false}\n"
     + config(receivers="- name: y\n  email_configs:\n  - to: c@d\n"), 10),
    ("send-resolved-off", receiver("webhook_configs:\n  - {url_file: u, send_resolved: false}"), 9),
    (
        "expire-before-repeat",
        config(receivers="- name: y\n  alertmanager_configs:\n  - {url: 'https://am', expire_after: 1h}\n",
               routes="  - {receiver: y, matchers: [a=b]}\n"),
        5,
    ),
    ("undefined-template", receiver("slack_configs:\n  - {api_url_file: u, text: '{{ template \"t\" . }}'}"), 9),
    ("undefined-template", config("  - {matchers: [a=b], labels: {l: '{{ template \"t\" . }}'}}\n"), 5),
    ("template-syntax", receiver("slack_configs:\n  - {api_url_file: u, text: '{{ .x'}"), 9),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text", "line"), SENTENCES, ids=[f"{i}-{one[0]}" for i, one in enumerate(SENTENCES)])
def test_rules(rule: str, text: str, line: int) -> None:
    findings = found(text, rule)
    assert [one.line for one in findings] == [line]
    assert findings[0].severity is RULES[rule].severity
    assert findings[0].text


INHIBIT = [
    ("inhibit-never", "{source_matchers: [s=a], target_matchers: [s=b], equal: [s]}"),
    ("inhibit-never", '{source_matchers: [s=~"a|b"], target_matchers: [s!~"a|b"], equal: [s]}'),
    ("inhibit-never", "{source_matchers: [s=a], target_matchers: [s=a], equal: [c]}"),
    ("inhibit-never", "{source_matchers: [s=a, s=b], target_matchers: [s=c], equal: [c]}"),
    ("inhibit-never", "{source_matchers: [s=a], target_matchers: [s=b, s!=b], equal: [c]}"),
    ("inhibit-never", '{source_matchers: [s=a], target_matchers: [s=~"a|b"], equal: [s]}'),
    ("inhibit-never", ""),
    ("inhibit-self", '{source_matchers: [s=~"a|b"], target_matchers: [s=a], equal: [c]}'),
    ("inhibit-self", '{source_matchers: [s=a], target_matchers: [s=~"a|b"], equal: [c]}'),
    ("inhibit-no-equal", "{source_matchers: [s=a], target_matchers: [s=b]}"),
]


@pytest.mark.parametrize(("rule", "line"), INHIBIT)
def test_inhibit_rules(rule: str, line: str) -> None:
    (one,) = found(config(more=f"inhibit_rules:\n- {line}\n"), rule)
    assert (one.line, one.column) == (8, 3) if line else one.line


def test_the_same_inhibit_rule_twice() -> None:
    lines = "- {source_matchers: [s=a], target_matchers: [s=b], equal: [c, d]}\n"
    text = config(more="inhibit_rules:\n" + lines + lines.replace("c, d", "d, c"))
    (one,) = found(text, "inhibit-duplicate")
    assert (one.line, "line 8" in one.text) == (9, True)


def test_templates() -> None:
    files = [
        TemplateFile("/t/a.tmpl", '{{ define "one" }}{{ template "two" . }}{{ end }}'),
        TemplateFile("/t/b.tmpl", '{{ define "two" }}\n  {{ if .X }}{{ template "thre" . }}{{ end }}{{ end }}'),
        TemplateFile("/t/c.tmpl", '{{ define "three" }}x{{ template "slack.default.text" . }}{{ end }}'),
    ]
    text = config(more="templates: [/t/*.tmpl]\n")
    (one,) = found(text, "undefined-template", (("/t/*.tmpl", files),))
    assert (one.file, one.line, one.column, one.hint) == ("/t/b.tmpl", 2, 26, "did you mean three?")
    broken = [*files, TemplateFile("/t/d.tmpl", "{{ end }}"), TemplateFile("/t/e.tmpl", error="read /t/e.tmpl: no")]
    findings = lint(load(text), (("/t/*.tmpl", broken),), file="am.yml")
    assert [(one.file, one.line, one.severity) for one in findings if one.rule == "template"] == [
        ("am.yml", 7, Severity.ERROR),
        ("/t/d.tmpl", 1, Severity.ERROR),
    ]
    assert not [one for one in findings if one.rule == "undefined-template"]
    assert [one.line for one in found(text, "no-template-file", (("/t/*.tmpl", []),))] == [7]


QUIET = [
    ("duplicate-route", config(
        "  - {matchers: [a=b], active_time_intervals: [wk], continue: true}\n"
        "  - {matchers: [a=b], mute_time_intervals: [wk]}\n",
        "time_intervals:\n- {name: wk, time_intervals: [{months: [may]}]}\n")),
    ("duplicate-route", routes("{matchers: [a=b], continue: true, routes: [{matchers: [c=d]}]}", "{matchers: [a=b]}")),
    ("plain-http", config(receivers="- name: y\n  webhook_configs:\n  - url: http://127.0.0.1:1/x\n")),
    ("plain-http", config(receivers="- name: y\n  webhook_configs:\n  - url: http://localhost/x\n")),
    ("plain-http", config(receivers="- name: y\n  webhook_configs:\n  - url: https://relay/x\n")),
    ("plain-secret", config(receivers="- name: y\n  webhook_configs:\n  - url: https://relay/x\n")),
    ("plain-secret", config(receivers="- name: y\n  pagerduty_configs:\n  - routing_key_file: abc\n")),
    ("undefined-template", config(receivers="- name: y\n  slack_configs: [{api_url_file: u}]\n")),
    ("always-muted", config(
        "  - {matchers: [a=b], active_time_intervals: [wk, we], mute_time_intervals: [wk]}\n",
        "time_intervals:\n- {name: wk, time_intervals: [{months: [may]}]}\n- {name: we, time_intervals: [{}]}\n")),
    ("deprecated-key", config("  - {matchers: [match=a], labels: {match_re: x}}\n")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text"), QUIET, ids=[f"{i}-{one[0]}" for i, one in enumerate(QUIET)])
def test_what_is_well(rule: str, text: str) -> None:
    assert found(text, rule) == []


def test_aliases_and_merges_are_told_once_and_where_they_stand() -> None:
    text = (
        "route: {receiver: x, group_by: [a], routes: [&r {matchers: [a=b], group_interval: 1h, repeat_interval: 1m}]}\n"
        "receivers:\n- name: x\n  webhook_configs:\n  - &w\n    url: http://a/x\n  - <<: *w\n    max_alerts: 3\n"
    )
    assert [one.line for one in found(text, "plain-http")] == [6]
    assert [one.line for one in found(text, "repeat-below-interval")] == [1]


def test_the_example_has_no_warning() -> None:
    findings = lint(load_file(str(ROOT / "alertmanager.yml.example")))
    assert [one for one in findings if one.severity is not Severity.INFO] == []


def test_every_configuration_that_loads_can_be_linted() -> None:
    tried = 0
    for line in (ROOT / "testdata" / "config.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            loaded = load(json.loads(line).get("yaml", ""))
        except ConfigError:
            continue
        tried += 1
        for one in lint(loaded):
            assert one.line > 0
            assert one.column > 0
        assert tried % 5 or not compare(loaded, loaded)
    assert tried > 300


# What is proven, tried.

NAMES = ("a", "b")
VALUES = ("", "x", "y", "xy", "z")
LABEL_SETS = [
    canonical(dict(zip(NAMES, values, strict=True))) for values in itertools.product(VALUES, repeat=len(NAMES))
]
TRIED = {"=": ("x", "y", ""), "!=": ("x", ""), "=~": ("x|y", "x.*", ".+", ".*", "x|"), "!~": ("x|z", ".+")}
TEXTS = [f'{name}{op}"{value}"' for name in NAMES for op, values in TRIED.items() for value in values]


def some_matchers(source: random.Random) -> list[str]:
    return source.sample(TEXTS, source.choice((0, 1, 1, 2, 2, 3)))


@pytest.mark.parametrize("seed", range(4))
def test_no_alert_reaches_what_is_called_unreachable(seed: int) -> None:
    source = random.Random(seed)
    claimed = 0
    for _ in range(40):

        def branch(depth: int) -> dict[str, object]:
            count = source.choice((0, 0, 2, 3)) if depth else source.choice((3, 4, 6))
            return {
                "matchers": some_matchers(source) if depth else [],
                "continue": depth > 0 and source.random() < 0.2,
                "routes": [branch(depth + 1) for _ in range(count)] if depth < 2 else [],
            }

        # JSON is YAML, on one line: so the column tells the routes apart.
        text = json.dumps({"route": {"receiver": "x", **branch(0)}, "receivers": [{"name": "x"}]})
        loaded = load(text)
        plan = compile_plan(loaded)
        columns = {one.column for one in lint(loaded) if one.rule == "unreachable-route"}
        if not columns:
            continue
        nodes = Source(loaded, "")
        top = [route for route, path in located(plan.root) if nodes.node(path).column in columns]
        dead = {below.index for route in top for below in route.walk()}
        claimed += len(top)
        for labels in LABEL_SETS:
            for route in plan.root.match(labels):
                assert route.index not in dead
    assert claimed


@pytest.mark.parametrize("seed", range(4))
def test_what_is_implied_holds(seed: int) -> None:
    source = random.Random(seed)
    proven = 0
    for _ in range(300):
        strong, weak = (
            [matcher for text in some_matchers(source) for matcher in parse_matchers(text, Mode.UTF8).matchers]
            for _ in range(2)
        )
        if implied(domains(strong), weak) is Proof.NONE:
            continue
        proven += 1
        for labels in LABEL_SETS:
            if all(one.matches(labels.get(one.name, "")) for one in strong):
                assert all(one.matches(labels.get(one.name, "")) for one in weak)
    assert proven


@pytest.mark.parametrize("seed", range(3))
def test_a_rule_said_to_inhibit_nothing_inhibits_nothing(seed: int) -> None:
    source = random.Random(seed)
    claimed = 0
    for _ in range(100):
        sides = [some_matchers(source) for _ in range(2)]
        equal = source.sample(NAMES, source.choice((0, 1, 2)))
        rule = {"source_matchers": sides[0], "target_matchers": sides[1], "equal": equal}
        loaded = load(json.dumps({"route": {"receiver": "x"}, "receivers": [{"name": "x"}], "inhibit_rules": [rule]}))
        if not [one for one in lint(loaded) if one.rule == "inhibit-never"]:
            continue
        claimed += 1
        rules: tuple[InhibitRule, ...] = compile_plan(loaded).inhibit_rules
        alerts = [Alert(key(labels), labels, {}, 1, HOUR, 1) for labels in LABEL_SETS]
        inhibitor = Inhibitor(rules)
        for one in alerts:
            inhibitor.observe(one)
        assert not [one for one in alerts if inhibitor.inhibited_by(one, Now(2, 2))]
    assert claimed
