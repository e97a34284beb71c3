"""Every page: accessible by axe-core's judgement, in both themes, and no wider than a phone."""

import importlib.resources
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.conftest import Visitor, described
from tests.support import Daemon

AXE = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

PAGES = [
    "",
    "ui/alerts?view=table",
    "ui/alerts?filter=severity%3D%22critical%22&filter=%40bad%3Dx",
    "ui/alerts?filter=nothing-has-this",
    "ui/alert/FINGERPRINT",
    "ui/alerts?open=FINGERPRINT",
    "ui/groups",
    "ui/silences",
    "ui/silences?state=expired",
    "ui/silences/new?filter=alertname%3DDiskFull",
    "ui/silence/SILENCE",
    "ui/silence/SILENCE/edit",
    "ui/inhibitions",
    "ui/routing?labels=severity%3Dcritical",
    "ui/receivers",
    "ui/history",
    "ui/history?tab=notifications",
    "ui/history?tab=top",
    "ui/history?tab=flapping",
    "ui/history?tab=report",
    "ui/status",
    "ui/api",
    "ui/look",
    "ui/config",
    "ui/nowhere",
]

WIDTHS = (360, 820, 1360)


@pytest.fixture(scope="module")
def names(daemon: Daemon) -> dict[str, str]:
    api = daemon.api()
    (first, *_) = api.alerts(["alertname=DiskFull"])
    made = api.post_silence([("node", "=", "n3")], time.time(), time.time() + 3600).json["silenceID"]
    return {"FINGERPRINT": first["fingerprint"], "SILENCE": made}


def _path(page: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        page = page.replace(name, value)
    return page


def _serious(page: Any, *rules: str) -> list[Any]:
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"], "preload": False, **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        {"id": one["id"], "nodes": [node["html"][:200] + node["failureSummary"][:300] for node in one["nodes"][:3]]}
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def test_every_page_is_accessible_in_both_themes_and_fits_its_window(
    chromium: Any, daemon: Daemon, names: dict[str, str]
) -> None:
    one = Visitor(chromium, daemon, color_scheme="light", service_workers="block", bypass_csp=True)
    # Every colour that a label can have is somewhere on these pages.
    rules = ["alertname", "node", *(f"team={team}:{hue}" for team, hue in (("infra", "grey"), ("web", "brown")))]
    value = urlencode({"colours": ",".join(rules)})
    one.context.add_cookies([{"name": "ampp-look", "value": value, "url": daemon.url}])
    trouble: dict[str, Any] = {}
    for path in PAGES:
        page = one.go(_path(path, names))
        found = _serious(page)
        page.emulate_media(color_scheme="dark")
        found += _serious(page)
        page.emulate_media(color_scheme="light")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            if (over := one.wide()) > 0:
                found.append({"window": width, "wider by": over})
        page.set_viewport_size({"width": 1280, "height": 900})
        if found:
            trouble[path] = found
    one.context.close()
    assert not trouble, described(trouble)
    assert one.errors == []
    assert one.strangers == []


def test_pages_read_without_scripts(chromium: Any, daemon: Daemon, names: dict[str, str]) -> None:
    one = Visitor(chromium, daemon, java_script_enabled=False)
    for path in PAGES:
        page = one.go(_path(path, names))
        assert page.locator("main h1").count() == 1, path
    one.context.close()


def test_the_title_and_the_icon_count_what_fires(visitor: Visitor) -> None:
    page = visitor.go("ui/alerts")
    assert page.title().startswith("(")
    assert "n=" in page.locator('link[rel="icon"]').get_attribute("href")


def test_the_look_chosen_stays(visitor: Visitor) -> None:
    page = visitor.go("ui/status")
    page.locator("#theme").select_option("dark")
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("link", name="Look: theme").click()
    page.wait_for_url("**/ui/look")
    page.locator("#look-density").select_option("compact")
    page.locator("#colours").fill("team=*:purpel")
    page.get_by_role("button", name="Keep").click()
    assert "(purple?)" in page.locator("#colours-error").inner_text()
    page.locator("#colours").fill("team=*:purple, node")
    page.locator("#words-critical").fill("info, warning")
    page.get_by_role("button", name="Keep").click()
    assert '"warning" is in critical and in warning' in page.locator("#words-error").inner_text()
    page.locator("#words-warning").fill("p2")
    page.locator("#words-info").fill("critical")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_url("**done=look")
    assert page.locator("#words-critical").input_value() == "info, warning"
    visitor.go("ui/alerts")
    assert page.locator("html").get_attribute("data-density") == "compact"
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("a.chip.hue-purple").count() > 3
    assert page.locator(".row.info .sum").count() == 5, "what is critical for others"
    assert page.locator(".facets .mark.critical").count() == 2
    visitor.go("ui/alerts?view=table")
    last = page.locator("[data-row]:not(.quiet)").last
    assert "info" in (last.get_attribute("class") or "").split(), "the worst by this visitor's words come first"
    visitor.go("ui/look")
    for name in ("critical", "warning", "info"):
        page.locator(f"#words-{name}").fill("")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_url("**done=look")
    assert page.locator("#words-critical").input_value().startswith("emergency"), "as for everybody"
    visitor.go("ui/alerts")
    assert visitor.wide() <= 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#/alerts?filter=%7Bseverity%3D%22critical%22%7D&receiver=pager", "ui/alerts?filter="),
        ("#/silences/new?filter=%7Balertname%3D%22DiskFull%22%7D", "ui/silences/new?filter="),
        ("#/silences", "ui/silences"),
        ("#/silences/SILENCE", "ui/silence/SILENCE"),
        ("#/status", "ui/status"),
    ],
)
def test_addresses_of_the_old_pages_lead_to_the_new(
    visitor: Visitor, names: dict[str, str], old: str, new: str
) -> None:
    visitor.page.goto(f"{visitor.daemon.url}/{_path(old, names)}")
    visitor.page.wait_for_url(f"{visitor.daemon.url}/{_path(new, names)}*")
    visitor.page.wait_for_load_state("load")
    if "alerts?" in new:
        assert visitor.page.locator(".token").count() >= 2
        assert visitor.page.locator("[data-row]").count() == 5
    if "new" in new:
        assert visitor.page.locator('[name="value"]').first.input_value() == "DiskFull"
