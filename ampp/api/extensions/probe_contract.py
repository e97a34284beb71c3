"""What the probes answer, for the OpenAPI document."""

from typing import Any, Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, obj, one_of, operation

__all__ = ["CONTRACT"]

_STATES: Final = one_of(("healthy", "degraded", "unhealthy", "not_configured"))
_CHECKS: Final = obj({"database": _STATES, "history": _STATES, "publishing": _STATES})
_PART: Final = obj(
    {"status": _STATES, "error": TEXT, "details": obj({"integrations": INTEGER, "failing": INTEGER})},
    optional=("error", "details"),
)
_HEALTH: Final = obj(
    {
        "status": one_of(("healthy",)),
        "service": TEXT,
        "version": TEXT,
        "timestamp": TIME,
        "uptime_seconds": {"type": "number"},
        "checks": _CHECKS,
    }
)
_READY: Final = obj({"status": one_of(("ready", "not_ready")), "checks": _CHECKS, "timestamp": TIME})
_SERVICES: Final = obj(
    {
        "status": one_of(("healthy", "degraded", "unhealthy")),
        "timestamp": TIME,
        "services": obj({"database": _PART, "history": _PART, "publishing": _PART}),
    }
)

CONTRACT: Final[dict[str, Any]] = {
    "health": operation("getHealth", "That it is alive, and how its parts fare", _HEALTH, errors=()),
    "healthz": operation("getHealthz", "Another name of /health", _HEALTH, errors=()),
    "ready": operation("getReady", "Whether it can take alerts and keep them; 503 if not", _READY, errors=()),
    "readyz": operation("getReadyz", "Another name of /ready", _READY, errors=()),
    "dashboard/health": operation(
        "getDashboardHealth", "How each part fares; 503 while the store cannot write", _SERVICES, errors=()
    ),
}
"""Each operation by the path it is served at."""
