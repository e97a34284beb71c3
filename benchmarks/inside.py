"""The engine without a daemon around it, for measuring its parts one by one."""

import time
import uuid
from collections.abc import Callable
from itertools import count

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import PostedAlert
from ampp.core.clock import HOUR, Now
from ampp.core.engine import Engine
from ampp.core.matcher import Mode
from ampp.core.silence import SilenceBook
from ampp.ingest.alertmanager import decode_alerts
from benchmarks.body import bodies, instant, stamp

__all__ = ["best", "engine", "moment", "posts", "texts"]

_LATER = count(1)
_STARTED = instant()
"""Alerts that began just now: a group of older ones would be due at once."""

_RECEIVER = 'receivers: [{name: hook, webhook_configs: [{url: "http://127.0.0.1:1/"}]}]\n'


def engine(by: str = "alertname", rules: str = "") -> Engine:
    """One route with a group per value of the labels `by`; no group is due by itself."""
    plan = compile_plan(
        load(f"route: {{receiver: hook, group_by: [{by}], group_wait: 30m, group_interval: 1h}}\n{_RECEIVER}{rules}")
    )
    silences = SilenceBook(120 * HOUR, Mode.FALLBACK, new_id=lambda: str(uuid.uuid4()), size_of=lambda silence: 0)
    return Engine(plan, silences, mode=Mode.FALLBACK, retention=120 * HOUR, now=moment())


def moment() -> Now:
    return Now(time.time_ns(), time.monotonic_ns())


def texts(many: int, size: int, first: int = 0, *, changing: bool = False, **labels: str) -> list[bytes]:
    """Bodies of requests, with an end later than any that was given before."""
    mark = stamp(next(_LATER))
    return [body.text(mark) for body in bodies(many, size, first=first, changing=changing, starts=_STARTED, **labels)]


def posts(some: Engine, many: int, first: int = 0, **labels: str) -> list[PostedAlert]:
    """Alerts decoded and not yet taken in."""
    return [
        post
        for text in texts(many, 64, first, changing=False, **labels)
        for post in decode_alerts(text, 0, some.book.alerts)
    ]


def best(many: int, action: Callable[[], object], times: int = 5) -> float:
    """Microseconds of processor time for each of `many` things that `action` does, in the fastest of several runs."""
    taken = []
    for _ in range(times):
        began = time.thread_time_ns()
        action()
        taken.append((time.thread_time_ns() - began) / many / 1000)
    return min(taken)
