"""The receivers: how each of their integrations fares, and a test notification by the senders in use."""

from collections import Counter

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.deliver.health import Health
from ampp.web.answer import posted
from ampp.web.frame import Room
from ampp.web.survey import sliced

__all__ = ["listing", "test"]


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
    """POST /ui/receivers/test: tell every integration of a receiver something, beside all routes and silences."""
    name = visit.form().last("receiver")
    content, trouble = await posted(room.live, "receivers/test", {"receiver": name})
    if content is None:
        return await _page(room, visit, {"": trouble}, name)
    results = {f"{one['integration']}[{one['integration_index']}]": one["error"] for one in content["results"]}
    return await _page(room, visit, results, name)
