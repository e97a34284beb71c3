"""The compiled routing configuration: what the engine needs of an alertmanager.yml, and nothing of how it was written.

`ampp.config` makes a `Plan` from a checked configuration; the engine runs it; a reload hands it a new one.
"""

from collections.abc import Mapping

import msgspec

from ampp.core.inhibit import InhibitRule
from ampp.core.interval import TimeInterval
from ampp.core.route import Route

__all__ = ["Integration", "Plan", "Receiver"]


class Integration(msgspec.Struct, frozen=True):
    """One entry of one `*_configs` list. `name` is the type ("webhook"), `idx` counts per type inside the receiver."""

    receiver: str
    name: str
    idx: int
    send_resolved: bool


class Receiver(msgspec.Struct, frozen=True):
    """A receiver with its integrations in upstream's build order. `labels` always holds `name`."""

    name: str
    labels: dict[str, str]
    integrations: tuple[Integration, ...]


class Plan(msgspec.Struct, frozen=True):
    """Everything that decides who hears what and when. `resolve_timeout` in nanoseconds.

    `receivers` keeps the order of the file. `intervals` maps a name to its list (OR-ed).
    """

    root: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...]
    intervals: Mapping[str, tuple[TimeInterval, ...]]
    resolve_timeout: int
