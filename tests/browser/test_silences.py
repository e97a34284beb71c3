"""Silences by hand: create, change, extend, end and take back, many at once, with and without scripts."""

import time
from typing import Any

import pytest

from tests.browser.conftest import Visitor, clear, silences
from tests.support import Daemon


@pytest.fixture(autouse=True)
def _quiet(daemon: Daemon) -> None:
    clear(daemon)


def test_from_an_alert_to_its_end_and_back(visitor: Visitor, daemon: Daemon) -> None:
    page = visitor.go("ui/alerts?filter=alertname%3DDiskFull")
    page.locator("[data-row]", has_text="n2").first.locator("[data-silence]").click()
    page.wait_for_url("**/ui/silences/new?fp=*")
    assert page.locator("#effect .big b").inner_text() == "1"
    # Without the label that tells the node, it hits all four; the count follows what is typed.
    page.locator(".mrow", has=page.locator('input[name="name"][value="node"]')).locator(".drop").click()
    page.locator("#effect .big b", has_text="4").wait_for()
    page.get_by_text("4h", exact=True).click()
    page.locator("#author").fill("ops")
    page.locator("#comment").fill("disk swap")
    page.get_by_role("button", name="Silence", exact=True).click()
    page.wait_for_url("**/ui/silence/*")
    (made,) = silences(daemon)
    assert (made["createdBy"], made["comment"]) == ("ops", "disk swap")
    assert page.locator("#list [data-row]").count() == 4
    before = made["endsAt"]
    page.get_by_role("button", name="+1 h").click()
    page.wait_for_url("**done=extended*")
    assert silences(daemon)[0]["endsAt"] > before
    page.get_by_role("link", name="Edit").click()
    page.wait_for_url("**/edit")
    page.locator("#comment").fill("disk swap, second try")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**done=updated*")
    (changed,) = silences(daemon)
    assert changed["comment"] == "disk swap, second try"
    assert changed["endsAt"][:16] == page.evaluate(
        "document.querySelector('.facts time:nth-of-type(1)') && "
        "[...document.querySelectorAll('.facts dt')].find(dt => dt.textContent === 'Ends')"
        ".nextElementSibling.querySelector('time').dateTime.slice(0, 16)"
    )
    page.get_by_role("button", name="Expire").click()
    page.wait_for_url("**/ui/silences?done=expired*")
    assert silences(daemon) == []
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**done=restored*")
    (back,) = silences(daemon)
    assert back["endsAt"][:16] == changed["endsAt"][:16]
    # Who it was is remembered for the next one.
    page = visitor.go("ui/silences/new")
    assert page.locator("#author").input_value() == "ops"


def test_what_is_wrong_is_said_at_its_field(visitor: Visitor, daemon: Daemon) -> None:
    page = visitor.go("ui/silences/new?filter=node%3Dn1")
    page.locator('.mrow select[name="op"]').first.select_option("=~")
    page.locator('.mrow input[name="value"]').first.fill("n(")
    page.evaluate("document.getElementById('editor').noValidate = true")
    page.get_by_role("button", name="Silence", exact=True).click()
    page.wait_for_selector("#e-matchers")
    assert page.locator(".mrow.bad").count() == 1
    assert page.locator('.mrow input[name="value"]').first.input_value() == "n("
    assert page.get_by_text("who are you?").is_visible()
    assert silences(daemon) == []


def test_two_people_at_one_silence(visitor: Visitor, daemon: Daemon) -> None:
    now = time.time()
    name = daemon.api().post_silence([("node", "=", "n1")], now, now + 3600).json["silenceID"]
    page = visitor.go(f"ui/silence/{name}/edit")
    daemon.api().post_silence([("node", "=", "n1")], now, now + 7200, id=name, comment="the other's")
    page.locator("#comment").fill("mine")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("has changed this silence meanwhile").wait_for()
    assert silences(daemon)[0]["comment"] == "the other's"
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**done=updated*")
    assert silences(daemon)[0]["comment"] == "mine"


def test_many_at_once(visitor: Visitor, daemon: Daemon) -> None:
    now = time.time()
    for node in ("n1", "n2", "n3"):
        daemon.api().post_silence([("node", "=", node)], now, now + 3600)
    page = visitor.go("ui/silences")
    assert page.locator("[data-row]").count() == 3
    assert not page.get_by_role("button", name="Expire selected").is_visible()
    page.locator(".pick input").nth(0).check()
    page.locator(".pick input").nth(2).check()
    page.get_by_role("button", name="Expire selected (2)").click()
    page.wait_for_url("**done=bulk*")
    assert len(silences(daemon)) == 1
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**done=restored*")
    assert len(silences(daemon)) == 3


def test_a_selection_of_alerts(visitor: Visitor, daemon: Daemon) -> None:
    page = visitor.go("ui/alerts?filter=alertname%3DHighLatency&view=table")
    for place in range(3):
        page.locator(".pick input").nth(place).check()
    page.get_by_role("button", name="Silence selected (3)").click()
    page.wait_for_url("**/ui/silences/new?fp=*")
    assert page.locator("#effect .big b").inner_text() == "3"


def test_without_scripts(chromium: Any, daemon: Daemon) -> None:
    one = Visitor(chromium, daemon, java_script_enabled=False)
    page = one.go("ui/silences/new?filter=node%3Dn1")
    page.locator("#author").fill("database")
    page.locator("#comment").fill("by hand")
    page.get_by_role("button", name="Silence", exact=True).click()
    (made,) = silences(daemon)
    assert made["createdBy"] == "database"
    page.get_by_role("button", name="Expire").click()
    assert silences(daemon) == []
    page.get_by_role("button", name="Undo").click()
    assert len(silences(daemon)) == 1
    one.context.close()
