"""Facets: which values there are among the alerts listed, and how many of each; a click adds the filter."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Final

import msgspec

from ampp.web.filter import exact
from ampp.web.severity import Severities
from ampp.web.survey import STATES, Seen, sliced

__all__ = ["Facet", "Value", "facets"]

_VALUES: Final = 6
_FACETS: Final = 7
_LIKED: Final = ("alertname", "cluster", "namespace", "team", "service", "env", "environment", "job", "region")
_SEVERITY: Final = "severity"


class Value(msgspec.Struct, frozen=True):
    """One value; `token` is the filter that asks for it."""

    text: str
    count: int
    token: str


class Facet(msgspec.Struct, frozen=True):
    """A name and its most frequent values; `more` is how many there are besides. `prefix`: what its filters begin
    with."""

    name: str
    values: tuple[Value, ...]
    more: int
    prefix: str


async def facets(seen: Sequence[Seen], severities: Severities) -> list[Facet]:
    """The facets of these alerts: severity, state and receiver, then the labels that tell most."""
    labels: Counter[tuple[str, str]] = Counter()
    told: Counter[tuple[str, ...]] = Counter()
    states: Counter[str] = Counter()

    def count(first: int, last: int) -> None:
        part = seen[first:last]
        labels.update(chain.from_iterable([one.alert.labels.items() for one in part]))
        told.update([one.receivers for one in part])
        states.update([one.state for one in part])

    await sliced(count, len(seen))
    receivers: Counter[str] = Counter()
    for names, number in told.items():
        receivers.update(dict.fromkeys(names, number))
    by_name: dict[str, list[tuple[str, int]]] = {}
    for (name, value), number in labels.items():
        by_name.setdefault(name, []).append((value, number))
    chosen = _chosen(by_name, len(seen))
    ordered = {state: states[state] for state in STATES if states[state]}
    found = []
    if _SEVERITY in by_name:
        worst_first = sorted(
            by_name.pop(_SEVERITY), key=lambda pair: (severities.order({_SEVERITY: pair[0]}), -pair[1])
        )
        found.append(_facet(_SEVERITY, worst_first, ordered=True))
    found.append(_pseudo("state", list(ordered.items())))
    found.append(_pseudo("receiver", receivers.most_common()))
    return [*found, *(_facet(name, by_name[name]) for name in chosen if name in by_name)]


def _chosen(by_name: dict[str, list[tuple[str, int]]], total: int) -> list[str]:
    """Labels worth a facet: those that most alerts have, with values that several share."""
    scores = {}
    for name, values in by_name.items():
        covered = sum(number for _, number in values)
        if name == _SEVERITY or (len(values) < 2 and name not in _LIKED) or covered * 10 < total:
            continue
        if name not in _LIKED and len(values) > 12 and len(values) * 3 > covered:
            continue
        scores[name] = (name in _LIKED, -_LIKED.index(name) if name in _LIKED else 0, covered / len(values))
    return sorted(scores, key=lambda name: scores[name], reverse=True)[:_FACETS]


def _facet(name: str, values: list[tuple[str, int]], *, ordered: bool = False) -> Facet:
    top = values if ordered else sorted(values, key=lambda pair: (-pair[1], pair[0]))
    shown = tuple(Value(text, number, exact(name, text)) for text, number in top[:_VALUES])
    return Facet(name, shown, max(0, len(top) - _VALUES), exact(name, "").split("=", 1)[0])


def _pseudo(name: str, values: list[tuple[str, int]]) -> Facet:
    shown = tuple(Value(text, number, f'@{name}="{text}"') for text, number in values[:_VALUES])
    return Facet(name, shown, max(0, len(values) - _VALUES), f"@{name}")
