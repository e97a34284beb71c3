"""Counts over a span of time: which alerts fired most, which flap, and how much there was of what.

A span counts events by when they were recorded. All of it is read off one index that covers the question, one alert
after the other; names and labels are looked up only for what is shown.
"""

from typing import Any, Final

import apsw
import msgspec

from ampp.history.row import fingerprints_of, instant
from ampp.store.sqlite.history.rows import array, fetch

__all__ = ["EVERYTHING", "FLAPS", "Scope", "flapping", "stats", "top"]

_HOUR: Final = 3600 * 1000
_DAY: Final = 24 * _HOUR
_FLAPPING: Final = 50
_NAMESPACES: Final = 10

FLAPS: Final = 3
"""Changes between firing and resolved from which on an alert flaps."""


class Scope(msgspec.Struct, frozen=True):
    """Alerts with these labels only; empty for any."""

    namespace: str = ""
    severity: str = ""


EVERYTHING: Final = Scope()


def _within(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """The scope as a further condition on `alert`."""
    wanted = {column: value for column in ("namespace", "severity") if (value := getattr(scope, column))}
    if not wanted:
        return "", ()
    tests = " AND ".join(f"{column} = (SELECT id FROM text WHERE value = ?)" for column in wanted)
    return f" AND alert IN (SELECT id FROM alert WHERE {tests})", tuple(wanted.values())


_ABOUT: Final = """
SELECT a.id, a.labels, n.value, p.value FROM carray(?) AS w JOIN alert AS a ON a.id = w.value
JOIN text AS n ON n.id = a.name JOIN text AS p ON p.id = a.namespace
"""


def top(
    connection: apsw.Connection, since: int, until: int, limit: int, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """The alerts that began to fire most often, those that did so last first among equals."""
    within, bindings = _within(scope)
    rows = fetch(
        connection,
        "SELECT alert, count(*), max(at) FROM event INDEXED BY event_at WHERE at BETWEEN ? AND ? AND kind = 0"
        f"{within} GROUP BY alert ORDER BY count(*) DESC, max(at) DESC LIMIT ?",
        (since, until, *bindings, limit),
    )
    about = _about(connection, [row[0] for row in rows])
    lasting: dict[Any, Any] = dict(
        fetch(
            connection,
            "SELECT e.alert, avg(e.ends - e.starts) FROM carray(?) AS w CROSS JOIN event AS e INDEXED BY event_alert "
            "ON e.alert = w.value WHERE e.resolved = 1 AND e.at BETWEEN ? AND ? GROUP BY e.alert",
            (array([row[0] for row in rows]), since, until),
        )
    )
    return [
        {
            **about[alert],
            "fire_count": count,
            "last_fired_at": instant(last),
            "avg_duration": None if lasting.get(alert) is None else round(lasting[alert] / 1000, 3),
        }
        for alert, count, last in rows
        if alert in about
    ]


def flapping(
    connection: apsw.Connection, since: int, until: int, threshold: int, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """The alerts that went from firing to resolved and back most often per hour of the span; at most 50."""
    within, bindings = _within(scope)
    rows = fetch(
        connection,
        "SELECT alert, sum(turned), max(at) FROM event INDEXED BY event_at WHERE at BETWEEN ? AND ? AND turned = 1"
        f"{within} GROUP BY alert HAVING sum(turned) >= ? ORDER BY sum(turned) DESC, max(at) DESC LIMIT ?",
        (since, until, *bindings, threshold, _FLAPPING),
    )
    hours = max(1.0, (until - since) / _HOUR)
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


def stats(
    connection: apsw.Connection, since: int, until: int, *, trends: bool = True, scope: Scope = EVERYTHING
) -> dict[str, Any]:
    """How many alerts there were, of which kinds, and how long they took to end. Plain counts per hour, day and week
    beside them, of events that began an alert."""
    span = since, until
    within, bindings = _within(scope)
    ((firing, resolved, unique),) = fetch(
        connection,
        "SELECT count(*) FILTER (WHERE kind = 0), count(*) FILTER (WHERE kind >= 3), count(DISTINCT alert) "
        f"FROM event INDEXED BY event_at WHERE at BETWEEN ? AND ?{within}",
        (*span, *bindings),
    )
    ((lasting,),) = fetch(
        connection,
        "SELECT avg(ends - starts) FROM event INDEXED BY event_ends "
        f"WHERE ends IS NOT NULL AND ends BETWEEN ? AND ?{within}",
        (*span, *bindings),
    )
    result: dict[str, Any] = {
        "time_range": {"from": instant(since), "to": instant(until)},
        "total_alerts": firing + resolved,
        "firing_alerts": firing,
        "resolved_alerts": resolved,
        "alerts_by_status": {"firing": firing, "resolved": resolved},
        "alerts_by_severity": dict(_by(connection, "severity", span, -1, scope)),
        "alerts_by_namespace": dict(_by(connection, "namespace", span, _NAMESPACES, scope)),
        "unique_fingerprints": unique,
        "avg_resolution_time": None if lasting is None else round(lasting / 1000, 3),
    }
    if trends:
        result["trends"] = {
            "hourly": _counts(connection, span, _HOUR, scope),
            "daily": _counts(connection, span, _DAY, scope),
            "weekly": _counts(connection, span, 7 * _DAY, scope),
        }
    return result


def _by(
    connection: apsw.Connection, column: str, span: tuple[int, int], limit: int, scope: Scope
) -> list[tuple[Any, ...]]:
    """Alerts that began to fire, by a label; those without it under the empty text."""
    within, bindings = _within(scope)
    return fetch(
        connection,
        "SELECT t.value, sum(c.n) AS many FROM (SELECT alert, count(*) AS n FROM event INDEXED BY event_at "
        f"WHERE at BETWEEN ? AND ? AND kind = 0{within} GROUP BY alert) AS c JOIN alert AS a ON a.id = c.alert "
        f"JOIN text AS t ON t.id = a.{column} GROUP BY a.{column} ORDER BY many DESC, t.value LIMIT ?",
        (*span, *bindings, limit),
    )


def _counts(connection: apsw.Connection, span: tuple[int, int], width: int, scope: Scope) -> list[dict[str, Any]]:
    within, bindings = _within(scope)
    rows = fetch(
        connection,
        "SELECT at / ? * ?, count(*) FROM event INDEXED BY event_at "
        f"WHERE at BETWEEN ? AND ? AND kind = 0{within} GROUP BY 1",
        (width, width, *span, *bindings),
    )
    return [{"timestamp": instant(start), "count": count} for start, count in rows]
