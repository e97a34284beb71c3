"""Facets: which values there are among the alerts listed, and how many of each; a click adds the filter."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from ampp.core.order import foremost
from ampp.observe.stall import in_slices
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
    by_name: dict[str, Counter[str]] = {}
    told: Counter[tuple[str, ...]] = Counter()
    states: Counter[str] = Counter()

    def count(first: int, last: int) -> None:
        part = seen[first:last]
        _count_labels([one.alert.labels for one in part], by_name)
        told.update([one.receivers for one in part])
        states.update([one.state for one in part])

    await sliced(count, len(seen))
    receivers: Counter[str] = Counter()
    for names, number in told.items():
        receivers.update(dict.fromkeys(names, number))
    chosen = _chosen(by_name, len(seen))
    ordered = {state: states[state] for state in STATES if states[state]}
    found = []
    if _SEVERITY in by_name:
        found.append(await _facet(_SEVERITY, by_name[_SEVERITY], lambda value: severities.order({_SEVERITY: value})))
    found.append(_pseudo("state", list(ordered.items())))
    found.append(_pseudo("receiver", receivers.most_common()))
    return [*found, *[await _facet(name, by_name[name]) for name in chosen]]


def _count_labels(some: Iterable[dict[str, str]], by_name: dict[str, Counter[str]]) -> None:
    """Count the values by name. Where alerts have the same names, whole columns of values are counted at once: that
    takes half the time."""
    kinds: dict[tuple[str, ...], list[Iterable[str]]] = {}
    for labels in some:
        kinds.setdefault(tuple(labels), []).append(labels.values())
    for names, rows in kinds.items():
        for name, column in zip(names, zip(*rows, strict=True), strict=True):
            by_name.setdefault(name, Counter()).update(column)


def _chosen(by_name: dict[str, Counter[str]], total: int) -> list[str]:
    """Labels worth a facet: those that most alerts have, with values that several share."""
    scores = {}
    for name, values in by_name.items():
        covered = values.total()
        if name == _SEVERITY or (len(values) < 2 and name not in _LIKED) or covered * 10 < total:
            continue
        if name not in _LIKED and len(values) > 12 and len(values) * 3 > covered:
            continue
        scores[name] = (name in _LIKED, -_LIKED.index(name) if name in _LIKED else 0, covered / len(values))
    return sorted(scores, key=lambda name: scores[name], reverse=True)[:_FACETS]


async def _facet(name: str, values: Counter[str], order: Callable[[str], Any] | None = None) -> Facet:
    """`order`: what stands in front; without, and where that is the same, the most frequent does."""

    def place(pair: tuple[str, int]) -> tuple[Any, ...]:
        value, number = pair
        return 0 if order is None else order(value), -number, value

    top = await in_slices(foremost(list(values.items()), place, _VALUES))
    shown = tuple(Value(text, number, exact(name, text)) for text, number in top)
    return Facet(name, shown, max(0, len(values) - _VALUES), exact(name, "").split("=", 1)[0])


def _pseudo(name: str, values: list[tuple[str, int]]) -> Facet:
    shown = tuple(Value(text, number, f'@{name}="{text}"') for text, number in values[:_VALUES])
    return Facet(name, shown, max(0, len(values) - _VALUES), f"@{name}")
