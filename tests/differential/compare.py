"""Compare what two daemons did with the same timeline. Every difference gets a name.

Names of the documented changes between Alertmanager 0.25 and 0.34 are excuses; any other difference is a failure.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.differential.drive import LATE, Seen
from tests.differential.timeline import Timeline
from tests.support import Delivery
from tests.support.api import instant

__all__ = ["EXCUSES", "TOLERANCE", "Difference", "compare"]

TOLERANCE = 0.3
"""Seconds by which two arrivals, or two start or end times, may differ."""

EXCUSES = {
    "empty-group-lingers": "0.25 keeps an emptied group until a sweep, so what fires next waits for its tick",
    "early-flush-by-any-alert": "0.25 flushes a waiting group as soon as any old alert joins it",
    "empty-group-by": "0.25 lets a child's `group_by: []` inherit its parent's",
    "group-key-order": "matchers inside a group key are ordered otherwise",
    "payload-key": "a key that 0.25 does not have",
    "state-unprocessed": "0.25 shows alerts no flush has seen yet as unprocessed",
    "no-muted-by": "0.25 has no mutedBy",
}

_OLD_PAYLOAD = {
    "receiver", "status", "alerts", "groupLabels", "commonLabels", "commonAnnotations", "externalURL", "version",
    "groupKey", "truncatedAlerts",
}  # fmt: skip

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Difference:
    """`name` is a key of EXCUSES, or empty when nothing excuses it; `late` when the run itself proves nothing."""

    seed: int
    name: str
    where: str
    what: str
    late: bool = False


def compare(
    timeline: Timeline, left: Seen, right: Seen, *, old: bool, reloads: Sequence[float] = ()
) -> list[Difference]:
    """All differences of two runs.

    Args:
        reloads: right after these upstream may flush a group while it still loads its alerts, and then once more:
            of several notifications within a moment the last one counts.
        old: one of the two is 0.25, so that the documented changes since are excused.
    """
    found: list[Difference] = []
    late = max(left.latest, right.latest) > LATE

    def differ(name: str, where: str, what: str) -> None:
        found.append(Difference(timeline.seed, name, where, what, late))

    if left.refused != right.refused:
        differ("", "requests", f"{left.refused} / {right.refused}")
    one, two = _grouped(left, reloads), _grouped(right, reloads)
    for key in sorted(one.keys() | two.keys()):
        where = f"{key[0]} {dict(key[1])}"
        receiver = key[0].split("/")[2]
        excuses = timeline.excuse(receiver, dict(key[1])) if old else set()
        excuse = min(excuses, default="")
        ours, theirs = one.get(key, []), two.get(key, [])
        for index in range(max(len(ours), len(theirs))):
            if index >= len(ours) or index >= len(theirs):
                rest, base, side = (ours, left.base, "first") if index < len(ours) else (theirs, right.base, "second")
                if rest[index].at - base < timeline.ends - TOLERANCE:
                    told = " | ".join(_tell(d, base) for d in rest[index:])
                    differ(excuse, where, f"only the {side} sent, after {index} equal ones: {told}")
                break
            problem = _delivery(ours[index], left, theirs[index], right)
            if problem:
                both = f"first: {_tells(ours, left.base)}\n     second: {_tells(theirs, right.base)}"
                differ(excuse, where, f"#{index}: {problem}\n      {both}")
                break
            a, b = ours[index].payload, theirs[index].payload
            if a["groupKey"] != b["groupKey"]:
                same = _unordered(a["groupKey"]) == _unordered(b["groupKey"])
                differ("group-key-order" if old and same else "", where, f"{a['groupKey']} / {b['groupKey']}")
            keys = (a.keys() ^ b.keys()) if not old else (a.keys() ^ b.keys()) & _OLD_PAYLOAD
            if keys:
                differ("", where, f"payload keys {sorted(keys)} are in one only")
    for (at, first), (_, second) in zip(left.looks, right.looks, strict=False):
        for name, what in _look(first, left, second, right, old):
            grouped = old and timeline.regrouped and what.startswith("group")
            differ("empty-group-by" if grouped and not name else name, f"API at {at}", what)
    return found


def _grouped(seen: Seen, reloads: Sequence[float]) -> dict[Key, list[Delivery]]:
    groups: dict[Key, list[Delivery]] = defaultdict(list)
    for delivery in seen.deliveries:
        group = groups[delivery.path, tuple(sorted(delivery.payload["groupLabels"].items()))]
        if (
            any(0 <= delivery.at - seen.base - at < 0.1 for at in reloads)
            and group
            and delivery.at - group[-1].at < 0.1
        ):
            group.pop()
        group.append(delivery)
    return groups


def _tell(delivery: Delivery, base: float) -> str:
    names = [
        f"{a['status'][0]}:{a['labels']['alertname']}/{a['labels'].get('instance', '-')}/{a['labels']['team']}"
        f"/{a['labels']['severity'][0]}"
        for a in delivery.payload["alerts"]
    ]
    return f"{delivery.at - base:.2f}s {delivery.status} {delivery.payload['status']} {names}"


def _tells(deliveries: Sequence[Delivery], base: float) -> str:
    return " | ".join(_tell(d, base) for d in deliveries)


def _unordered(group_key: str) -> list[str]:
    return sorted(re.findall(r'[^{},/: ]+?(?:=~|!~|!=|=)"(?:\\.|[^"\\])*"', group_key))


def _delivery(a: Delivery, left: Seen, b: Delivery, right: Seen) -> str:
    if abs((a.at - left.base) - (b.at - right.base)) > TOLERANCE:
        return f"at {a.at - left.base:.3f} / {b.at - right.base:.3f} s"
    if a.status != b.status:
        return f"answered {a.status} / {b.status}"
    one, two = a.payload, b.payload
    for name in (
        "receiver",
        "status",
        "commonLabels",
        "commonAnnotations",
        "externalURL",
        "version",
        "truncatedAlerts",
    ):
        if one[name] != two[name]:
            return f"{name} {one[name]!r} / {two[name]!r}"
    if a.headers.get("content-type") != b.headers.get("content-type"):
        return f"content type {a.headers.get('content-type')} / {b.headers.get('content-type')}"
    if len(one["alerts"]) != len(two["alerts"]):
        return f"{len(one['alerts'])} / {len(two['alerts'])} alerts"
    for x, y in zip(one["alerts"], two["alerts"], strict=True):
        problem = _alert(x, y, ("status", "labels", "annotations", "generatorURL", "fingerprint"))
        if problem:
            return problem
    return ""


def _alert(x: Mapping[str, Any], y: Mapping[str, Any], names: Sequence[str]) -> str:
    for name in names:
        if x.get(name) != y.get(name):
            return f"{name} {x.get(name)!r} / {y.get(name)!r}"
    for name in ("startsAt", "endsAt"):
        if x[name].startswith("0001-") or y[name].startswith("0001-"):
            if x[name] != y[name]:
                return f"{name} {x[name]} / {y[name]}"
        elif abs(instant(x[name]) - instant(y[name])) > TOLERANCE:
            return f"{name} {x[name]} / {y[name]} of {x['labels']}"
    return ""


def _look(a: dict[str, Any], left: Seen, b: dict[str, Any], right: Seen, old: bool) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    handles = [{identity: handle for handle, identity in seen.silences.items()} for seen in (left, right)]

    def alerts(ones: list[dict[str, Any]], twos: list[dict[str, Any]], where: str) -> None:
        if [x["labels"] for x in ones] != [y["labels"] for y in twos]:
            found.append(("", f"{where}: {[x['labels'] for x in ones]} / {[y['labels'] for y in twos]}"))
            return
        for x, y in zip(ones, twos, strict=True):
            problem = _alert(x, y, ("labels", "annotations", "fingerprint", "generatorURL", "receivers"))
            if problem:
                found.append(("", f"{where}: {problem}"))
            s, t = x["status"], y["status"]
            if {handles[0].get(i) for i in s["silencedBy"]} != {handles[1].get(i) for i in t["silencedBy"]}:
                found.append(("", f"{where}: silencedBy {s} / {t} {x['labels']}"))
            if bool(s["inhibitedBy"]) != bool(t["inhibitedBy"]):
                found.append(("", f"{where}: inhibitedBy {s} / {t} {x['labels']}"))
            if s["state"] != t["state"]:
                name = "state-unprocessed" if old and "unprocessed" in (s["state"], t["state"]) else ""
                found.append((name, f"{where}: {s['state']} / {t['state']} {x['labels']}"))

    alerts(a["alerts"], b["alerts"], "alerts")
    heads = [[(g["labels"], g["receiver"]) for g in side["groups"]] for side in (a, b)]
    if heads[0] != heads[1]:
        found.append(("", f"groups: {heads[0]} / {heads[1]}"))
    else:
        for g, h in zip(a["groups"], b["groups"], strict=True):
            alerts(g["alerts"], h["alerts"], f"group {g['labels']} of {g['receiver']['name']}")

    def states(side: dict[str, Any], names: dict[str, str]) -> list[tuple[str, str, str]]:
        return sorted(
            (names.get(s["id"], "replaced"), s["status"]["state"], repr(s["matchers"])) for s in side["silences"]
        )

    one, two = states(a, handles[0]), states(b, handles[1])
    if one != two:
        found.append(("", f"silences: {one} / {two}"))
    return found
