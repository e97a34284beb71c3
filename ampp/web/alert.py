"""One alert, on a page of its own or in a pane beside a list."""

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.web.detail import detail
from ampp.web.frame import Room

__all__ = ["page", "pane"]


async def page(room: Room, visit: Visit, name: str) -> Reply:
    """GET /ui/alert/<fingerprint>."""
    survey = await room.surveyor.survey()
    found = await detail(room, name.lower(), survey)
    if found is None:
        text = "No alert with this fingerprint fires, and the history knows none."
        return await room.frame.page(visit, "trouble.html", title="Not found", section="alerts", status=404, text=text)
    title = found.labels.get("alertname", "Alert")[:80]
    return await room.frame.page(visit, "alert.html", title=title, section="alerts", survey=survey, detail=found)


async def pane(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/pane: the alert that `open` names, for a script to put beside the list of this address."""
    survey = await room.surveyor.survey()
    name = visit.query.last("open").lower()
    return await room.frame.part(visit, "pane.html", opened=name, detail=await detail(room, name, survey))
