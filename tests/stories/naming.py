"""How scripts write alerts and time spans: `A{job=x, zone=eu}`, `+5m`, `-10s`."""

import re

from ampp.core.alert import Snapshot
from ampp.core.duration import format_prometheus, parse_prometheus

__all__ = ["labels_of", "relative", "show", "shown", "signed", "split"]

_ALERT = re.compile(r"(\w*)(?:\{([^}]*)\})?")


def labels_of(text: str) -> dict[str, str]:
    """`A{job=x, zone=eu}` as a label set; `A` is its alertname."""
    found = _ALERT.fullmatch(text.strip())
    assert found is not None, f"not an alert: {text}"
    labels = dict(pair.strip().split("=", 1) for pair in (found[2] or "").split(",") if pair.strip())
    return {"alertname": found[1], **labels} if found[1] else labels


def show(labels: dict[str, str]) -> str:
    """The reverse of `labels_of`."""
    rest = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return labels.get("alertname", "") + (f"{{{rest}}}" if rest else "")


def signed(text: str) -> int:
    """A time span with an optional sign."""
    return -parse_prometheus(text[1:]) if text.startswith("-") else parse_prometheus(text.lstrip("+"))


def split(text: str) -> list[str]:
    """The alerts of a list; commas inside braces separate labels."""
    return [part.strip() for part in re.split(r",(?![^{]*\})", text)]


def relative(span: int) -> str:
    """A time span with its sign: the reverse of `signed`."""
    return ("-" if span < 0 else "+") + format_prometheus(abs(span))


def shown(alert: Snapshot) -> str:
    """An alert as receivers hear it."""
    return show(alert.labels) + ("" if alert.firing else " resolved")
