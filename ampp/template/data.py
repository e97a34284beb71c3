"""What a notification says: the data model of templates, which is that of the webhook body too.

The shapes are upstream's template.Data and its parts. The structs hold what JSON shows, under the names JSON gives it
(`msgspec` writes them in the order of their fields); `go` says how templates see them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

import msgspec

from ampp.core.clock import SECOND
from ampp.template.instant import TIME, Instant
from ampp.template.jsontext import escape, time_text
from ampp.template.value import (
    BOOL,
    STRING,
    STRING_MAP,
    STRINGS,
    Attribute,
    Func,
    GoType,
    Map,
    Slice,
    elements,
    named,
    slice_of,
    struct,
)
from ampp.template.zone import LOCAL, UTC, Zone, fixed

__all__ = [
    "ALERT",
    "ALERTS",
    "DATA",
    "FIRING",
    "KV",
    "RESOLVED",
    "Alert",
    "Data",
    "common",
    "encode",
    "quote_meta",
    "written",
]

FIRING: Final = "firing"
RESOLVED: Final = "resolved"


# Names with values.


def _sorted(pairs: Map) -> list[tuple[str, str]]:
    """In byte order of the names (that of code points), but `alertname` before all others."""
    items: list[tuple[str, str]] = sorted(elements(pairs).items())
    at = next((i for i, (name, _) in enumerate(items) if name == "alertname"), 0)
    return items if at == 0 else [items[at], *items[:at], *items[at + 1 :]]


def _shown(items: Sequence[tuple[str, str]]) -> str:
    return ", ".join([f"{name}={value}" for name, value in items])


class _Pair(msgspec.Struct, frozen=True, gc=False):
    go: ClassVar[GoType] = struct(
        "template.Pair", [Attribute("Name", "name", STRING), Attribute("Value", "value", STRING)]
    )
    name: str
    value: str


def _items(pairs: Slice) -> list[tuple[str, str]]:
    return [(pair.name, pair.value) for pair in elements(pairs)]


_STRINGS: Final = named("template.Strings", STRINGS)
_STRINGS.add_methods({"Join": Func([STRING], lambda parts, separator: separator.join(elements(parts)))})


def _strings(texts: Sequence[str]) -> Slice:
    return Slice(_STRINGS, texts)


def _pairs_string(pairs: Slice) -> str:
    return _shown(_items(pairs))


_PAIRS: Final = named(
    "template.Pairs",
    slice_of(_Pair.go),
    methods={
        "Names": Func([], lambda pairs: _strings([name for name, _ in _items(pairs)])),
        "Values": Func([], lambda pairs: _strings([value for _, value in _items(pairs)])),
        "String": Func([], _pairs_string),
    },
    string=_pairs_string,
)


def _kv_string(pairs: Map) -> str:
    return _shown(_sorted(pairs))


KV: Final = named("template.KV", STRING_MAP, string=_kv_string)
"""Labels or annotations."""


def _remove(pairs: Map, names: Slice | None) -> Map:
    gone = frozenset(() if names is None else elements(names))
    return Map(KV, {name: value for name, value in elements(pairs).items() if name not in gone})


KV.add_methods(
    {
        "SortedPairs": Func([], lambda pairs: Slice(_PAIRS, [_Pair(*item) for item in _sorted(pairs)])),
        "Names": Func([], lambda pairs: _strings([name for name, _ in _sorted(pairs)])),
        "Values": Func([], lambda pairs: _strings([value for _, value in _sorted(pairs)])),
        "Remove": Func([STRINGS], _remove),
        "String": Func([], _kv_string),
    }
)


def _kv(attribute: str) -> Any:
    """A property that shows a dict as a `KV`."""
    return property(lambda self: Map(KV, getattr(self, attribute)))


# Alerts.


class Alert(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One alert as receivers see it. `ends_at` is Go's zero time while firing; None is nil, which only amtool meets."""

    go: ClassVar[GoType]
    labels_kv: ClassVar[Any] = _kv("labels")
    annotations_kv: ClassVar[Any] = _kv("annotations")

    status: str
    labels: dict[str, str] | None
    annotations: dict[str, str] | None
    starts_at: Instant
    ends_at: Instant
    generator_url: str = msgspec.field(name="generatorURL")
    fingerprint: str


ALERT: Final = struct(
    "template.Alert",
    [
        Attribute("Status", "status", STRING, "status"),
        Attribute("Labels", "labels_kv", KV, "labels"),
        Attribute("Annotations", "annotations_kv", KV, "annotations"),
        Attribute("StartsAt", "starts_at", TIME, "startsAt"),
        Attribute("EndsAt", "ends_at", TIME, "endsAt"),
        Attribute("GeneratorURL", "generator_url", STRING, "generatorURL"),
        Attribute("Fingerprint", "fingerprint", STRING, "fingerprint"),
    ],
)
Alert.go = ALERT
_ALERT_LIST: Final = slice_of(ALERT)


def _of_status(status: str) -> Func:
    call: Callable[[Slice], Slice] = lambda alerts: Slice(  # noqa: E731
        _ALERT_LIST, [alert for alert in elements(alerts) if alert.status == status]
    )
    return Func([], call)


ALERTS: Final = named(
    "template.Alerts", _ALERT_LIST, methods={"Firing": _of_status(FIRING), "Resolved": _of_status(RESOLVED)}
)


# The whole.


class Data(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The root of every template. `receiver` is the receiver's name, regexp-quoted, as upstream gives it everywhere.

    `raw`: the route labels are still templates, as they are to amtool and while they are being rendered. Such data is
    never sent, and what is sent says nothing of it.
    """

    go: ClassVar[GoType]

    receiver: str
    status: str
    alerts: tuple[Alert, ...] | None
    notification_reason: str = msgspec.field(name="notification_reason")
    group_labels: dict[str, str] | None
    common_labels: dict[str, str] | None
    common_annotations: dict[str, str] | None
    route_labels: dict[str, str] | None
    external_url: str = msgspec.field(name="externalURL")
    raw: bool | msgspec.UnsetType = msgspec.UNSET

    alerts_list: ClassVar[Any] = property(lambda self: Slice(ALERTS, self.alerts))
    group_kv: ClassVar[Any] = _kv("group_labels")
    common_kv: ClassVar[Any] = _kv("common_labels")
    common_annotations_kv: ClassVar[Any] = _kv("common_annotations")
    route_kv: ClassVar[Any] = _kv("route_labels")
    rendered: ClassVar[Any] = property(lambda self: self.raw is msgspec.UNSET)


DATA: Final = struct(
    "template.Data",
    [
        Attribute("Receiver", "receiver", STRING, "receiver"),
        Attribute("Status", "status", STRING, "status"),
        Attribute("Alerts", "alerts_list", ALERTS, "alerts"),
        Attribute("NotificationReason", "notification_reason", STRING, "notification_reason"),
        Attribute("GroupLabels", "group_kv", KV, "groupLabels"),
        Attribute("CommonLabels", "common_kv", KV, "commonLabels"),
        Attribute("CommonAnnotations", "common_annotations_kv", KV, "commonAnnotations"),
        Attribute("RouteLabels", "route_kv", KV, "routeLabels"),
        Attribute("ExternalURL", "external_url", STRING, "externalURL"),
        Attribute("rendered", "rendered", BOOL, hidden=True),
    ],
)
Data.go = DATA


def common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The pairs of the first set that hold in all others, where a missing name reads as the empty text (upstream)."""
    if not sets:
        return {}
    shared = dict(sets[0])
    for other in sets[1:]:
        if not shared:
            break
        if other is sets[0]:
            continue
        shared = {name: value for name, value in shared.items() if other.get(name, "") == value}
    return shared


def written(ns: int, offset: int) -> Instant:
    """A time as it was written, in nanoseconds and seconds east of UTC; Go shows it in the server's zone if it fits."""
    return Instant(ns, _zone(ns // SECOND, offset) if offset else UTC)


@lru_cache(maxsize=1024)
def _zone(seconds: int, offset: int) -> Zone:
    return LOCAL if LOCAL.at(seconds)[1] == offset else fixed("", offset)


_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


def quote_meta(text: str) -> str:
    """Go's regexp.QuoteMeta: a backslash before each character that a regular expression gives a meaning."""
    return _META.sub(r"\\\g<0>", text)


def _time_text(value: Any) -> str:
    if isinstance(value, Instant):
        return time_text(value)
    raise NotImplementedError(f"no JSON for {type(value)}")


_ENCODER: Final = msgspec.json.Encoder(order="deterministic", enc_hook=_time_text)


def encode(value: object) -> bytes:
    """JSON as Go's json.Encoder writes it: map keys sorted, `<>&` and the two line separators escaped, a newline."""
    return escape(_ENCODER.encode(value)) + b"\n"
