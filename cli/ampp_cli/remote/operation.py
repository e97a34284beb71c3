"""The API's operations that the commands use, by Alertmanager's names for them.

Clients and scripts see those names: amtool's messages carry them, with the answers that the API declares.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see this room's docstring
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

__all__ = [
    "DELETE_SILENCE",
    "GET_ALERTS",
    "GET_RECEIVERS",
    "GET_SILENCE",
    "GET_SILENCES",
    "GET_STATUS",
    "POST_ALERTS",
    "POST_SILENCES",
    "Operation",
]


class Operation:
    """`declared`: the error statuses the API speaks of, and for each whether its text is shown."""

    __slots__ = ("declared", "method", "name", "path")

    def __init__(self, name: str, method: str, path: str, declared: Mapping[int, bool] | None = None) -> None:
        self.name = name
        self.method = method
        self.path = path
        self.declared = declared or {}


GET_ALERTS: Final = Operation("getAlerts", "GET", "/alerts", {400: True, 500: True})
POST_ALERTS: Final = Operation("postAlerts", "POST", "/alerts", {400: True, 500: True})
GET_SILENCES: Final = Operation("getSilences", "GET", "/silences", {400: True, 500: True})
POST_SILENCES: Final = Operation("postSilences", "POST", "/silences", {400: True, 404: True})
GET_SILENCE: Final = Operation("getSilence", "GET", "/silence/{silenceID}", {404: False, 500: True})
DELETE_SILENCE: Final = Operation("deleteSilence", "DELETE", "/silence/{silenceID}", {404: False, 500: True})
GET_RECEIVERS: Final = Operation("getReceivers", "GET", "/receivers")
GET_STATUS: Final = Operation("getStatus", "GET", "/status")
