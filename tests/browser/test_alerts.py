"""The alerts page in use: filter, keys, live changes, hostile texts, a server that goes away and comes back."""

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.browser.conftest import ALERTS, CONFIG, Visitor, alert, clear
from tests.support import Daemon, Sink, ampp_command
from tests.support.api import rfc3339

ROWS = "[data-row]"


def test_the_filter(visitor: Visitor) -> None:
    page = visitor.go("ui/alerts")
    page.keyboard.press("/")
    page.keyboard.type('severity="critical"')
    page.keyboard.press("Enter")
    page.wait_for_url("**filter=severity*")
    assert page.locator(ROWS).count() == 5
    page.locator("#q").fill("@state=sleeping")
    page.keyboard.press("Enter")
    page.locator(".token.bad").wait_for()
    assert "@state is one of" in page.locator("#q-errors").inner_text()
    assert page.locator(ROWS).count() == 5, "what can be read still holds"
    page.locator(".token.bad a").click()
    page.locator(".facets a", has_text="pager").click()
    page.wait_for_url("**receiver*")
    page = visitor.go("ui/alerts?view=table")
    page.locator("a.chip", has_text="n9").first.click(modifiers=["Alt"])
    page.wait_for_url("**node%21%3D*")
    assert page.locator(ROWS).count() == len(ALERTS) - 2
    assert "not told yet" not in page.locator(ROWS, has_text="w3").inner_text()
    page = visitor.go("ui/alerts?filter=w3")
    assert page.locator(ROWS).count() == 1
    page = visitor.go("ui/alerts?filter=%40age%3E5m%20&filter=%40inhibited_by%3DNodeDown")
    assert page.locator(ROWS).count() == 1
    assert "inhibited by" in page.locator(ROWS).inner_text()


def test_filters_used_are_offered_again(visitor: Visitor) -> None:
    page = visitor.go("ui/alerts?filter=team%3D%22web%22&filter=node%3D~%22w.*%22&filter=%40bad%3Dx")
    visitor.go("ui/groups")
    page.locator("#q").focus()
    offered = page.eval_on_selector_all("#q-known option", "options => options.map(option => option.value)")
    assert offered[:3] == ['team="web", node=~"w.*"', 'team="web"', 'node=~"w.*"']
    assert "@bad=x" not in offered
    page.locator("#q").fill(offered[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/groups?filter=*")
    assert page.locator(ROWS).count() == 1
    visitor.go("ui/look")
    page.get_by_role("button", name="Forget filters").click()
    assert page.evaluate("localStorage.length") == 0


def test_states_say_why(visitor: Visitor, daemon: Daemon) -> None:
    clear(daemon)
    now = time.time()
    daemon.api().post_silence([("node", "=", "n1")], now, now + 3600)
    page = visitor.go("ui/alerts?view=table&filter=%40state%3Dsuppressed")
    texts = page.locator(ROWS).all_inner_texts()
    assert any("silenced by proof" in text for text in texts)
    assert any("inhibited by NodeDown" in text for text in texts)
    assert any("muted by interval always" in text for text in texts)
    clear(daemon)


def test_keys_alone(visitor: Visitor) -> None:
    page = visitor.go("ui/alerts")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator(".pick input:checked").count() == 1
    page.keyboard.press("s")
    page.wait_for_url("**/ui/silences/new?fp=*")
    visitor.go("ui/alerts")
    page.keyboard.press("j")
    row = page.evaluate("document.activeElement.id")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/alerts?open=*")
    page.locator(f'#pane[data-fp="{row[2:]}"]').wait_for()
    page.keyboard.press("j")
    page.locator(f'#pane:not([data-fp="{row[2:]}"])').wait_for()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "pane"
    page.keyboard.press("Escape")
    page.wait_for_url("**/ui/alerts")
    assert page.locator("#pane").count() == 0
    assert page.evaluate("document.activeElement.id").startswith("r-"), "back to the row it came from"
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/ui/routing")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/ui/silences")


def test_an_alert_opens_beside_the_list_or_as_a_page(visitor: Visitor) -> None:
    page = visitor.go("ui/alerts?filter=alertname%3DDiskFull")
    page.locator(ROWS, has_text="n2").first.locator("a.sum").click()
    page.locator("#pane h2", has_text="DiskFull").wait_for()
    assert "n2" in page.locator("#pane .lead").inner_text()
    assert "delivered" in page.locator("#pane #told ~ .scroll").inner_text()
    page.reload()
    assert page.locator(f"{ROWS}[aria-current]").count() == 1, "the address holds what is open"
    page.locator("#pane .chip", has_text="infra").click()
    page.wait_for_url("**/ui/alerts?filter=team*")
    page.go_back()
    page.go_back()
    page.locator("#pane").wait_for(state="detached")
    page.set_viewport_size({"width": 390, "height": 780})
    page.locator("a.sum").first.click()
    page.wait_for_url("**/ui/alert/*")


def test_the_past_is_drawn_and_told(visitor: Visitor) -> None:
    page = visitor.go("ui/groups")
    row = page.locator(ROWS, has_text="DiskFull")
    assert row.locator("svg.lane rect.firing").count() == 1
    assert re.fullmatch(r"fired \d+ m", row.locator("td.lanes").inner_text())
    page = visitor.go("ui/history?filter=alertname%3DHighLatency")
    drawn = page.locator(".courses li")
    assert drawn.count() == 9
    assert re.match(r"HighLatency: fired \d+ m", drawn.first.locator("svg").get_attribute("aria-label"))
    assert len(set(drawn.locator(".who").all_inner_texts())) == 9, "each can be told from the others"


def test_changes_come_by_themselves(visitor: Visitor, daemon: Daemon) -> None:
    page = visitor.go("ui/alerts")
    page.locator("#link.live", has_text="live").wait_for()
    box = page.locator(".pick input").first
    box.check()
    picked = box.get_attribute("value")
    daemon.api().post_alerts([alert("JustNow", "critical", ago=1, node="n8")])
    page.locator("a.name", has_text="JustNow").wait_for()
    assert page.locator(f'.pick input[value="{picked}"]').first.is_checked(), "a selection outlives a change"
    over = alert("JustNow", "critical", ago=1, node="n8")
    over["endsAt"] = rfc3339(time.time())
    daemon.api().post_alerts([over])
    page.locator("a.name", has_text="JustNow").wait_for(state="detached")
    page.locator(".pick input:checked").first.uncheck()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(".")
    assert "paused" in page.locator("#link").inner_text()


WATCHED = """
window.streams = [];
window.EventSource = class extends EventSource {
  constructor(url) {
    super(url);
    streams.push(this);
    for (const kind of ["ready", "reset", "changed"])
      this.addEventListener(kind, (event) => { this.last = event.lastEventId; this.first ??= kind; });
  }
};
"""


def test_a_broken_stream_goes_on_where_it_was_and_a_gap_is_counted(chromium: Any, daemon: Daemon) -> None:
    one = Visitor(chromium, daemon, service_workers="block")
    page = one.page
    page.add_init_script(WATCHED)
    one.go("ui/alerts")
    page.locator("#link.live", has_text="live").wait_for()
    place = page.locator("body").get_attribute("data-place")
    assert parse_qs(urlsplit(page.evaluate("streams[0].url")).query)["since"] == [place]
    daemon.api().post_alerts([alert("First", ago=1, node="n8")])
    page.locator("a.name", has_text="First").wait_for()
    # In one turn of the page: the group of the alert, its notification and the rest are told a little later than it.
    last = page.evaluate("(streams[0].onerror(), streams[0].last)")
    daemon.api().post_alerts([alert("Meanwhile", ago=1, node="n8")])
    _until(page, "streams[1]?.first")
    assert parse_qs(urlsplit(page.evaluate("streams[1].url")).query)["since"] == [last]
    _until(page, "streams[1].last !== streams[0].last")
    page.locator("a.name", has_text="Meanwhile").wait_for()
    assert "gap" not in page.locator("#link").inner_text()
    # A place that the server knows nothing of, as after its restart.
    page.route("**/ui/alerts", lambda route: _elsewhere(route))
    page.reload()
    page.locator("#link.live", has_text="1 gap mended").wait_for()
    ended = [alert(name, ago=1, node="n8") for name in ("First", "Meanwhile")]
    daemon.api().post_alerts([{**each, "endsAt": rfc3339(time.time())} for each in ended])
    one.context.close()
    assert one.errors == []


def _until(page: Any, holds: str) -> None:
    """Wait: Playwright's own way is against the pages' Content-Security-Policy."""
    until = time.monotonic() + 20
    while not page.evaluate(holds):
        assert time.monotonic() < until, holds
        page.wait_for_timeout(30)


def _elsewhere(route: Any) -> None:
    answer = route.fetch()
    body = re.sub(r'data-place="[^"]*"', 'data-place="00000000-1"', answer.text())
    route.fulfill(response=answer, body=body)


def test_changes_come_without_a_stream(visitor: Visitor, daemon: Daemon) -> None:
    visitor.context.route("**/events/stream*", lambda route: route.abort())
    visitor.page.route_web_socket("**/ws/**", lambda line: line.close())
    page = visitor.go("ui/alerts")
    daemon.api().post_alerts([alert("Polled", ago=1, node="n8")])
    page.locator("a.name", has_text="Polled").wait_for()
    over = alert("Polled", ago=1, node="n8")
    over["endsAt"] = rfc3339(time.time())
    daemon.api().post_alerts([over])


def test_a_receiver_is_tried(visitor: Visitor) -> None:
    page = visitor.go("ui/receivers")
    page.locator(".card", has_text="pager").get_by_role("button", name="Send a test").click()
    page.locator(".flash", has_text="webhook[0]: delivered").wait_for()


def test_views_are_kept(visitor: Visitor) -> None:
    page = visitor.go("ui/alerts?filter=team%3D%22web%22&view=table")
    page.locator("#views summary").click()
    page.locator("#view-name").fill("web only")
    page.keyboard.press("Enter")
    visitor.go("ui/status")
    page.locator("#views summary").click()
    page.locator("#views a", has_text="web only").click()
    page.wait_for_url("**/ui/alerts?filter=team*view=table")
    assert page.locator(ROWS).count() == 9


HOSTILE = {
    "alertname": "<script>window.hit=1</script>",
    "severity": '"><img src=x onerror=window.hit=1>',
    "rtl": "\u202eevil\u2066",
    "link": "javascript:window.hit=1",
    "{{7*7}}": "{{7*7}}${7*7}",
    "remote": "<link rel=stylesheet href=//evil.example/x.css>",
    "nul": "a\u0000b",
    "long": "A" * 20_000,
    "a'b\"c<d>": "x",
}


def test_hostile_texts_are_texts(chromium: Any) -> None:
    with Sink() as sink, Daemon(ampp_command(), CONFIG.replace("SINK", sink.url(""))) as daemon:
        bad = {
            "labels": HOSTILE,
            "annotations": {
                "summary": "<svg onload=window.hit=1>",
                "runbook_url": "javascript:window.hit=1",
                "description": "</textarea><script>window.hit=1</script>" + "B" * 200_000,
                "page": "https://evil.example/<script>",
            },
            "generatorURL": "javascript:window.hit=1",
        }
        answer = daemon.api().post_alerts([bad])
        assert answer.status in (200, 400)
        bad["generatorURL"] = 'http://evil.example/"onmouseover=window.hit=1'
        answer = daemon.api().post_alerts([bad])
        if answer.status != 200:
            del bad["generatorURL"]
            assert daemon.api().post_alerts([bad]).status == 200
        (shown,) = daemon.api().alerts()
        now = time.time()
        made = daemon.api().post_silence(
            [("alertname", "=~", "<script>.*|x")],
            now,
            now + 999,
            createdBy="<b onclick=window.hit=1>",
            comment="<script>",
        )
        one = Visitor(chromium, daemon)
        kept = "theme=%22%3E%3Cscript%3E&colours=rtl%2Clink%2Cremote%2C%3Cscript%3E%3D*%3Apink"
        one.context.add_cookies([{"name": "ampp-look", "value": kept, "url": daemon.url}])
        name = shown["fingerprint"]
        for path in (
            "ui/alerts",
            "ui/alerts?view=table",
            f"ui/alert/{name}",
            f"ui/alerts?open={name}",
            "ui/pane?open=<script>window.hit=1</script>",
            f"ui/silences/new?fp={name}",
            "ui/silences",
            f"ui/silence/{made.json['silenceID']}",
            "ui/groups",
            "ui/history",
            "ui/history?tab=report",
            f"ui/routing?alert={name}",
            "ui/alerts?filter=<script>window.hit=1</script>&sort=<script>&by=<script>&done=<script>",
            "ui/suggest?q=alertname=",
            "ui/look",
        ):
            page = one.go(path)
            page.wait_for_load_state("load")
            assert page.evaluate("window.hit") is None, path
            hrefs = page.evaluate("[...document.querySelectorAll('[href]')].map(e => e.href)")
            assert not [href for href in hrefs if href.lower().startswith(("javascript:", "data:"))], path
            assert one.wide() <= 0, path
        one.context.close()
        assert one.strangers == []
        assert one.errors == []


def test_what_changed_in_the_configuration(chromium: Any) -> None:
    before = CONFIG.replace("SINK", "http://127.0.0.1:1/s3cret")
    with Daemon(ampp_command(), before) as daemon:
        one = Visitor(chromium, daemon)
        page = one.go("ui/config")
        assert "there is none before it" in page.locator("main").inner_text()
        changed = before.replace("group_interval: 5m", "group_interval: 7m").replace(
            "- name: unused", '- {name: "<script>window.hit=1</script>"}\n  - name: unused'
        )
        for text in (changed, changed.replace("s3cret", "other")):
            daemon.config_file.write_text(text)
            assert daemon.api().request("POST", "/-/reload").status == 200
        until = time.monotonic() + 20
        while page.locator(".versions tbody tr").count() < 3 and time.monotonic() < until:
            one.go("ui/config")
        text = page.locator("main").inner_text()
        assert "group_interval: 5m → 7m" in text
        assert "added <script>window.hit=1</script>" in text
        assert "+- name: <script>window.hit=1</script>" in page.locator(".code").inner_text()
        page.locator('input[name="from"]').nth(1).check()
        page.get_by_role("button", name="Compare").click()
        page.get_by_text("The recorded texts are the same").wait_for()
        assert "s3cret" not in page.content()
        assert page.evaluate("window.hit") is None
        assert one.wide() <= 0
        one.context.close()
        assert one.errors == []


def test_a_server_that_goes_away_and_returns(chromium: Any) -> None:
    with Sink() as sink:
        daemon = Daemon(ampp_command(), CONFIG.replace("SINK", sink.url("")))
        with daemon:
            daemon.api().post_alerts(ALERTS)
            one = Visitor(chromium, daemon)
            page = one.go("ui/alerts")
            page.locator("#link.live", has_text="live").wait_for()
            page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
            page.reload()
            page.locator("#link.live", has_text="live").wait_for()
            page.evaluate("navigator.serviceWorker.controller && 1")
            count = page.locator(ROWS).count()
            daemon.kill()
            page.locator("#link.lost").wait_for()
            assert "reconnecting" in page.locator("#link").inner_text()
            assert page.locator(ROWS).count() == count, "the last known state stays"
            page.reload()
            assert page.locator(ROWS).count() == count, "also when opened anew"
            page.locator("#link.lost").wait_for()
            one.context.close()
            assert one.errors == []
