"""A mistake in a configuration: upstream's words, the place, a hint, and never anything but ConfigError."""

import json
import random
import re
from pathlib import Path

import pytest

from ampp.config import ConfigError, load, load_file
from ampp.config import compile as compile_plan

ROOT = Path(__file__).parents[2]
LARGER_FIRST = "write whole numbers with units, larger first: 1h30m, 2d, 500ms"
BASE = "route: {receiver: x}\nreceivers: [{name: x}]\n"


def failure(text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text, file="am.yml")
    return caught.value


def payload(value: str) -> str:
    return (
        "route: {receiver: x}\nreceivers:\n- name: x\n  webhook_configs:\n  - url: http://x/\n    payload: "
        + value
        + "\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        ("route:\n  reciever: x\n", 2, 3, "did you mean receiver?"),
        (BASE + "global: {smtp_require_tls: 'false'}\n", 3, 28, "write true or false, without quotes"),
        ("route:\n  receiver: x\n  group_by: alertname\n", 3, 13, "a list is wanted: write [alertname]"),
        ("route: {receiver: opps}\nreceivers: [{name: ops}]\n", 1, 19, "did you mean ops?"),
        (
            BASE + "global: {resolve_timeout: 5}\n",
            3,
            27,
            "write whole numbers with units, larger first: 1h30m, 2d, 500ms",
        ),
        ("route:\n\treceiver: x\n", 2, 1, "indent with spaces, not tabs, and quote values that start with @, ` or %"),
        ("route: {receiver: x}\nreceivers: [{name: x}, {name: x}]\n", 2, 31, ""),
        ("route: {receiver: x}\nreceivers:\n- name: x\n  webhook_configs:\n  - max_alerts: 1\n", 5, 5, ""),
        (payload("&a [*a]"), 6, 18, ""),
    ],
)
def test_place_and_hint(text: str, line: int, column: int, hint: str) -> None:
    error = failure(text)
    assert (error.line, error.column, error.hint) == (line, column, hint)


def test_rendering_begins_with_upstreams_text() -> None:
    error = failure("route:\n  reciever: x\n")
    text = "yaml: unmarshal errors:\n  line 2: field reciever not found in type config.plain"
    assert str(error) == text
    assert error.render() == text + "\n  at am.yml:2:3\n  hint: did you mean receiver?"


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_file(str(tmp_path / "no.yml"))
    assert str(caught.value) == f"open {tmp_path}/no.yml: no such file or directory"


def chain(count: int, link: str) -> str:
    """Anchors x0 to x<count>, each made from the one before."""
    return (
        "{x0: &x0 {a: 1}, "
        + ", ".join(f"x{i}: &x{i} " + link.replace("@", f"*x{i - 1}") for i in range(1, count))
        + "}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "yaml: line 1: exceeded max depth of 160"),
        ("{a: " * 100_000, "yaml: line 1: exceeded max depth of 160"),
        (payload(chain(2000, "[@]")), "yaml: exceeded max depth of 160"),
        (payload(chain(2000, "{<<: @}")), "yaml: exceeded max depth of 160"),
        (payload(chain(30, "[@, @, @, @, @, @, @, @, @, @]")), "yaml: document contains excessive aliasing"),
        (payload(chain(30, "{<<: [@, @, @, @, @, @, @, @, @, @]}")), "yaml: document contains excessive aliasing"),
        (payload("&a {<<: *a}"), "yaml: anchor 'a' value contains itself"),
        (b"route: \xff", "yaml: invalid leading UTF-8 octet"),
        ("route: \0", "yaml: control characters are not allowed"),
    ],
)
def test_hostile_documents(text: str | bytes, message: str) -> None:
    assert str(failure(text)) == message


def test_deep_routes_load_up_to_the_limit() -> None:
    text, margin = "route:\n  receiver: x\n", "  "
    for _ in range(75):
        text += f"{margin}routes:\n{margin}- receiver: x\n"
        margin += "  "
    config = load(text + "receivers: [{name: x}]\n")
    assert len(list(compile_plan(config).root.walk())) == 76
    assert config.original().count("receiver: x") == 76


ODDITIES = [
    *("~", "''", "'null'", "Null", "true", "1", "010", "1.5", "1e999", ".nan", "foo", "5m", "[]", "{}", "[null]"),
    *("{a:b}", "http://x/", "http://x:y/", "*a", "<<", "%", "(((("),
    *("", "null", "!!int a", "!!int 5", "!!binary _", "!!null x", "[x=~'(']", "&a x", "{{ .X }}", '"\\ud800"', "[[[["),
    *("9" * 5000, "|\n  a", "- x", "a: b", "{a: b}", "\x85"),
]


def mutated(text: str, dice: random.Random) -> str:
    lines = text.split("\n")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(lines))
        what = dice.randrange(4)
        if what == 0:
            lines[at] = re.sub(r"^(\s*(?:- )?[\w.]+:|\s*- ).*", lambda m: f"{m[1]} {dice.choice(ODDITIES)}", lines[at])
        elif what == 1:
            lines.insert(at, dice.choice(lines))
        elif what == 2:
            lines[at] = " " * dice.randrange(6) + lines[at].lstrip()
        elif lines[at]:
            cut = dice.randrange(len(lines[at]))
            lines[at] = lines[at][:cut] + dice.choice(" :-\"'{}[],#&*!|>%@\t\0\u2028") + lines[at][cut + 1 :]
    return "\n".join(lines)


def test_only_config_errors_leave_load() -> None:
    vectors = [json.loads(line) for line in (ROOT / "testdata/config.jsonl").read_bytes().splitlines()]
    dice = random.Random(20260822)
    loaded = refused = 0
    for _ in range(1500):
        text = mutated(dice.choice(vectors)["yaml"], dice)
        try:
            config = load(text)
        except ConfigError:
            refused += 1
        else:
            assert config.original().endswith("\n")
            compile_plan(config)
            loaded += 1
    assert loaded > 50
    assert refused > 500
