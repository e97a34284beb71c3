"""The status page: version, uptime, peers, storage, queues, and the configuration in force without its secrets."""

import re
from typing import Any, Final

import msgspec

from ampp import __version__
from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.duration import format_prometheus
from ampp.observe.build import BUILD
from ampp.web.frame import Room

__all__ = ["page"]

_LINE: Final = re.compile(r"(?P<indent>\s*(?:- )*)(?:(?P<key>[A-Za-z_][\w.-]*)(?P<colon>:))?(?P<rest>.*)")
_LINES: Final = 20_000


class Line(msgspec.Struct, frozen=True):
    """A line of YAML in pieces; `kind` is how the value looks."""

    indent: str
    key: str
    rest: str
    kind: str


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/status."""
    live = room.live
    now = live.now()
    health = live.store.health()
    past = live.history.health()
    deliveries = live.delivery.health()
    facts: list[tuple[str, Any]] = [
        ("Version", f"{__version__}, compatible with Alertmanager {BUILD.version}"),
        ("Running for", format_prometheus((now.wall - live.started) // 1_000_000_000 * 1_000_000_000)),
        ("External URL", live.external_url),
        ("Alerts in the book", len(live.engine.book)),
        ("Groups", len(live.engine.groups)),
        ("Silences held", len(live.silences)),
        ("Notification log", f"{len(live.engine.log)} entries"),
        ("Notifications waiting", sum(one.queued for one in deliveries)),
        ("Notifications under way", sum(one.running for one in deliveries)),
    ]
    text = live.config.original()
    return await room.frame.page(
        visit,
        "status.html",
        title="Status",
        section="status",
        facts=facts,
        started=live.started,
        files=sorted(health.files.items()),
        storage=health,
        past=past,
        kept=live.history.kept,
        lines=[_line(line) for line in text.splitlines()[:_LINES]],
    )


def _line(text: str) -> Line:
    match = _LINE.fullmatch(text)
    if match is None:
        return Line("", "", text, "")
    rest = match["rest"]
    value = rest.strip()
    kind = "secret" if value == "<secret>" else "text" if value[:1] in "\"'" else "plain"
    return Line(match["indent"], match["key"] or "", rest, kind)
