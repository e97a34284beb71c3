"""The receivers: how each of their integrations fares, and a test notification by the senders in use."""

from collections import Counter
from typing import Final

import msgspec
import trio

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND, ZERO
from ampp.core.labels import hash64
from ampp.core.notify import Notify
from ampp.core.plan import Integration
from ampp.core.reason import NotifyReason
from ampp.deliver.health import Health
from ampp.deliver.sender import SendError
from ampp.web.frame import Room, see_other
from ampp.web.survey import sliced

__all__ = ["listing", "test"]

_PATIENCE: Final = 20
"""Seconds a test may take."""


class Shown(msgspec.Struct, frozen=True):
    """A receiver. `used`: whether a route names it; `alerts`: how many alerts go to it now."""

    name: str
    used: bool
    alerts: int
    integrations: tuple[Health, ...]


async def listing(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/receivers."""
    return await _page(room, visit)


async def _page(room: Room, visit: Visit, results: dict[str, str] | None = None, tested: str = "") -> Reply:
    live = room.live
    survey = await room.surveyor.survey()
    told: Counter[tuple[str, ...]] = Counter()
    await sliced(lambda first, last: told.update([one.receivers for one in survey.all[first:last]]), len(survey.all))
    counts: Counter[str] = Counter()
    for names, number in told.items():
        counts.update(dict.fromkeys(names, number))
    used = {route.receiver for route in live.plan.root.walk()}
    health: dict[str, list[Health]] = {}
    for one in live.delivery.health():
        health.setdefault(one.integration.receiver, []).append(one)
    shown = [Shown(name, name in used, counts[name], tuple(health.get(name, ()))) for name in live.plan.receivers]
    return await room.frame.page(
        visit,
        "receivers.html",
        title="Receivers",
        section="receivers",
        survey=survey,
        receivers=shown,
        results=results or {},
        tested=tested,
    )


async def test(room: Room, visit: Visit, _: str) -> Reply:
    """POST /ui/receivers/test: send one notification to every integration of a receiver, past routes and silences."""
    live = room.live
    name = visit.form().last("receiver")
    receiver = live.plan.receivers.get(name)
    if receiver is None:
        return see_other("../receivers", done="nothing")
    results: dict[str, str] = {}

    async def tell(to: Integration) -> None:
        results[f"{to.name}[{to.idx}]"] = await _told(room, to)

    async with trio.open_nursery() as nursery:
        for to in receiver.integrations:
            nursery.start_soon(tell, to)
    return await _page(room, visit, dict(sorted(results.items())), name)


async def _told(room: Room, to: Integration) -> str:
    """ "" when the test was delivered, else why not."""
    now = room.live.now()
    labels = {"alertname": "TestAlert", "severity": "info"}
    alert = Snapshot(
        labels=labels,
        annotations={"summary": "A test notification: nothing is wrong."},
        starts=now.wall,
        ends=ZERO,
        updated=now.wall,
        generator_url=room.live.external_url,
        hash=hash64(labels),
    )
    notify = Notify(
        flush=0,
        route_id="test",
        group_key='{}/{test="true"}',
        group_labels={"alertname": "TestAlert"},
        route_labels={},
        integration=to,
        reason=NotifyReason.FIRST,
        alerts=(alert,),
        firing=(alert.hash,),
        resolved=(),
        deadline=now.mono + _PATIENCE * SECOND,
        token=f"test-{now.wall}",
    )
    with trio.move_on_after(_PATIENCE):
        try:
            await room.live.delivery.probe(notify)
        except SendError as error:
            return str(error)
        return ""
    return f"no answer within {_PATIENCE} s"
