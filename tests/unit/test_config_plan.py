"""What the rest of the program takes from a configuration: entries, plan, secrets, paths, warnings, hash."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ampp.config import Config, Secret, load, load_file, warnings
from ampp.config import compile as compile_plan
from ampp.config.receivers import BUILD, CHECK, EmailConfig, SlackConfig, WebhookConfig
from ampp.config.tree import routes_show
from ampp.core.clock import HOUR, MINUTE, SECOND

ROOT = Path(__file__).parents[2]

FULL = """
global: {smtp_smarthost: 'mail:25', smtp_from: a@example.org, slack_app_token: xoxb}
route:
  receiver: all
  routes:
  - {receiver: all, matchers: [a=b], group_interval: 1h, repeat_interval: 10m}
  - {receiver: all, matchers: [a=c], repeat_interval: 6d}
receivers:
- name: all
  labels: {team: ops}
  slack_configs: [{channel: '#a'}]
  email_configs: [{to: a@example.org}, {to: b@example.org, from: c@example.org}]
  webhook_configs: [{url: 'http://127.0.0.1:1/x', timeout: 5s, max_alerts: 3}]
inhibit_rules:
- {name: one, source_match: {a: b}, source_match_re: {c: d.*}, target_matchers: [z=y], equal: [k]}
time_intervals:
- {name: wk, time_intervals: [{weekdays: ['monday:friday']}]}
"""


def test_plan() -> None:
    plan = compile_plan(load(FULL))
    receiver = plan.receivers["all"]
    assert [(one.name, one.idx, one.send_resolved) for one in receiver.integrations] == [
        ("webhook", 0, True),
        ("email", 0, False),
        ("email", 1, False),
        ("slack", 0, False),
    ]
    assert receiver.labels == {"name": "all", "team": "ops"}
    (rule,) = plan.inhibit_rules
    assert [str(m) for m in rule.source] == ['a="b"', 'c=~"^(?:d.*)$"']
    assert [str(m) for m in rule.target] == ['z="y"']
    assert (rule.name, rule.equal) == ("one", ("k",))
    assert list(plan.intervals) == ["wk"]
    assert plan.resolve_timeout == 5 * MINUTE
    assert sorted(BUILD) == sorted(CHECK)


def test_entries_are_typed_and_have_inherited() -> None:
    config = load(FULL)
    webhook = config.entry("all", "webhook", 0)
    assert isinstance(webhook, WebhookConfig)
    assert (webhook.url.reveal(), webhook.timeout, webhook.max_alerts) == ("http://127.0.0.1:1/x", 5 * SECOND, 3)
    first, second = (config.entry("all", "email", i) for i in range(2))
    assert isinstance(first, EmailConfig)
    assert isinstance(second, EmailConfig)
    assert (first.from_, second.from_, str(first.smarthost)) == ("a@example.org", "c@example.org", "mail:25")
    slack = config.entry("all", "slack", 0)
    assert isinstance(slack, SlackConfig)
    assert slack.api_url == Secret("https://slack.com/api/chat.postMessage")
    assert slack.http_config is not None
    assert slack.http_config.authorization is not None
    assert slack.http_config.authorization.credentials.reveal() == "xoxb"
    with pytest.raises(LookupError):
        config.entry("all", "webhook", 1)


def test_secrets_do_not_show() -> None:
    config = load(FULL)
    for text in (repr(config.document), str(config.document), config.original(), f"{Secret('xoxb')}"):
        assert "xoxb" not in text
        assert "<secret>" in text


def test_warnings() -> None:
    config = load(FULL)
    found = warnings(config, compile_plan(config), retention=120 * HOUR)
    assert [text.split(":")[0] for text in found] == [
        "repeat_interval is less than group_interval",
        "repeat_interval is greater than the data retention period",
    ]
    assert warnings(load("route: {receiver: x}\nreceivers: [{name: x}]"), compile_plan(config)) == found[:1]


def test_matcher_warnings_are_kept() -> None:
    config = load("route: {receiver: x, routes: [{matchers: [a=b c]}]}\nreceivers: [{name: x}]\n")
    (warning,) = config.warnings
    assert "a=b c" in warning


def test_relative_paths_are_joined_once(tmp_path: Path) -> None:
    path = tmp_path / "am.yml"
    path.write_text(
        "global: {http_config: {tls_config: {ca_file: ca.pem}}}\n"
        "route: {receiver: x}\n"
        "receivers: [{name: x, webhook_configs: [{url_file: url}, {url: 'http://x/'}]}]\n"
        "templates: [t/*.tmpl, /abs/*.tmpl]\n"
    )
    config = load_file(str(path))
    for idx in range(2):
        webhook = config.entry("x", "webhook", idx)
        assert isinstance(webhook, WebhookConfig)
        assert webhook.http_config is not None
        assert webhook.http_config.tls_config.ca_file == f"{tmp_path}/ca.pem"
    assert config.document.templates == (f"{tmp_path}/t/*.tmpl", "/abs/*.tmpl")
    assert "url_file: url\n" in config.original()


def test_hash_is_upstreams() -> None:
    # The value Alertmanager 0.25 shows for this file.
    assert load(b"route: {receiver: x}\nreceivers: [{name: x}]\n").hash == 230689616755834


def example() -> Config:
    return load_file(str(ROOT / "alertmanager.yml.example"))


def test_example_file() -> None:
    config = example()
    plan = compile_plan(config)
    assert warnings(config, plan, retention=120 * HOUR) == ()
    assert routes_show(plan.root).splitlines()[2] == "└── default-route  receiver: local"


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_example_file_loads_in_alertmanager() -> None:
    done = subprocess.run(["amtool", "check-config", ROOT / "alertmanager.yml.example"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_c_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = example()
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert example().document == fast.document
