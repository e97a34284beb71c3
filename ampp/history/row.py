"""Rows of the history as the API shows them. Instants are RFC 3339 in UTC with milliseconds."""

from collections.abc import Sequence
from typing import Any, Final

import apsw
import msgspec

from ampp.core import labels as labelling
from ampp.core.clock import MILLISECOND
from ampp.core.timestamp import format_millis
from ampp.store.sqlite.history.names import unsigned
from ampp.store.sqlite.history.schema import KINDS
from ampp.store.sqlite.rows import array, rows_of

__all__ = ["cause_of", "events", "fingerprints_of", "instant"]

_EVENTS: Final = """
SELECT json_group_array(json_array(e.id, e.at, e.kind, e.resolved, e.starts, e.ends, a.labels, a.fingerprint,
    (SELECT d.annotations FROM detail d WHERE d.alert = e.alert AND d.since <= e.id ORDER BY d.since DESC LIMIT 1),
    n.value, s.value, p.value, g.value, c.value, k.key))
FROM carray(?) AS w CROSS JOIN event AS e ON e.id = w.value JOIN alert AS a ON a.id = e.alert
JOIN text AS n ON n.id = e.name JOIN text AS s ON s.id = e.severity JOIN text AS p ON p.id = e.namespace
JOIN text AS g ON g.id = e.generator LEFT JOIN text AS c ON c.id = e.cause LEFT JOIN grp AS k ON k.id = e.grp
"""

_labels: Final = msgspec.json.Decoder(dict[str, str]).decode
_cause: Final = msgspec.json.Decoder(list[str]).decode


def instant(millis: int) -> str:
    """Wall milliseconds as text."""
    return format_millis(millis * MILLISECOND)


def fingerprints_of(labels: str, stored: int | None = None) -> tuple[str, str]:
    """The long fingerprint and Alertmanager's, from a label set's JSON. `stored`: the latter as the history has it,
    None while it has none."""
    decoded = _labels(labels)
    short = labelling.fingerprint(decoded) if stored is None else unsigned(stored)
    return labelling.sha256_hex(decoded), labelling.fingerprint_hex(short)


def cause_of(text: str) -> dict[str, Any]:
    """Why an alert is, or was, suppressed: the reason, and the silences, rule and source, or intervals."""
    reason, *by = _cause(text)
    return {"reason": reason, "by": by}


def events(connection: apsw.Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """The events with these numbers, in that order."""
    if not ids:
        return []
    known: dict[str, tuple[str, str]] = {}
    found = {row[0]: _event(row, known) for row in rows_of(connection, _EVENTS, (array(ids),))}
    return [found[identity] for identity in ids if identity in found]


def _event(row: Any, known: dict[str, tuple[str, str]]) -> dict[str, Any]:
    identity, at, kind, resolved, starts, ends, labels, fingerprint, annotations = row[:9]
    name, severity, namespace, generator, cause, group = row[9:]
    both = known.get(labels)
    if both is None:
        both = known[labels] = fingerprints_of(labels, fingerprint)
    recorded = instant(at)
    shown: dict[str, Any] = {
        "id": identity,
        "event": KINDS[kind].value,
        "fingerprint": both[0],
        "am_fingerprint": both[1],
        "status": "resolved" if resolved else "firing",
        "alert_name": name,
        "severity": severity,
        "namespace": namespace,
        "labels": msgspec.Raw(labels.encode()),
        "annotations": msgspec.Raw((annotations or "{}").encode()),
        "starts_at": instant(starts),
        "ends_at": None if ends is None else instant(ends),
        "generator_url": generator,
        "created_at": recorded,
        "updated_at": recorded,
    }
    if cause is not None:
        shown["suppressed_by"] = cause_of(cause)
    if group is not None:
        shown["group_key"] = group
    return shown
