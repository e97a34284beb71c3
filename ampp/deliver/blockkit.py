"""A notification as Slack's Block Kit lays it out, within Slack's limits; what is too long is cut, not refused."""

from typing import Any, Final

from ampp.core.timestamp import format_rfc3339
from ampp.deliver.truncate import runes
from ampp.template.data import FIRING, Data

__all__ = ["blocks", "color"]

_HEADER: Final = 150
_SECTION: Final = 3000
_FIELD: Final = 2000
_FIELDS: Final = 10
_BUTTON: Final = 75
_URL: Final = 3000
_BUTTONS: Final = 25
_FINGERPRINTS: Final = 5
_STYLES: Final = ("primary", "danger")

_RESOLVED_COLOR: Final = "#36A64F"
_COLORS: Final = {"critical": "#FF0000", "warning": "#FFA500", "info": "#36A64F", "noise": "#808080"}


def color(data: Data) -> str:
    """The bar beside the message: as the common label `severity` says, else red; green when all is over."""
    if data.status != FIRING:
        return _RESOLVED_COLOR
    return _COLORS.get((data.common_labels or {}).get("severity", ""), _COLORS["critical"])


def blocks(
    data: Data, title: str, text: str, link: str, fields: list[tuple[str, str]], buttons: list[tuple[str, str, str]]
) -> list[dict[str, Any]]:
    """The blocks. Texts come rendered; `fields` are (title, value), the usual ones if there are none.

    `buttons` are (text, URL, style).
    """
    sign = "🔥" if data.status == FIRING else "✅"
    made: list[dict[str, Any]] = [{"type": "header", "text": _plain(f"{sign} {title}".rstrip(), _HEADER)}]
    if text.strip():
        made.append({"type": "section", "text": _marked(text, _SECTION)})
    shown = fields or _usual(data)
    made.append(
        {"type": "section", "fields": [_marked(f"*{name}*\n{value}", _FIELD) for name, value in shown[:_FIELDS]]}
    )
    if links := [_button(*button) for button in buttons if button[1]][:_BUTTONS]:
        made.append({"type": "actions", "elements": links})
    made.append({"type": "divider"})
    made.append({"type": "context", "elements": [_marked(_context(data, link), _SECTION)]})
    return made


def _usual(data: Data) -> list[tuple[str, str]]:
    alerts = data.alerts or ()
    labels = data.common_labels or {}
    firing = sum(alert.status == FIRING for alert in alerts)
    fields = [("Status", f"{firing} firing, {len(alerts) - firing} resolved")]
    if alerts:
        started = min(alert.starts_at.ns for alert in alerts)
        fields.append(("Started", format_rfc3339(started)))
    return fields + [
        (name.capitalize(), _escape(labels[name])) for name in ("severity", "namespace") if labels.get(name)
    ]


def _context(data: Data, link: str) -> str:
    alerts = data.alerts or ()
    shown = ", ".join(f"`{alert.fingerprint}`" for alert in alerts[:_FINGERPRINTS])
    more = f" and {len(alerts) - _FINGERPRINTS} more" if len(alerts) > _FINGERPRINTS else ""
    return f"{shown}{more}" + (f" · <{link}|Alertmanager>" if link else "")


def _button(text: str, url: str, style: str) -> dict[str, Any]:
    button: dict[str, Any] = {"type": "button", "text": _plain(text, _BUTTON), "url": url[:_URL]}
    return button | ({"style": style} if style in _STYLES else {})


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": runes(text, limit), "emoji": True}


def _marked(text: str, limit: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": runes(text, limit)}


def _escape(text: str) -> str:
    """The three characters that mean something to Slack everywhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
