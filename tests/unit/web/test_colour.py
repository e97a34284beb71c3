"""Colours of labels and levels of severity, as ampp.yml and a visitor's cookie say them."""

from pathlib import Path

import pytest

from ampp.api.query import Query
from ampp.api.visit import Visit
from ampp.config.colour import COLOURS, ColourRule, format_rules, parse_rules
from ampp.config.settings import SettingsError, UiSettings, load_settings
from ampp.config.severity import Scale
from ampp.web.hue import Palette
from ampp.web.look import Look, look_of
from ampp.web.severity import LEVELS, Severities


def test_rules_are_read_and_written() -> None:
    text = "cluster, team=*:blue, env=prod:pink, path=C:\\x:teal"
    rules = parse_rules(text)
    assert rules[1:3] == (ColourRule("team", None, "blue"), ColourRule("env", "prod", "pink"))
    assert rules[3].value == "C:\\x"
    assert format_rules(rules) == text
    assert parse_rules(" , ") == ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("team=blue", "is not a rule"),
        ("=a:blue", "is not a rule"),
        ("team=*:bleu", "no colour here.*blue"),
        (",".join(f"l{i}" for i in range(101)), "more than 100"),
    ],
)
def test_rules_that_cannot_be_read(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        parse_rules(text)


def test_the_narrower_rule_and_the_later_one_go_first() -> None:
    hue = Palette(parse_rules("env=prod:pink, env=*:teal, team, team=*:olive"))
    assert (hue("env", "prod"), hue("env", "dev"), hue("team", "x"), hue("job", "x")) == (
        " hue-pink",
        " hue-teal",
        " hue-olive",
        "",
    )
    own = Palette(parse_rules("cluster"))
    seen = {own("cluster", f"eu-{number}") for number in range(100)}
    assert seen == {f" hue-{colour}" for colour in COLOURS[:-1]}
    assert own("cluster", "eu-1") == own("cluster", "eu-1")


def visit(cookie: str) -> Visit:
    return Visit("GET", "/ui/alerts", Query(""), {"cookie": cookie})


def test_the_browser_keeps_what_was_chosen_and_nonsense_counts_for_nothing() -> None:
    look = Look("dark", "wall", parse_rules("cluster, env=prod:pink"), Scale(("näher", "p1"), (), ("p9",)))
    name, header = look.cookie()
    assert name == "Set-Cookie"
    assert look_of(visit("a=b; " + header.partition(";")[0])) == look
    for cookie in (
        "",
        "ampp-look=",
        "ampp-look=theme=red&density=%00&colours=a%3Db",
        "ampp-look=critical=a%2Cb&info=B",
        "ampp-look=" + "x" * 9999,
        '"=;=',
    ):
        assert look_of(visit(cookie)) == Look(), cookie
    with pytest.raises(ValueError, match="more than a browser keeps"):
        Look(scale=Scale(critical=("ä" * 1000,))).cookie()


def test_severities_are_ordered_as_the_settings_say(tmp_path: Path) -> None:
    file = tmp_path / "ampp.yml"
    file.write_text("ui:\n  critical: [Disaster, high]\n  warning: average\n  label_colours: [team=*:blue]\n")
    ui = load_settings(str(file), {"AMPP_UI_INFO": "information, none"}).ui
    assert ui.label_colours == (ColourRule("team", None, "blue"),)
    severities = Severities(ui.scale)
    words = ["disaster", "HIGH", "average", "information", "none", "critical", ""]
    orders = [severities.order({"severity": word}) for word in words]
    assert orders == sorted(orders)
    assert [LEVELS[severities.rank(word)] for word in words] == [
        *("critical", "critical", "warning", "info", "info", "other", "other"),
    ]
    assert LEVELS[Severities(UiSettings().scale).rank("page")] == "critical"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ui: {warning: [high]}", '"high" is in ui.critical and in ui.warning'),
        ("ui: {label_colours: [team=*:bleu]}", "no colour here"),
        ("ui: {critical: [[a]]}", "plain texts without commas"),
        ("ui: {critical: {a: b}}", "a single value"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, error: str) -> None:
    file = tmp_path / "ampp.yml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=error):
        load_settings(str(file), {})
