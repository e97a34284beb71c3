"""Every recorded routing decision, route id and group key."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ampp.core.duration import parse_prometheus
from ampp.core.labels import canonical
from ampp.core.matcher import Mode, parse_matchers
from ampp.core.route import Route, RouteSpec, build, group_key, group_labels

ROOT = Path(__file__).parents[2]
UPSTREAM = ROOT.parent / "shared/conformance/upstream-routes.jsonl"


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


VECTORS = read(ROOT / "testdata/routes.jsonl")


def tree(config: str) -> Route:
    # Every scalar as its text, as upstream's typed decoding has it.
    return build(spec_of(yaml.load(config, yaml.BaseLoader)["route"]))


def spec_of(raw: dict[str, Any]) -> RouteSpec:
    group_by = raw.get("group_by")
    durations: dict[str, Any] = {
        name: parse_prometheus(raw[name]) for name in ("group_wait", "group_interval", "repeat_interval") if name in raw
    }
    return RouteSpec(
        receiver=raw.get("receiver"),
        group_by=None if group_by is None else tuple(name for name in group_by if name != "..."),
        group_by_all=group_by == ["..."],
        match=raw.get("match", {}),
        match_re=raw.get("match_re", {}),
        matchers=tuple(m for text in raw.get("matchers", ()) for m in parse_matchers(text, Mode.FALLBACK).matchers),
        continue_=raw.get("continue") == "true",
        labels=raw.get("labels", {}),
        routes=tuple(spec_of(child) for child in raw.get("routes", ())),
        **durations,
    )


def check(vector: dict[str, Any]) -> None:
    labels = canonical(vector["labels"])
    routes = tree(vector["config"]).match(labels)
    groups = [group_labels(route, labels) for route in routes]
    keys = [group_key(route, group) for route, group in zip(routes, groups, strict=True)]
    if vector["kind"] == "route":
        assert [route.receiver for route in routes] == vector["receivers"]
        assert keys == vector["group_keys"]
        assert [route.id for route in routes] == vector["route_ids"]
    else:
        deliveries = [(route.receiver, key, group) for route, key, group in zip(routes, keys, groups, strict=True)]
        wanted = [
            # Those computed, not delivered, were recorded without their labels.
            (want["receiver"], want["groupKey"], want.get("groupLabels", group))
            for want, (_, _, group) in zip(vector["deliveries"], sorted(deliveries, key=by_receiver), strict=True)
        ]
        assert sorted(deliveries, key=by_receiver) == sorted(wanted, key=by_receiver)


def by_receiver(delivery: tuple[str, str, dict[str, str]]) -> tuple[str, str]:
    return delivery[:2]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_route(vector: dict[str, Any]) -> None:
    check(vector)


@pytest.mark.skipif(not UPSTREAM.exists(), reason=f"{UPSTREAM.name}: not at hand")
def test_routes_of_upstreams_own_configs() -> None:
    for vector in read(UPSTREAM):
        check(vector)
