"""A real Chromium over a real daemon. Whatever a page asks of another host, and every script error, fails its test."""

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import Daemon, Sink, ampp_command, ampp_missing
from tests.support.api import rfc3339

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

CONFIG = """
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 5m
  routes:
    - {receiver: pager, matchers: [severity="critical"]}
    - {receiver: hook, matchers: [team="night"], mute_time_intervals: [always]}
receivers:
  - name: hook
    webhook_configs: [{url: "SINK/hook"}]
  - name: pager
    webhook_configs: [{url: "SINK/pager"}]
  - name: unused
inhibit_rules:
  - {name: down, source_matchers: [alertname="NodeDown"], target_matchers: [severity="info"], equal: [node]}
time_intervals:
  - {name: always, time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}]}]}
"""


def alert(name: str, severity: str = "warning", ago: float = 600, text: str = "", **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {"summary": text or f"{name} is wrong", "runbook_url": "https://runbooks.example.org/x"},
        "startsAt": rfc3339(time.time() - ago),
        "generatorURL": "http://prometheus.example.org/graph",
    }


ALERTS = [
    *(alert("DiskFull", "critical", text=f"/var is full on n{i}", node=f"n{i}", team="infra") for i in range(4)),
    *(alert("HighLatency", node=f"w{i}", team="web") for i in range(9)),
    alert("NodeDown", "critical", node="n9", team="infra"),
    alert("CpuBusy", "info", node="n9", team="infra"),
    alert("Nightly", "warning", node="n7", team="night"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Ended with each module: while it lives the main thread has a running asyncio loop, and other tests need none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    if ampp_missing():
        pytest.skip(f"ampp cannot run: {ampp_missing()}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Sink() as sink, Daemon(ampp_command(), CONFIG.replace("SINK", sink.url(""))) as running:
        running.api().post_alerts(ALERTS)
        sink.wait(3)
        yield running


_WIDE = """
Math.max(document.documentElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll(".card, .row")].map((one) => one.scrollWidth - one.clientWidth))
"""


class Visitor:
    """A browser window of its own. `go` opens a page of the daemon; `strangers` are requests to anybody else."""

    def __init__(self, browser: Any, daemon: Daemon, **options: Any) -> None:
        self.daemon = daemon
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.strangers: list[str] = []
        self.errors: list[str] = []
        self.context.on("request", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.daemon.url, "blob:", "data:")):
            self.strangers.append(request.url)

    def go(self, path: str) -> Any:
        answer = self.page.goto(f"{self.daemon.url}/{path}")
        assert answer is not None
        assert answer.status < 500, path
        return self.page

    def wide(self) -> int:
        """How far the page reaches beyond the window, or what is in a card or a row beyond it."""
        return int(self.page.evaluate(_WIDE))


@pytest.fixture
def visitor(chromium: Any, daemon: Daemon) -> Iterator[Visitor]:
    one = Visitor(chromium, daemon)
    yield one
    one.context.close()
    assert one.errors == []
    assert one.strangers == []


def silences(daemon: Daemon) -> list[dict[str, Any]]:
    return [one for one in daemon.api().silences() if one["status"]["state"] != "expired"]


def clear(daemon: Daemon) -> None:
    """End every silence, so that the next test finds none."""
    for one in silences(daemon):
        daemon.api().expire_silence(one["id"])


def described(value: Any) -> str:
    return json.dumps(value, indent=1)[:4000]
