"""What a dashboard shows first: counts, and the alerts that came last."""

import heapq
from itertools import chain
from operator import attrgetter
from typing import Any, Final

import trio

from ampp.api.extensions.answer import Ask, Route, answer, guarded, timestamp, wrong
from ampp.api.extensions.dashboard_contract import CONTRACT
from ampp.api.extensions.probe import services
from ampp.api.reply import Reply
from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.clock import HOUR, MILLISECOND
from ampp.core.labels import fingerprint_hex, sha256_hex
from ampp.core.timestamp import format_millis
from ampp.feed.standing import Counts, Standings
from ampp.history import summary
from ampp.history.error import HistoryError
from ampp.history.filter import number
from ampp.live import Live

__all__ = ["DashboardApi"]

_FRESH: Final = 5.0
"""Seconds for which the counts are answered again: looking at every alert costs most."""

_SHOWN: Final = ("namespace", "instance", "job", "cluster", "environment")
_SUMMARY: Final = 1_000

_SLICE: Final = 10_000
"""Alerts looked at between two turns of others."""

_PLACES: Final = ("/api/", "/api/v2/")


class DashboardApi:
    """The handlers over one router."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live
        self._overview: dict[str, Any] = {}
        self._until = -1.0
        self._counting: Final = trio.Lock()

    def routes(self) -> tuple[Route, ...]:
        table = (("dashboard/overview", self.overview), ("dashboard/alerts/recent", self.recent))
        return tuple(Route("GET", path, guarded(handler), CONTRACT[path], _PLACES) for path, handler in table)

    async def overview(self, ask: Ask) -> Reply:
        """GET /api/dashboard/overview: counts, at most five seconds old. What came after `last_event_id` is not in
        them."""
        async with self._counting:
            if trio.current_time() >= self._until:
                self._overview = await self._counted()
                self._until = trio.current_time() + _FRESH
        # Whoever is given the place may come with it; what happens from now on is kept for that.
        self._live.feed.place()
        return answer(ask, self._overview)

    async def _counted(self) -> dict[str, Any]:
        live = self._live
        place = live.feed.place()
        wall = live.now().wall
        standings = Standings(live.engine)
        await standings.all(wall)
        counts: Counts = standings.counts
        every = live.delivery.health()
        sent, failed = live.metrics.notify.tries()
        parts = services(live)
        active = live.silences.query((), live.now(), pending=False, expired=False)
        return {
            "total_alerts": counts.active + counts.suppressed + counts.resolved,
            "firing_alerts": counts.active + counts.suppressed,
            "active_alerts": counts.active,
            "suppressed_alerts": counts.suppressed,
            "silenced_alerts": counts.silenced,
            "inhibited_alerts": counts.inhibited,
            "resolved_alerts": counts.resolved,
            "alerts_last_24h": await self._last_day(wall),
            "active_silences": len(active),
            "groups": len(live.engine.groups),
            "classification_enabled": False,
            "publishing_targets": len(every),
            "failing_targets": sum(one.state in ("failing", "unsendable") for one in every),
            "successful_publishes": sent,
            "failed_publishes": failed,
            "system_healthy": all(part["status"] in ("healthy", "not_configured") for part in parts.values()),
            "last_event_id": place,
            "last_updated": timestamp(),
        }

    async def _last_day(self, wall: int) -> int | None:
        """Alerts that began in the last 24 hours; None when no history says."""
        until = wall // MILLISECOND
        since = until - 24 * HOUR // MILLISECOND
        try:
            stats = await self._live.history.ask(lambda connection: summary.stats(connection, since, until))
        except HistoryError:
            return None
        total: int = stats["unique_fingerprints"]
        return total

    async def recent(self, ask: Ask) -> Reply:
        """GET /api/dashboard/alerts/recent: those that began last."""
        limit = number(ask.parameters, "limit", 10, 1, 50)
        status = ask.parameters.get("status", [""])[-1]
        severity = ask.parameters.get("severity", [""])[-1]
        if status not in ("", "firing", "resolved"):
            raise wrong("status", "must be firing or resolved", status)
        wall = self._live.now().wall

        def wanted(alert: Alert) -> bool:
            state = "resolved" if alert.ends <= wall else "firing"
            return status in ("", state) and severity in ("", alert.labels.get("severity"))

        alerts: list[Alert] = []
        every = list(self._live.engine.book)
        for first in range(0, len(every), _SLICE):
            some = filter(wanted, every[first : first + _SLICE])
            alerts = heapq.nlargest(limit, chain(alerts, some), key=attrgetter("starts"))
            await trio.lowlevel.checkpoint()
        filters = {name: value for name, value in (("status", status), ("severity", severity)) if value}
        shown: dict[str, Any] = {"alerts": [_shown(alert, wall) for alert in alerts], "count": len(alerts)}
        return answer(ask, {**shown, "limit": limit, "filters": filters, "timestamp": timestamp()})


def _shown(alert: Alert, wall: int) -> dict[str, Any]:
    labels = alert.labels
    return {
        "fingerprint": sha256_hex(labels),
        "am_fingerprint": fingerprint_hex(fingerprint(alert)),
        "alert_name": labels.get("alertname", ""),
        "status": "resolved" if alert.ends <= wall else "firing",
        "severity": labels.get("severity", ""),
        "summary": alert.annotations.get("summary", "")[:_SUMMARY],
        "starts_at": format_millis(alert.starts),
        "labels": {name: labels[name] for name in _SHOWN if name in labels},
    }
