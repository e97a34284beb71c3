"""A story's setting: the routing half of an alertmanager.yml, read straight into a `Plan`.

The dialect is Alertmanager's with three abbreviations: `resolve_timeout` stands at the top, intervals are a map of name
to list, and a receiver is a list of integration types in which a trailing `-` means `send_resolved: false`. A receiver
that is only named by a route has one webhook.
"""

from collections import Counter
from typing import Any

import yaml

from ampp.core.clock import MINUTE
from ampp.core.duration import parse_prometheus
from ampp.core.inhibit import InhibitRule
from ampp.core.interval import parse_interval
from ampp.core.matcher import Matcher, Mode, parse_matchers
from ampp.core.plan import Integration, Plan, Receiver
from ampp.core.route import RouteSpec, build

__all__ = ["matchers", "plan_of"]


def plan_of(config: str) -> Plan:
    # Every scalar as its text, as upstream's typed decoding has it.
    raw = yaml.load(config, yaml.BaseLoader)
    root = build(route_of(raw["route"]))
    given = raw.get("receivers", {})
    names = [*given, *(route.receiver for route in root.walk() if route.receiver not in given)]
    return Plan(
        root=root,
        receivers={name: receiver(name, given.get(name, ["webhook"])) for name in names},
        inhibit_rules=tuple(map(rule, raw.get("inhibit_rules", ()))),
        intervals={name: tuple(map(parse_interval, items)) for name, items in raw.get("time_intervals", {}).items()},
        resolve_timeout=parse_prometheus(raw["resolve_timeout"]) if "resolve_timeout" in raw else 5 * MINUTE,
    )


def route_of(raw: dict[str, Any]) -> RouteSpec:
    group_by = raw.get("group_by")
    durations = {
        name: parse_prometheus(raw[name]) for name in ("group_wait", "group_interval", "repeat_interval") if name in raw
    }
    return RouteSpec(
        receiver=raw.get("receiver"),
        group_by=None if group_by is None else tuple(name for name in group_by if name != "..."),
        group_by_all=group_by == ["..."],
        matchers=tuple(m for text in raw.get("matchers", ()) for m in matchers(text)),
        continue_=raw.get("continue") == "true",
        mute_intervals=tuple(raw.get("mute_time_intervals", ())),
        active_intervals=tuple(raw.get("active_time_intervals", ())),
        labels=raw.get("labels", {}),
        routes=tuple(route_of(child) for child in raw.get("routes", ())),
        **durations,
    )


def matchers(text: str) -> tuple[Matcher, ...]:
    return parse_matchers(text, Mode.FALLBACK).matchers


def receiver(name: str, kinds: list[str]) -> Receiver:
    count: Counter[str] = Counter()
    integrations = []
    for kind in kinds:
        plain = kind.removesuffix("-")
        integrations.append(Integration(name, plain, count[plain], not kind.endswith("-")))
        count[plain] += 1
    return Receiver(name, {"name": name, "team": name[:1]}, tuple(integrations))


def rule(raw: dict[str, Any]) -> InhibitRule:
    return InhibitRule(
        raw.get("name", ""),
        tuple(m for text in raw.get("source_matchers", ()) for m in matchers(text)),
        tuple(m for text in raw.get("target_matchers", ()) for m in matchers(text)),
        tuple(raw.get("equal", ())),
    )
