"""Why somebody was told about an alert, or was not: facts in, an explanation out.

`explain` is pure: it is given what is known (`Facts`), from the running engine or from the history, and works out what
follows from it. The structs here are the JSON of the API; `docs/explain.md` describes it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ampp.core import labels as labelling
from ampp.core.duration import format_prometheus
from ampp.core.group import identities
from ampp.core.matcher import format_matchers, matches_all
from ampp.core.plan import Integration, Plan
from ampp.core.reason import EventKind, SuppressReason
from ampp.core.route import Route, group_key, group_labels
from ampp.core.silence import Silence
from ampp.core.timestamp import format_millis
from ampp.history.trail import Step, trail

__all__ = ["Explanation", "Facts", "Turns", "explain", "names_of", "silenced"]


class Turns(msgspec.Struct, frozen=True):
    """A group at the moment. `next`: wall ns of its next turn, None when it is not known. `told`: per integration when
    it was last told about the group, by (type, index). `decisions`: newest first, as the API shows them."""

    next: int | None = None
    told: Mapping[tuple[str, int], int] = {}
    decisions: tuple[dict[str, Any], ...] = ()
    waiting: bool = False


class Facts(msgspec.Struct, frozen=True):
    """What is known about the alert at `wall`. `turns`: by the identity of the route and the key of the group labels.

    `silences`: those in force that match. `inhibited`: rule name and the source's fingerprint, `source` its labels as
    far as they are known. `config_at`, `config_hash`: the configuration `plan` was compiled from.
    """

    labels: dict[str, str]
    wall: int
    live: bool
    resolved: bool
    expired: bool
    starts: int
    ends: int | None
    plan: Plan
    config_at: int
    config_hash: int
    turns: Mapping[tuple[str, bytes], Turns]
    silences: tuple[Silence, ...] = ()
    inhibited: tuple[str, str] | None = None
    source: dict[str, str] | None = None
    events: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


class InForce(msgspec.Struct, frozen=True):
    """The configuration in force."""

    since: str
    hash: str


class SilenceShown(msgspec.Struct, frozen=True):
    """A silence that mutes the alert."""

    id: str
    created_by: str
    comment: str
    starts_at: str
    ends_at: str
    matchers: tuple[str, ...]


class SourceShown(msgspec.Struct, frozen=True):
    """The alert that inhibits this one; `labels` is null when they are not known any more."""

    fingerprint: str
    labels: dict[str, str] | None


class Suppression(msgspec.Struct, frozen=True):
    """One thing that keeps the alert from being told. `reason` is one of `core.reason.SuppressReason`, and says which
    of the others is there. `group_key`: the only group it concerns, null when all."""

    reason: str
    text: str
    group_key: str | None = None
    silence: SilenceShown | None = None
    rule: str | None = None
    source: SourceShown | None = None
    interval: str | None = None


class IntegrationShown(msgspec.Struct, frozen=True):
    """One integration of the receiver. `decision`: the last one, `decisions` the last ones, newest first, that were
    taken while the group held the alert. `last_told`: when it last got a notification about the group."""

    integration: str
    index: int
    send_resolved: bool
    last_told: str | None
    next_repeat: str | None
    text: str
    decision: dict[str, Any] | None
    decisions: tuple[dict[str, Any], ...]


class GroupShown(msgspec.Struct, frozen=True):
    """A group the alert belongs to, with its timers."""

    route: str
    receiver: str
    group_key: str
    group_labels: dict[str, str]
    group_wait: str
    group_interval: str
    repeat_interval: str
    next_flush: str | None
    text: str
    integrations: tuple[IntegrationShown, ...]


class Explanation(msgspec.Struct, frozen=True):
    """All of it. `summary` says it in plain words; `routes` is the tree as it was walked."""

    fingerprint: str
    labels: dict[str, str]
    at: str
    live: bool
    state: str
    starts_at: str
    ends_at: str | None
    suppressed_since: str | None
    summary: tuple[str, ...]
    config: InForce
    routes: Step
    groups: tuple[GroupShown, ...]
    suppressions: tuple[Suppression, ...]
    events: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


def names_of(plan: Plan, labels: dict[str, str]) -> list[tuple[Route, str, dict[str, str]]]:
    """The groups an alert with these labels belongs to: route, its identity, and the group's labels."""
    names = identities(plan.root)
    return [(route, names[route.index], group_labels(route, labels)) for route in plan.root.match(labels)]


def silenced(silences: Iterable[Silence], labels: Mapping[str, str], wall: int) -> tuple[Silence, ...]:
    """Those that mute the labels at `wall`."""
    return tuple(
        silence
        for silence in silences
        if silence.state(wall) == "active" and any(matches_all(some, labels) for some in silence.matcher_sets)
    )


def explain(facts: Facts) -> Explanation:
    """What follows from the facts."""
    suppressions: list[Suppression] = []
    groups: list[GroupShown] = []
    firing = not facts.resolved
    if facts.inhibited is not None:
        suppressions.append(_inhibition(*facts.inhibited, facts.source))
    for route, identity, labels in names_of(facts.plan, facts.labels):
        suppressions += _intervals(facts, route, group_key(route, labels))
        groups.append(_group(facts, route, labels, facts.turns.get((identity, labelling.key(labels)), Turns()), firing))
    suppressions += [_silence(silence) for silence in facts.silences]
    state = _state(facts, suppressions, groups)
    since = _suppressed_since(facts, suppressions, groups) if state == "suppressed" else None
    return Explanation(
        fingerprint=labelling.fingerprint_hex(labelling.fingerprint(facts.labels)),
        labels=facts.labels,
        at=format_millis(facts.wall),
        live=facts.live,
        state=state,
        starts_at=format_millis(facts.starts),
        ends_at=None if facts.ends is None or firing else format_millis(facts.ends),
        suppressed_since=since,
        summary=tuple(_summary(facts, state, since, suppressions, groups)),
        config=InForce(format_millis(facts.config_at), f"{facts.config_hash:012x}"),
        routes=trail(facts.plan.root, facts.labels),
        groups=tuple(groups),
        suppressions=tuple(suppressions),
        events=facts.events,
        notes=facts.notes,
    )


# -- suppression ----------------------------------------------------------------------------------------------------


def _inhibition(rule: str, source: str, labels: dict[str, str] | None) -> Suppression:
    name = f"rule {rule}" if rule else "a rule without a name"
    alert = labelling.format_set(labels) if labels is not None else source
    return Suppression(
        SuppressReason.INHIBITION.value,
        f"inhibited by {name}, because {alert} fires",
        rule=rule,
        source=SourceShown(source, labels),
    )


def _silence(silence: Silence) -> Suppression:
    return Suppression(
        SuppressReason.SILENCE.value,
        f"silenced by {silence.created_by or 'somebody'} until {format_millis(silence.ends)}"
        + (f": {silence.comment}" if silence.comment else "")
        + f" (silence {silence.id})",
        silence=SilenceShown(
            silence.id,
            silence.created_by,
            silence.comment,
            format_millis(silence.starts),
            format_millis(silence.ends),
            tuple(format_matchers(some) for some in silence.matcher_sets),
        ),
    )


def _intervals(facts: Facts, route: Route, key: str) -> list[Suppression]:
    def within(name: str) -> bool:
        return any(interval.contains(facts.wall) for interval in facts.plan.intervals[name])

    found = [
        Suppression(
            SuppressReason.MUTE_INTERVAL.value,
            f"{route.receiver} is muted by the time interval {name}",
            group_key=key,
            interval=name,
        )
        for name in route.mute_intervals
        if within(name)
    ]
    if route.active_intervals and not any(within(name) for name in route.active_intervals):
        found += [
            Suppression(
                SuppressReason.ACTIVE_INTERVAL.value,
                f"{route.receiver} is told only within the time interval {name}, and this is outside it",
                group_key=key,
                interval=name,
            )
            for name in route.active_intervals
        ]
    return found


# -- groups ---------------------------------------------------------------------------------------------------------


def _group(facts: Facts, route: Route, labels: dict[str, str], turns: Turns, firing: bool) -> GroupShown:
    integrations = facts.plan.receivers[route.receiver].integrations
    following = turns.next
    if following is not None and following <= facts.wall:
        # A turn at which nothing was new left no record.
        following += ((facts.wall - following) // route.group_interval + 1) * route.group_interval
    if turns.waiting:
        text = "a notification is under way"
    elif following is None:
        text = "no turn is due"
    else:
        text = f"next turn at {format_millis(following)}, then every {format_prometheus(route.group_interval)}"
    return GroupShown(
        route=route.key,
        receiver=route.receiver,
        group_key=group_key(route, labels),
        group_labels=labels,
        group_wait=format_prometheus(route.group_wait),
        group_interval=format_prometheus(route.group_interval),
        repeat_interval=format_prometheus(route.repeat_interval),
        next_flush=None if following is None else format_millis(following),
        text=text,
        integrations=tuple(_integration(route, to, turns, following if firing else None) for to in integrations),
    )


def _integration(route: Route, to: Integration, turns: Turns, following: int | None) -> IntegrationShown:
    decisions = tuple(
        one
        for one in turns.decisions
        if one["integration"] in ("", to.name) and (not one["integration"] or one["integration_index"] == to.idx)
    )
    told = turns.told.get((to.name, to.idx))
    repeat = None
    if told is not None and following is not None:
        due = told + route.repeat_interval
        repeat = (
            following
            if due < following
            else following + -(-(due + 1 - following) // route.group_interval) * (route.group_interval)
        )
    last = decisions[0] if decisions else None
    return IntegrationShown(
        integration=to.name,
        index=to.idx,
        send_resolved=to.send_resolved,
        last_told=None if told is None else format_millis(told),
        next_repeat=None if repeat is None else format_millis(repeat),
        text=_decided(last),
        decision=last,
        decisions=decisions,
    )


_NOT_SENT: Mapping[str, str] = {
    "none": "nothing was new and no repeat was due",
    SuppressReason.SILENCE.value: "all its alerts were silenced",
    SuppressReason.INHIBITION.value: "all its alerts were inhibited",
    SuppressReason.MUTE_INTERVAL.value: "a mute time interval was in force",
    SuppressReason.ACTIVE_INTERVAL.value: "no active time interval was in force",
    "suppressed": "all its alerts were suppressed, for several reasons",
}


def _decided(decision: dict[str, Any] | None) -> str:
    """The last decision in words."""
    if decision is None:
        return "nothing decided yet"
    at, status = decision["at"], decision["status"]
    if not decision["sent"]:
        return f"not told at {at}: {_NOT_SENT.get(decision['reason'], decision['reason'])}"
    why = f"{decision['reason']}: {decision['firing']} firing, {decision['resolved']} resolved"
    attempts = f"{decision['attempts']} attempt{'' if decision['attempts'] == 1 else 's'}"
    if status == "delivered":
        return f"told at {decision['ended_at']} after {attempts} ({why})"
    if status == "pending":
        return f"to be told since {at} ({why}); the outcome is not known yet"
    error = f": {decision['error']}" if decision["error"] else ""
    return f"{status} at {decision['ended_at']} after {attempts} ({why}){error}"


# -- words ----------------------------------------------------------------------------------------------------------


def _state(facts: Facts, suppressions: list[Suppression], groups: list[GroupShown]) -> str:
    if facts.resolved:
        return "expired" if facts.expired else "resolved"
    everywhere = any(one.group_key is None for one in suppressions)
    muted = {one.group_key for one in suppressions}
    if everywhere or (groups and all(group.group_key in muted for group in groups)):
        return "suppressed"
    return "firing"


_EVERYWHERE: Final = (SuppressReason.SILENCE.value, SuppressReason.INHIBITION.value)
"""What keeps an alert back in all its groups; time intervals do in one."""


def _suppressed_since(facts: Facts, suppressions: list[Suppression], groups: list[GroupShown]) -> str | None:
    """The turn at which a group first found the alert kept back as it has been since. None when there was none yet, or
    when the events do not tell: they go back only so far, and where every group has an interval of its own that keeps
    the alert back, they do not say when the last of these began."""
    everywhere = any(one.group_key is None for one in suppressions)
    if not everywhere and len(groups) > 1:
        return None
    found = None
    for event in reversed(facts.events):
        if event["event"] == EventKind.FIRING.value:
            continue
        if event["event"] != EventKind.SUPPRESSED.value:
            return found
        if everywhere and event["suppressed_by"]["reason"] not in _EVERYWHERE:
            return found
        found = event["created_at"]
    return found if facts.events and facts.events[0]["event"] == EventKind.FIRING.value else None


def _summary(
    facts: Facts, state: str, suppressed: str | None, suppressions: list[Suppression], groups: list[GroupShown]
) -> Iterable[str]:
    tense, past = ("is", "has") if facts.live else ("was", "had")
    since = format_millis(facts.starts)
    if facts.resolved:
        ends = "" if facts.ends is None else f" at {format_millis(facts.ends)}"
        how = "its time ran out, nobody had repeated it" if facts.expired else "its sender said so"
        yield f"The alert {tense} over: it fired from {since} and ended{ends} ({how})."
    elif state == "suppressed":
        kept = "" if suppressed is None else f", and {past} been kept back since its group's turn at {suppressed}"
        yield f"The alert {tense} suppressed: it {past} fired since {since}{kept}."
    else:
        yield f"The alert {tense} {state}, since {since}."
    receivers = ", ".join(dict.fromkeys(group.receiver for group in groups))
    yield f"It {'goes' if facts.live else 'went'} to {receivers}."
    for one in suppressions:
        yield f"It {tense} {one.text}." if one.group_key is None else f"{one.text}."
    for group in groups:
        if not group.integrations:
            yield f"{group.receiver} has no integrations: nobody is told by it."
        for to in group.integrations:
            yield f"{group.receiver} by {to.integration}[{to.index}]: {to.text}."
            if to.next_repeat is not None and not facts.resolved and state == "firing":
                yield f"{group.receiver} by {to.integration}[{to.index}]: next repeat at {to.next_repeat}."
        if not facts.resolved:
            yield f"{group.receiver}: {group.text}."
