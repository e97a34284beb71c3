"""Decisions to notify, looked up: who was to be told what, why, and what came of it."""

from typing import Any, Final

import apsw
import msgspec

from ampp.core.reason import NotificationStatus
from ampp.history.clause import alerts_of, text_id
from ampp.history.error import FieldError
from ampp.history.filter import Parameters, window
from ampp.history.page import COUNTED, Page, Paging, encode_cursor, read_cursor
from ampp.history.row import instant
from ampp.store.sqlite.history.schema import STATUSES
from ampp.store.sqlite.rows import array, fetch

__all__ = ["NotificationFilter", "find", "parse", "show"]

_SHORT: Final = 255
_LONG: Final = 4_096
_MANY: Final = 20
_STAYS: Final = 1_000
"""Stays of an alert in groups that are looked at."""

_KNOWN: Final = tuple(status.value for status in NotificationStatus)


class NotificationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; times in wall milliseconds. `alert` is a fingerprint, `group` a group key."""

    receiver: tuple[str, ...] = ()
    integration: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    group: str = ""
    alert: str = ""
    since: int | None = None
    until: int | None = None


def parse(parameters: Parameters) -> NotificationFilter:
    """Read the filters among the parameters. Raises FieldError."""
    several = {}
    for name in ("receiver", "integration", "status", "reason"):
        values = tuple(value for value in parameters.get(name, ()) if value)
        for value in values:
            if len(value) > _SHORT:
                raise FieldError(name, f"must have at most {_SHORT} characters")
        if len(values) > _MANY:
            raise FieldError(name, f"must have at most {_MANY} values")
        several[name] = values
    for status in several["status"]:
        if status not in _KNOWN:
            raise FieldError("status", f"must be one of {', '.join(_KNOWN)}", status)
    single = {}
    for name in ("group", "alert"):
        values = tuple(parameters.get(name, ())) or ("",)
        if len(values[-1]) > _LONG:
            raise FieldError(name, f"must have at most {_LONG} characters")
        single[name] = values[-1]
    alert = single["alert"].lower()
    if alert and (len(alert) not in (16, 64) or set(alert) - set("0123456789abcdef")):
        raise FieldError("alert", "must be 16 or 64 hexadecimal digits", alert)
    since, until = window(parameters)
    return NotificationFilter(**several, group=single["group"], alert=alert, since=since, until=until)


def find(connection: apsw.Connection, asked: NotificationFilter, paging: Paging) -> Page:
    """The page, newest first unless asked otherwise. Raises FieldError for a cursor that makes no sense."""
    after = read_cursor(paging)
    parts, bindings, index = [], [], "notification_at"
    for column in ("status", "reason", "integration", "receiver"):
        wanted = getattr(asked, column)
        if not wanted:
            continue
        if column == "status":
            ids = [place for place, status in enumerate(STATUSES) if status.value in wanted]
        else:
            ids = [identity for value in wanted if (identity := text_id(connection, value)) is not None]
        if not ids:
            return Page((), 0, True, False, False, "")
        parts.append(f"{column} IN (SELECT value FROM carray(?))" if len(ids) > 1 else f"{column} = ?")
        bindings.append(array(ids) if len(ids) > 1 else ids[0])
        if len(ids) == 1 and column in ("status", "receiver"):
            index = f"notification_{column}"
    if asked.group:
        ids = [identity for (identity,) in fetch(connection, "SELECT id FROM grp WHERE key = ?", (asked.group,))]
        if not ids:
            return Page((), 0, True, False, False, "")
        parts.append("grp IN (SELECT value FROM carray(?))" if len(ids) > 1 else "grp = ?")
        bindings.append(array(ids) if len(ids) > 1 else ids[0])
        index = "notification_grp"
    if asked.alert:
        stays = _stays(connection, asked.alert)
        if not stays:
            return Page((), 0, True, False, False, "")
        parts.append(f"({' OR '.join(['grp = ? AND at BETWEEN ? AND ?'] * len(stays))})")
        bindings += [value for stay in stays for value in stay]
        index = ""
    for mark, bound in ((">=", asked.since), ("<=", asked.until)):
        if bound is not None:
            parts.append(f"at {mark} ?")
            bindings.append(bound)
    where = " AND ".join(parts) or "true"
    source = f"notification INDEXED BY {index}" if index else "notification"
    counted = fetch(
        connection, f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT ?)", (*bindings, COUNTED + 1)
    )[0][0]
    mark, direction = ("<", "DESC") if paging.descending else (">", "ASC")
    if after is not None:
        where = f"{where} AND (at, id) {mark} (?, ?)"
        bindings += after
    skip = 0 if after is not None else paging.offset
    rows = fetch(
        connection,
        f"SELECT at, id FROM {source} WHERE {where} ORDER BY at {direction}, id {direction} LIMIT ? OFFSET ?",
        (*bindings, paging.per_page + 1, skip),
    )
    more = len(rows) > paging.per_page
    some = rows[: paging.per_page]
    return Page(
        tuple(identity for _, identity in some),
        min(counted, COUNTED),
        counted <= COUNTED,
        more,
        False,
        encode_cursor(paging, *some[-1]) if more else "",
    )


def _stays(connection: apsw.Connection, fingerprint: str) -> list[tuple[int, int, int]]:
    """The groups that the alert was in, and from when to when."""
    return [
        (grp, since, until if until is not None else (1 << 62))
        for grp, since, until in fetch(
            connection,
            "SELECT grp, since, until FROM member WHERE alert IN (SELECT value FROM carray(?)) "
            "ORDER BY since DESC LIMIT ?",
            (array(alerts_of(connection, fingerprint)), _STAYS),
        )
    ]


_ROWS: Final = """
SELECT n.id, n.at, n.status, n.idx, n.firing, n.resolved, n.muted, n.due, n.ended, n.attempts, n.took, n.error,
    r.value, i.value, w.value, d.value, f.value, k.key, k.labels
FROM carray(?) AS c CROSS JOIN notification AS n ON n.id = c.value JOIN text AS r ON r.id = n.receiver
JOIN text AS i ON i.id = n.integration JOIN text AS w ON w.id = n.reason JOIN text AS d ON d.id = n.destination
JOIN grp AS k ON k.id = n.grp LEFT JOIN text AS f ON f.id = n.failure
"""


def show(connection: apsw.Connection, page: Page) -> list[dict[str, Any]]:
    """The decisions of a page, in its order. `duration` in seconds."""
    if not page.ids:
        return []
    ids = array(page.ids)
    attempts: dict[int, list[dict[str, Any]]] = {}
    for notification, number, at, took, error in fetch(
        connection,
        "SELECT a.notification, a.number, a.at, a.took, a.error FROM carray(?) AS c JOIN attempt AS a "
        "ON a.notification = c.value ORDER BY a.notification, a.number",
        (ids,),
    ):
        attempts.setdefault(notification, []).append(
            {"number": number, "at": instant(at), "duration": took / 1e6, "error": error or None}
        )
    found = {}
    for row in fetch(connection, _ROWS, (ids,)):
        found[row[0]] = _shown(row, attempts.get(row[0], []))
    return [found[identity] for identity in page.ids if identity in found]


def _shown(row: Any, attempts: list[dict[str, Any]]) -> dict[str, Any]:
    identity, at, status, idx, firing, resolved, muted, due, ended, count, took, error = row[:12]
    receiver, integration, reason, destination, failure, key, labels = row[12:]
    return {
        "id": identity,
        "at": instant(at),
        "receiver": receiver,
        "integration": integration,
        "integration_index": idx,
        "group_key": key,
        "group_labels": msgspec.Raw(labels.encode()),
        "sent": STATUSES[status] is not NotificationStatus.NOT_SENT,
        "status": STATUSES[status].value,
        "reason": reason,
        "firing": firing,
        "resolved": resolved,
        "suppressed": muted,
        "destination": destination,
        "next_flush": instant(due),
        "ended_at": None if ended is None else instant(ended),
        "attempts": count or 0,
        "duration": None if took is None else took / 1e6,
        "failure": failure,
        "error": error,
        "tries": attempts,
    }
