"""The live events, for the OpenAPI document. They are served beside the application, by `ampp.api.stream`."""

from typing import Any, Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, obj, one_of, operation, parameter
from ampp.feed.event import SOURCES, Kind

__all__ = ["DESCRIBED"]

_TYPES: Final = [kind.value for kind in Kind]
_EVENT: Final = obj(
    {
        "type": one_of([*_TYPES, "ready", "reset", "ping"]),
        "id": TEXT,
        "sequence": INTEGER,
        "timestamp": TIME,
        "source": one_of(sorted({*SOURCES.values()})),
        "data": {"type": "object"},
    }
)
_SINCE: Final = parameter("since", "The id of the last event known: what came after it is told first.")
_TOPICS: Final = parameter("topics", f"Which of {', '.join(sorted(SOURCES))}, with commas; all by default.")


def _socket(name: str, text: str) -> Any:
    return operation(name, text, _EVENT, _SINCE, _TOPICS, errors=(400, 403, 503), status=101)


DESCRIBED: Final[dict[str, Any]] = {
    "events/stream": operation(
        "streamEvents",
        "What changes, as it changes: server-sent events",
        _EVENT,
        _SINCE,
        _TOPICS,
        errors=(400, 403, 503),
        media="text/event-stream",
    ),
    "ws/dashboard": _socket("openDashboardSocket", "The same events over a WebSocket, one in a message"),
    "ws/silences": _socket("openSilencesSocket", "Events of silences over a WebSocket"),
}
"""Each operation by the path it is served at; all of them are GET."""
