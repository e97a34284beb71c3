"""Counts over a span of time: which alerts fired most, which flap, and how much there was of what."""

from collections import Counter
from typing import Any, Final

import apsw
import msgspec

from ampp.history.row import fingerprints_of, instant
from ampp.history.span import HOUR, parts
from ampp.store.sqlite.rows import array, fetch

__all__ = ["EVERYTHING", "FLAPS", "Scope", "flapping", "stats", "top"]

_DAY: Final = 24
_WEEK: Final = 7 * 24
_FLAPPING: Final = 50
_NAMESPACES: Final = 10

FLAPS: Final = 3
"""Changes between firing and resolved from which on an alert flaps."""

_ABOUT: Final = """
SELECT a.id, a.labels, n.value, p.value FROM carray(?) AS w JOIN alert AS a ON a.id = w.value
JOIN text AS n ON n.id = a.name JOIN text AS p ON p.id = a.namespace
"""


class Scope(msgspec.Struct, frozen=True):
    """Alerts with these labels only; empty for any."""

    namespace: str = ""
    severity: str = ""


EVERYTHING: Final = Scope()


def _within(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """The scope as a condition on `alert`."""
    wanted = {column: value for column in ("namespace", "severity") if (value := getattr(scope, column))}
    if not wanted:
        return "true", ()
    tests = " AND ".join(f"{column} = (SELECT id FROM text WHERE value = ?)" for column in wanted)
    return f"alert IN (SELECT id FROM alert WHERE {tests})", tuple(wanted.values())


def top(
    connection: apsw.Connection, since: int, until: int, limit: int, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """The alerts that began to fire most often, those that did so last first among equals."""
    within, bindings = _within(scope)
    span = parts(connection, since, until)
    rows = fetch(
        connection,
        f"{span.sql} SELECT alert, sum(fired), max(last_fired), sum(ended), sum(lasting) FROM part WHERE {within} "
        "GROUP BY alert HAVING sum(fired) > 0 ORDER BY sum(fired) DESC, max(last_fired) DESC LIMIT ?",
        (*span.bindings, *bindings, limit),
    )
    about = _about(connection, [row[0] for row in rows])
    return [
        {
            **about[alert],
            "fire_count": count,
            "last_fired_at": instant(last),
            "avg_duration": round(lasting / ended / 1000, 3) if ended else None,
        }
        for alert, count, last, ended, lasting in rows
        if alert in about
    ]


def flapping(
    connection: apsw.Connection, since: int, until: int, threshold: int, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """The alerts that went from firing to resolved and back most often per hour of the span; at most 50."""
    within, bindings = _within(scope)
    span = parts(connection, since, until)
    rows = fetch(
        connection,
        f"{span.sql} SELECT alert, sum(turned), max(last_turned) FROM part WHERE {within} "
        "GROUP BY alert HAVING sum(turned) >= ? ORDER BY sum(turned) DESC, max(last_turned) DESC LIMIT ?",
        (*span.bindings, *bindings, threshold, _FLAPPING),
    )
    hours = max(1.0, (until - since) / HOUR)
    about = _about(connection, [row[0] for row in rows])
    return [
        {
            **about[alert],
            "transition_count": turns,
            "flapping_score": round(turns / hours, 4),
            "last_transition_at": instant(last),
        }
        for alert, turns, last in rows
        if alert in about
    ]


def _about(connection: apsw.Connection, alerts: list[int]) -> dict[int, dict[str, Any]]:
    found = {}
    for identity, labels, name, namespace in fetch(connection, _ABOUT, (array(alerts),)):
        fingerprint, short = fingerprints_of(labels)
        found[identity] = {
            "fingerprint": fingerprint,
            "am_fingerprint": short,
            "alert_name": name,
            "namespace": namespace,
        }
    return found


def stats(connection: apsw.Connection, since: int, until: int, scope: Scope = EVERYTHING) -> dict[str, Any]:
    """How many alerts there were, of which kinds, and how long they took to end. Plain counts of beginnings per hour,
    day and week (of Unix time) beside them."""
    within, bindings = _within(scope)
    span = parts(connection, since, until)
    rows = fetch(
        connection,
        f"{span.sql} SELECT s.value, n.value, sum(c.fired), sum(c.ended), sum(c.lasting), count(*) FROM "
        "(SELECT alert, sum(fired) AS fired, sum(ended) AS ended, sum(lasting) AS lasting FROM part "
        f"WHERE {within} GROUP BY alert HAVING sum(fired) > 0 OR sum(ended) > 0) AS c "
        "JOIN alert AS a ON a.id = c.alert JOIN text AS s ON s.id = a.severity JOIN text AS n ON n.id = a.namespace "
        "GROUP BY a.severity, a.namespace",
        (*span.bindings, *bindings),
    )
    hourly = Counter(
        dict(
            fetch(
                connection,
                f"{span.sql} SELECT hour, sum(fired) FROM part WHERE {within} GROUP BY hour HAVING sum(fired) > 0",
                (*span.bindings, *bindings),
            )
        )
    )
    severities: Counter[str] = Counter()
    namespaces: Counter[str] = Counter()
    firing = ended = lasting = unique = 0
    for severity, namespace, fired, over, took, alerts in rows:
        severities[severity] += fired
        namespaces[namespace] += fired
        firing, ended, lasting, unique = firing + fired, ended + over, lasting + took, unique + alerts
    return {
        "time_range": {"from": instant(since), "to": instant(until)},
        "total_alerts": firing + ended,
        "firing_alerts": firing,
        "resolved_alerts": ended,
        "alerts_by_status": {"firing": firing, "resolved": ended},
        "alerts_by_severity": dict(severities.most_common()),
        "alerts_by_namespace": dict(namespaces.most_common(_NAMESPACES)),
        "unique_fingerprints": unique,
        "avg_resolution_time": round(lasting / ended / 1000, 3) if ended else None,
        "trends": {
            "hourly": _points(hourly, 1),
            "daily": _points(hourly, _DAY),
            "weekly": _points(hourly, _WEEK),
        },
    }


def _points(hourly: Counter[int], width: int) -> list[dict[str, Any]]:
    """The counts in steps of `width` hours."""
    steps: Counter[int] = Counter()
    for hour, count in hourly.items():
        steps[hour // width * width] += count
    return [{"timestamp": instant(start * HOUR), "count": count} for start, count in sorted(steps.items())]
