"""`python -m benchmarks.pages`: what the dashboard costs, in a real Chromium and in the daemon (needs Playwright).

    first page   50,000 alerts: bytes over the wire, and when the page is usable (its list is there and its scripts have
                 run), on the very first visit after the start and on later ones; the daemon's processor time for each
    changes      50,000 alerts, 1,000 of them changing a second: the browser's long tasks, how long keys wait
    open page    10,000 alerts: what one open dashboard takes of a core, without changes and at 100 a second

Everything shares the machine: the load beside each figure says how busy it was. Processor time is what to compare.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from playwright.sync_api import sync_playwright

from benchmarks.body import alerts, instant
from tests.browser.conftest import CHROMIUM
from tests.support import Daemon, ampp_command

_CONFIG: Final = """
route: {receiver: nobody, group_by: [alertname, namespace], group_wait: 10m, group_interval: 1h}
receivers: [{name: nobody}]
"""
"""Nobody is told: what it takes to try a receiver again and again is no cost of the dashboard's."""
_BATCH: Final = 500
_TICK: Final = 0.1
_SETTLE: Final = 20.0

_WATCH: Final = """
window.seen = { tasks: [], waits: [] };
new PerformanceObserver((list) => { for (const one of list.getEntries()) seen.tasks.push(one.duration); })
  .observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (one.name === "keydown") seen.waits.push(one.duration);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
new MutationObserver((_, self) => {
  const link = document.getElementById("link");
  if (!link || link.hidden || !document.querySelector("[data-row]")) return;
  seen.usable = performance.now();
  self.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
_WIRE: Final = """
[performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource")]
  .filter((one) => !one.name.includes("/events/stream")).reduce((sum, one) => sum + one.transferSize, 0)
"""


def main() -> None:
    """Print the figures, one a line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="few alerts, few seconds: shows that it can be run")
    parser.add_argument("--only", choices=("first", "changes", "open"), help="measure this alone")
    given = parser.parse_args()
    short, parts = given.short, [given.only] if given.only else ["first", "changes", "open"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        many, few, seconds = (2_000, 1_000, 3.0) if short else (50_000, 10_000, 30.0)
        if {"first", "changes"} & set(parts):
            with _filled(many, short) as daemon:
                if "first" in parts:
                    _first(browser, daemon, many)
                if "changes" in parts:
                    _changes(browser, daemon, many, seconds)
        if "open" in parts:
            with _filled(few, short) as daemon:
                _open(browser, daemon, few, seconds)
        browser.close()


def _say(what: str, value: float, unit: str) -> None:
    print(f"{what:<64} {value:10.2f} {unit:<12} load {os.getloadavg()[0]:.1f}", flush=True)  # noqa: T201


@contextmanager
def _filled(count: int, short: bool) -> Iterator[Daemon]:
    with Daemon(ampp_command(), _CONFIG) as daemon:
        _post(daemon, 0, count, instant(7200))
        # The history takes what was posted in, behind.
        time.sleep(1.0 if short else _SETTLE)
        yield daemon


def _post(daemon: Daemon, first: int, count: int, ends: str) -> None:
    api = daemon.api()
    for begin in range(first, first + count, _BATCH):
        some = alerts(range(begin, min(begin + _BATCH, first + count)), ends=ends)
        if api.post_alerts(some).status != 200:
            raise RuntimeError("alerts were refused")


@contextmanager
def _changing(daemon: Daemon, rate: int, among: int) -> Iterator[None]:
    """So many alerts a second end, or fire again."""
    over = threading.Event()

    def change() -> None:
        step, place, due = max(1, int(rate * _TICK)), 0, time.monotonic()
        while not over.wait(max(0.0, due - time.monotonic())):
            turn, first = divmod(place, among)
            _post(daemon, first, min(step, among - first), instant(7200 if turn % 2 else -1))
            place += min(step, among - first)
            due += _TICK

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _taken(daemon: Daemon) -> float:
    """Seconds of processor time since the start."""
    with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _page(browser: Any, daemon: Daemon) -> Any:
    page = browser.new_context(viewport={"width": 1360, "height": 900}, service_workers="block").new_page()
    page.add_init_script(_WATCH)
    page.goto(f"{daemon.url}/ui/alerts")
    page.locator("#link.live").wait_for()
    return page


def _first(browser: Any, daemon: Daemon, count: int) -> None:
    waits, wires, costs = [], [], []
    for _ in range(6):
        before = _taken(daemon)
        page = _page(browser, daemon)
        waits.append(page.evaluate("seen.usable") / 1000)
        wires.append(page.evaluate(_WIRE) / 1000)
        costs.append(_taken(daemon) - before)
        page.context.close()
        time.sleep(3)
    _say(f"first page, {count:,} alerts: over the wire, with all it needs", wires[0], "kB")
    _say(f"first page ever, {count:,} alerts: usable after", waits[0], "s")
    _say(f"first page ever, {count:,} alerts: the daemon's processor time", costs[0], "s")
    _say(f"first page later, {count:,} alerts: usable after, median of 5", statistics.median(waits[1:]), "s")
    _say(f"first page later, {count:,} alerts: processor time", statistics.median(costs[1:]), "s")


def _changes(browser: Any, daemon: Daemon, count: int, seconds: float) -> None:
    page = _page(browser, daemon)
    page.evaluate("seen.tasks.length = seen.waits.length = 0")
    pressed = 0
    with _changing(daemon, 1000, count):
        before, until = _taken(daemon), time.monotonic() + seconds
        began = time.monotonic()
        while time.monotonic() < until:
            page.keyboard.press("j" if pressed % 20 < 10 else "k")
            pressed += 1
            page.wait_for_timeout(200)
        share = (_taken(daemon) - before) / (time.monotonic() - began)
    tasks, waits = page.evaluate("seen.tasks"), page.evaluate("seen.waits")
    page.context.close()
    where = f"1,000 changes/s, {count:,} alerts"
    _say(f"{where}: long tasks (over 50 ms) a minute", len(tasks) * 60 / seconds, "")
    _say(f"{where}: longest task", max(tasks, default=0), "ms")
    _say(f"{where}: share of time in long tasks", 100 * sum(tasks) / 1000 / seconds, "%")
    slow = sorted([*waits, *[16] * max(0, pressed - len(waits))])
    _say(f"{where}: key to next paint, median of {pressed}", statistics.median(slow), "ms")
    _say(f"{where}: key to next paint, 95th percentile", slow[int(len(slow) * 0.95) - 1], "ms")
    _say(f"{where}: the daemon in all", 100 * share, "% of a core")


def _open(browser: Any, daemon: Daemon, count: int, seconds: float) -> None:
    def share() -> float:
        before, began = _taken(daemon), time.monotonic()
        time.sleep(seconds)
        return 100 * (_taken(daemon) - before) / (time.monotonic() - began)

    for rate in (0, 100):
        with _changing(daemon, rate, count) if rate else nullcontext():
            without = share()
            page = _page(browser, daemon)
            time.sleep(2)
            opened = share()
            page.context.close()
        _say(f"{count:,} alerts, {rate} changes/s: the daemon alone", without, "% of a core")
        _say(f"{count:,} alerts, {rate} changes/s: with one dashboard open", opened, "% of a core")


if __name__ == "__main__":
    main()
