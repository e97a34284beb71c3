"""The facts of an explanation, from whoever witnessed them: the running engine, or the history."""

from functools import lru_cache
from typing import Any, Final

import apsw
import msgspec

from ampp import config as configuration
from ampp.config import ConfigError
from ampp.core import labels as labelling
from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.clock import MILLISECOND, Now
from ampp.core.engine import Engine, log_key
from ampp.core.group import Group
from ampp.core.labels import fingerprint_hex
from ampp.core.plan import Plan
from ampp.core.reason import NotificationStatus, SuppressReason
from ampp.core.route import group_key
from ampp.core.timestamp import parse_rfc3339
from ampp.history import past
from ampp.history.error import HistoryUnavailable
from ampp.history.explanation import Facts, Turns, names_of, silenced
from ampp.history.past import Past

__all__ = ["from_engine", "from_history", "known_alert", "with_history"]

_PLANS: Final = 4

Decisions = tuple[dict[str, Any], ...]


def known_alert(engine: Engine, key: bytes) -> Alert | None:
    """The alert, if the engine or one of its groups still has it."""
    alert = engine.book.alerts.get(key)
    if alert is not None:
        return alert
    for group in _groups(engine, msgspec.json.decode(key, type=dict[str, str]), key):
        if key in group.alerts:
            return group.alerts[key]
    return None


def _groups(engine: Engine, labels: dict[str, str], key: bytes) -> list[Group]:
    """The live groups that an alert belongs to."""
    found = []
    for route in engine.plan.root.match(labels):
        values = key if route.group_by_all else tuple([labels.get(name) for name in route.group_by])
        group = engine.groups.live.get((route.index, values))
        if group is not None:
            found.append(group)
    return found


def from_engine(engine: Engine, alert: Alert, now: Now, config_at: int, config_hash: int) -> Facts:
    """What the engine knows at this moment. Takes no longer than a few milliseconds; decisions are the history's."""
    muting, wall = engine.muting, now.wall
    inhibition = muting.inhibited_by(alert, wall)
    ids = muting.silenced_by(alert, wall)
    turns = {}
    groups = {group.route.index: group for group in _groups(engine, alert.labels, alert.key)}
    for route, identity, labels in names_of(engine.plan, alert.labels):
        key, told = group_key(route, labels), {}
        for to in engine.plan.receivers[route.receiver].integrations:
            entry = engine.log.get(log_key(key, to))
            if entry is not None:
                told[to.name, to.idx] = entry.timestamp
        group = groups.get(route.index)
        turns[identity, labelling.key(labels)] = (
            Turns(told=told)
            if group is None
            else Turns(next=wall + group.due - now.mono, told=told, waiting=group.flight is not None)
        )
    return Facts(
        labels=alert.labels,
        wall=wall,
        live=True,
        resolved=alert.ends <= wall,
        expired=False,
        starts=alert.starts,
        ends=alert.ends,
        plan=engine.plan,
        config_at=config_at,
        config_hash=config_hash,
        turns=turns,
        silences=tuple(silence for silence in map(muting.silences.get, ids) if silence is not None),
        inhibited=None
        if inhibition is None
        else (inhibition.rule.name, fingerprint_hex(fingerprint(inhibition.source))),
        source=None if inhibition is None else inhibition.source.labels,
    )


def with_history(connection: apsw.Connection, facts: Facts) -> Facts:
    """The engine's facts, and what happened before."""
    name = fingerprint_hex(labelling.fingerprint(facts.labels))
    then = past.look(connection, name, facts.wall)
    turns = dict(facts.turns)
    for _, identity, labels in names_of(facts.plan, facts.labels):
        group = identity, labelling.key(labels)
        found = past.decisions(connection, *group, name, facts.wall)
        turns[group] = msgspec.structs.replace(turns.get(group, Turns()), decisions=found)
    return msgspec.structs.replace(
        facts,
        turns=turns,
        expired=facts.resolved and then is not None and then.expired,
        events=() if then is None else then.events,
    )


def from_history(connection: apsw.Connection, name: str, wall: int) -> Facts | None:
    """What the history knows of the alert at `wall`; None when nothing. Raises HistoryUnavailable."""
    then = past.look(connection, name, wall)
    if then is None:
        return None
    config = past.configuration(connection, wall)
    if config is None:
        raise HistoryUnavailable("no configuration is recorded for that time: the history does not reach back so far")
    plan = _plan(config.text)
    inhibited = _inhibited(then)
    return Facts(
        labels=then.labels,
        wall=wall,
        live=False,
        resolved=then.resolved,
        expired=then.expired,
        starts=then.starts,
        ends=then.ends,
        plan=plan,
        config_at=config.at,
        config_hash=config.hash,
        turns={
            (identity, labelling.key(labels)): _turns(
                past.decisions(connection, identity, labelling.key(labels), name, wall)
            )
            for _, identity, labels in names_of(plan, then.labels)
        },
        silences=() if then.resolved else silenced(past.silences(connection, wall), then.labels, wall),
        inhibited=inhibited,
        source=None if inhibited is None else past.labels_of(connection, inhibited[1]),
        events=then.events,
        notes=("inhibition is what the group's last turn before this moment found",) if inhibited else (),
    )


def _inhibited(then: Past) -> tuple[str, str] | None:
    cause = then.suppressed
    if then.resolved or cause is None or cause.reason != SuppressReason.INHIBITION.value or len(cause.by) != 2:
        return None
    return cause.by[0], cause.by[1]


def _turns(decisions: Decisions) -> Turns:
    """The group's timers, from the last decision recorded."""
    told: dict[tuple[str, int], int] = {}
    for one in decisions:
        if one["status"] == NotificationStatus.DELIVERED.value:
            told.setdefault((one["integration"], one["integration_index"]), _wall(one["ended_at"]))
    return Turns(next=_wall(decisions[0]["next_flush"]) if decisions else None, told=told, decisions=decisions)


def _wall(text: str) -> int:
    return parse_rfc3339(text)[0] // MILLISECOND * MILLISECOND


@lru_cache(maxsize=_PLANS)
def _plan(text: str) -> Plan:
    try:
        return configuration.compile(configuration.load(text))
    except ConfigError as error:
        raise HistoryUnavailable(f"the configuration of that time cannot be read by this version: {error}") from error
