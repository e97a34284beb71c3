"""A test notification: one made-up alert, or given ones, told to an integration once, outside all groups."""

import time
import uuid
from collections.abc import Sequence
from typing import Final

import msgspec
import trio

from ampp.core.alert import PostedAlert, Snapshot
from ampp.core.clock import SECOND, ZERO
from ampp.core.labels import canonical, fingerprint, format_set, hash64, notification_order
from ampp.core.notify import NO_LABELS, Notify
from ampp.core.plan import Integration
from ampp.core.reason import NotifyReason
from ampp.deliver.outcome import told
from ampp.deliver.sender import Sender, SendError, Unsendable, about
from ampp.observe.log import Logger

__all__ = ["NOTHING", "Result", "attempt", "notification", "sample", "snapshots", "try_once"]

_log: Final = Logger("dispatcher")

_MARK: Final = {"test": "true"}

NOTHING: Final = "nothing to send, since send_resolved is off and all alerts have ended"
"""Why an integration is not told anything of alerts that have ended."""


class Result(msgspec.Struct, frozen=True):
    """What came of it. `error` says why it was not sent; `took` is in nanoseconds."""

    integration: Integration
    sent: bool
    error: str
    took: int


def sample() -> PostedAlert:
    """The alert that is told when none is given."""
    return PostedAlert(
        labels={"alertname": "TestAlert", "severity": "info"},
        annotations={"summary": "A test notification: nothing is wrong."},
    )


def snapshots(posts: Sequence[PostedAlert]) -> tuple[Snapshot, ...]:
    """The alerts as senders get them, each with the label test="true"; one that has ended is told as resolved."""
    now = time.time_ns()
    return tuple(sorted((_snapshot(post, now) for post in posts), key=lambda one: notification_order(one.labels)))


def _snapshot(post: PostedAlert, now: int) -> Snapshot:
    labels = canonical({**post.labels, **_MARK})
    over = post.ends != ZERO and post.ends <= now
    return Snapshot(
        labels=labels,
        annotations=post.annotations,
        starts=post.starts if post.starts != ZERO else min(now, post.ends) if over else now,
        ends=post.ends if over else ZERO,
        updated=now,
        generator_url=post.generator_url,
        marked=fingerprint(labels),
        hash=hash64(labels),
        starts_off=post.starts_off,
        ends_off=post.ends_off,
    )


def notification(to: Integration, alerts: tuple[Snapshot, ...], timeout: float) -> Notify:
    """The group is always the same for one alertname, so that a second test with an ended alert resolves the first."""
    names = {alert.labels.get("alertname", "") for alert in alerts}
    group = {**({"alertname": min(names)} if len(names) == 1 and min(names) else {}), **_MARK}
    return Notify(
        flush=1,
        route_id="{}",
        group_key="{}:" + format_set(group),
        group_labels=group,
        route_labels=NO_LABELS,
        integration=to,
        reason=NotifyReason.FIRST,
        alerts=alerts,
        firing=tuple(alert.hash for alert in alerts if alert.firing),
        resolved=tuple(alert.hash for alert in alerts if not alert.firing),
        deadline=time.monotonic_ns() + round(timeout * SECOND),
        token=str(uuid.uuid4()),
    )


async def try_once(sender: Sender, notify: Notify, timeout: float) -> str:
    """One attempt within `timeout` seconds: what went wrong, or ""."""
    with trio.move_on_after(timeout):
        try:
            await sender.send(notify, told(notify))
        except SendError as error:
            return str(error)
        return ""
    return f"no answer within {timeout:g}s"


async def attempt(to: Integration, sender: Sender | Unsendable, alerts: tuple[Snapshot, ...], timeout: float) -> Result:
    """Tell one integration, once, within `timeout` seconds."""
    if isinstance(sender, Unsendable):
        return Result(to, False, sender.why, 0)
    notify = notification(to, alerts, timeout)
    if not told(notify):
        return Result(to, False, NOTHING, 0)
    began = time.monotonic_ns()
    try:
        error = await try_once(sender, notify, timeout)
    except Exception:  # noqa: BLE001 - a defect of one receiver type must not end the test of the others
        _log.exception("Sender failed unexpectedly", **about(to))
        error = "internal error, see the log"
    return Result(to, not error, error, time.monotonic_ns() - began)
