"""Whether the daemon is alive, and whether it can do what it is for: for probes, and for the dashboard.

Alertmanager's own `/-/healthy` and `/-/ready` say no more than that it answers. Readiness here needs the store: an
alert taken in while it cannot write would not survive the end of the process.
"""

import time
from typing import Any, Final, Literal, TypeAlias

from ampp import __version__
from ampp.api.extensions.answer import Ask, Route, answer, guarded, timestamp
from ampp.api.extensions.probe_contract import CONTRACT
from ampp.api.reply import Reply
from ampp.core.clock import SECOND
from ampp.live import Live

__all__ = ["ProbeApi", "Status", "services"]

Status: TypeAlias = Literal["healthy", "degraded", "unhealthy", "not_configured"]

_BAD: Final = ("failing", "unsendable")


class ProbeApi:
    """The handlers over one router."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live

    def routes(self) -> tuple[Route, ...]:
        table = (
            ("health", self.health),
            ("healthz", self.health),
            ("ready", self.ready),
            ("readyz", self.ready),
        )
        probes = tuple(Route("GET", path, guarded(handler), CONTRACT[path]) for path, handler in table)
        path = "dashboard/health"
        return *probes, Route("GET", path, guarded(self.services), CONTRACT[path], ("/api/", "/api/v2/"))

    async def health(self, ask: Ask) -> Reply:
        """GET /health: 200 as long as there is somebody to answer; `checks` say what is not well."""
        now = time.time_ns()
        told = {
            "status": "healthy",
            "service": "ampp",
            "version": __version__,
            "timestamp": timestamp(),
            "uptime_seconds": round((now - self._live.started) / SECOND, 3),
            "checks": {name: each["status"] for name, each in services(self._live).items()},
        }
        return answer(ask, told)

    async def ready(self, ask: Ask) -> Reply:
        """GET /ready: 503 while the store cannot write."""
        checks = {name: each["status"] for name, each in services(self._live).items()}
        ready = checks["database"] == "healthy"
        told = {"status": "ready" if ready else "not_ready", "checks": checks, "timestamp": timestamp()}
        return answer(ask, told, status=200 if ready else 503)

    async def services(self, ask: Ask) -> Reply:
        """GET /api/dashboard/health: each part with what is wrong with it; 503 while the store cannot write."""
        each = services(self._live)
        states = {one["status"] for one in each.values()}
        status = "healthy" if states <= {"healthy", "not_configured"} else "degraded"
        if each["database"]["status"] == "unhealthy":
            status = "unhealthy"
        told = {"status": status, "timestamp": timestamp(), "services": each}
        return answer(ask, told, status=503 if status == "unhealthy" else 200)


def services(live: Live) -> dict[str, dict[str, Any]]:
    """How each part fares: the store, the history behind it, and telling people."""
    store, past = live.store.health(), live.history.health()
    parts = {
        "database": _part("healthy" if store.ok else "unhealthy", store.reason),
        "history": _part("degraded" if past.reason else "healthy", past.reason),
        "publishing": _publishing(live),
    }
    if not live.history.kept:
        parts["history"] = _part("not_configured")
    return parts


def _publishing(live: Live) -> dict[str, Any]:
    every = live.delivery.health()
    if not every:
        return _part("not_configured")
    bad = [one for one in every if one.state in _BAD]
    details = {"integrations": len(every), "failing": len(bad)}
    if not bad:
        return {**_part("healthy"), "details": details}
    names = ", ".join(sorted({one.integration.receiver for one in bad})[:10])
    state: Status = "unhealthy" if len(bad) == len(every) else "degraded"
    return {**_part(state, f"notifications fail: {names}"), "details": details}


def _part(status: Status, error: str = "") -> dict[str, Any]:
    return {"status": status, "error": error} if error else {"status": status}
