"""What events say of the things they are about: plain values, ready to be JSON."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.clock import SECOND
from ampp.core.labels import fingerprint_hex, sha256_hex
from ampp.core.matcher import format_matchers
from ampp.core.record import Delivered, Flushed, GroupDropped
from ampp.core.route import Route, group_key
from ampp.core.silence import Silence
from ampp.core.timestamp import format_millis
from ampp.feed.event import Kind
from ampp.feed.standing import Counts, Standing

__all__ = ["alert", "counts", "delivery", "dropped", "flush", "silence"]

LABEL_BYTES: Final = 16 << 10
"""An event leaves labels out that take more than this: a listener that wants them asks for the alert."""


def alert(it: Alert, standing: Standing, receivers: Sequence[str]) -> dict[str, Any]:
    """An alert as it now is. `fingerprint` is the long one, `am_fingerprint` Alertmanager's."""
    labels = it.labels
    small = len(it.key) <= LABEL_BYTES
    shown: dict[str, Any] = {
        "fingerprint": sha256_hex(labels),
        "am_fingerprint": fingerprint_hex(fingerprint(it)),
        "alertname": labels.get("alertname", "")[:LABEL_BYTES],
        "severity": labels.get("severity", "")[:LABEL_BYTES],
        "status": "resolved" if standing.over else "firing",
        "state": standing.state,
        "starts_at": format_millis(it.starts),
        "ends_at": format_millis(it.ends),
        "receivers": receivers,
        "silenced_by": standing.silenced_by,
        "inhibited_by": None,
        "labels": labels if small else {},
        "labels_omitted": not small,
    }
    if standing.inhibited_by is not None:
        rule, source = standing.inhibited_by
        shown["inhibited_by"] = {"rule": rule, "fingerprint": source}
    return shown


def silence(it: Silence, wall: int) -> dict[str, Any]:
    """A silence as it stands at `wall`. `matchers`: one text a set."""
    return {
        "id": it.id,
        "status": it.state(wall),
        "creator": it.created_by,
        "comment": it.comment,
        "matchers": [format_matchers(matchers) for matchers in it.matcher_sets],
        "starts_at": format_millis(it.starts),
        "ends_at": format_millis(it.ends),
        "updated_at": format_millis(it.updated),
    }


def flush(record: Flushed) -> dict[str, Any]:
    """A group's turn in which something was decided that was not so the last time."""
    group = record.group
    reasons: dict[str, int] = {}
    for one in record.suppressed:
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    return {
        "group_key": group.group_key,
        "receiver": group.receiver,
        "group_labels": group.group_labels,
        "next_flush": format_millis(group.next),
        "suppressed": reasons,
        "decisions": [
            {
                "integration": one.integration,
                "integration_index": one.idx,
                "send": one.send,
                "reason": one.reason,
                "firing": one.firing,
                "resolved": one.resolved,
            }
            for one in record.decisions
        ],
    }


def dropped(record: GroupDropped, route: Route | None) -> dict[str, Any]:
    """A group that is gone because all its alerts are. `route`: the one it belonged to, if there still is one."""
    labels = msgspec.json.decode(record.labels, type=dict[str, str])
    return {
        "group_key": "" if route is None else group_key(route, labels),
        "receiver": "" if route is None else route.receiver,
        "group_labels": labels,
    }


def delivery(record: Delivered) -> tuple[Kind, dict[str, Any]]:
    """How a notification ended, and the word for it."""
    rest, _, index = record.key.rpartition("/")
    rest, _, integration = rest.rpartition("/")
    group, _, receiver = rest.rpartition("}:")
    told = {
        "group_key": f"{group}}}",
        "receiver": receiver,
        "integration": integration,
        "integration_index": int(index),
        "attempts": record.attempts,
        "duration": record.took / SECOND,
        "reason": record.reason,
        "error": record.error,
    }
    if record.ok:
        return Kind.NOTIFICATION_SENT, told
    quiet = record.reason in ("", "overtaken", "contextCanceled")
    return Kind.NOTIFICATION_CANCELED if quiet else Kind.NOTIFICATION_FAILED, told


def counts(of: Counts, silences: int) -> dict[str, Any]:
    """How many there are of what."""
    return {
        "firing_alerts": of.active + of.suppressed,
        "active_alerts": of.active,
        "suppressed_alerts": of.suppressed,
        "silenced_alerts": of.silenced,
        "inhibited_alerts": of.inhibited,
        "resolved_alerts": of.resolved,
        "active_silences": silences,
    }
