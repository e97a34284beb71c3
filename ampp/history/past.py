"""What `history.db` knows about one alert at one moment: the facts of an explanation."""

from typing import Any, Final

import apsw
import msgspec

from ampp.core.clock import MILLISECOND
from ampp.core.record import Suppressed
from ampp.core.silence import Silence
from ampp.history import notification, row
from ampp.history.clause import alerts_of
from ampp.history.page import Page
from ampp.store.sqlite.history.schema import KINDS, STATUSES
from ampp.store.sqlite.rows import array, fetch

__all__ = ["Configuration", "Past", "configuration", "decisions", "labels_of", "look", "silences"]

_EVENTS: Final = 50
_DECISIONS: Final = 50
_STAYS: Final = 100

_labels: Final = msgspec.json.Decoder(dict[str, str]).decode
_silence: Final = msgspec.json.Decoder(Silence, strict=False).decode
_cause: Final = msgspec.json.Decoder(list[str]).decode


class Configuration(msgspec.Struct, frozen=True):
    """A configuration that took effect: when (wall ns), its hash and its text without secrets."""

    at: int
    hash: int
    text: str


class Past(msgspec.Struct, frozen=True):
    """One alert. Times in wall ns; `ends` None while it fires. `events`: the last ones, oldest first, as the API shows
    them. `suppressed`: what the turns of its groups found to keep it out, if that still held at the moment."""

    labels: dict[str, str]
    resolved: bool
    expired: bool
    starts: int
    ends: int | None
    changed: int
    suppressed: Suppressed | None
    events: tuple[dict[str, Any], ...]


def labels_of(connection: apsw.Connection, fingerprint: str) -> dict[str, str] | None:
    """The labels of the alert with this fingerprint, 16 or 64 hexadecimal digits."""
    ids = alerts_of(connection, fingerprint)
    rows = fetch(connection, "SELECT labels FROM alert WHERE id IN (SELECT value FROM carray(?))", (array(ids),))
    return _labels(rows[0][0]) if rows else None


def look(connection: apsw.Connection, fingerprint: str, wall: int) -> Past | None:
    """The alert as it stood at `wall`, None when nothing was known of it then."""
    ids = alerts_of(connection, fingerprint)
    if not ids:
        return None
    rows = fetch(
        connection,
        "SELECT id, at, kind, resolved, starts, ends FROM event WHERE alert = ? AND at <= ? ORDER BY id DESC LIMIT ?",
        (ids[0], wall // MILLISECOND, _EVENTS),
    )
    if not rows:
        return None
    _, changed, kind, resolved, starts, ends = rows[0]
    shown = row.events(connection, [identity for identity, *_ in reversed(rows)])
    return Past(
        labels=_labels(bytes(shown[0]["labels"])),
        resolved=bool(resolved),
        expired=KINDS[kind].value == "expired",
        starts=starts * MILLISECOND,
        ends=None if ends is None else ends * MILLISECOND,
        changed=changed * MILLISECOND,
        suppressed=_suppressed(shown),
        events=tuple(shown),
    )


def _suppressed(events: list[dict[str, Any]]) -> Suppressed | None:
    """What the last event leaves in force."""
    for event in reversed(events):
        if event["event"] == "suppressed":
            by = event["suppressed_by"]
            return Suppressed(b"", by["reason"], tuple(by["by"]))
        if event["event"] != "firing":
            return None
    return None


def decisions(
    connection: apsw.Connection, route: str, labels: bytes, alert: str, wall: int
) -> tuple[dict[str, Any], ...]:
    """What was decided for a group while it held the alert, up to `wall`, newest first, as the API shows it. What was
    not known at `wall` is left out."""
    moment = wall // MILLISECOND
    groups = fetch(connection, "SELECT id FROM grp WHERE route = ? AND labels = ?", (route, labels.decode()))
    if not groups:
        return ()
    group = groups[0][0]
    stays = fetch(
        connection,
        "SELECT since, until FROM member WHERE alert IN (SELECT value FROM carray(?)) AND grp = ? AND since <= ? "
        "ORDER BY since DESC LIMIT ?",
        (array(alerts_of(connection, alert)), group, moment, _STAYS),
    )
    if not stays:
        return ()
    where = " OR ".join(["at BETWEEN ? AND ?"] * len(stays))
    bounds = [bound for since, until in stays for bound in (since, min(moment, moment if until is None else until))]
    ids = [
        identity
        for (identity,) in fetch(
            connection,
            f"SELECT id FROM notification INDEXED BY notification_grp WHERE grp = ? AND ({where}) "
            "ORDER BY at DESC, id DESC LIMIT ?",
            (group, *bounds, _DECISIONS),
        )
    ]
    shown = notification.show(connection, Page(tuple(ids), 0, True, False, False, ""))
    return tuple(_as_known(one, wall) for one in shown)


def _as_known(decision: dict[str, Any], wall: int) -> dict[str, Any]:
    ended = decision["ended_at"]
    if ended is None or ended <= row.instant(wall // MILLISECOND):
        return decision
    unknown: dict[str, Any] = {
        "ended_at": None,
        "duration": None,
        "failure": None,
        "error": None,
        "attempts": 0,
        "tries": [],
    }
    return {**decision, **unknown, "status": STATUSES[1].value}


def configuration(connection: apsw.Connection, wall: int) -> Configuration | None:
    """The configuration in force at `wall`."""
    rows = fetch(
        connection,
        "SELECT c.at, c.hash, coalesce(c.text, b.text) FROM config c LEFT JOIN config b ON b.id = c.same "
        "WHERE c.at <= ? ORDER BY c.id DESC LIMIT 1",
        (wall // MILLISECOND,),
    )
    return Configuration(rows[0][0] * MILLISECOND, rows[0][1], rows[0][2]) if rows and rows[0][2] else None


def silences(connection: apsw.Connection, wall: int) -> tuple[Silence, ...]:
    """All silences as they stood at `wall`."""
    rows = fetch(
        connection,
        "SELECT body FROM silence s WHERE at <= ?1 AND body IS NOT NULL AND seq = "
        "(SELECT max(seq) FROM silence l WHERE l.id = s.id AND l.at <= ?1) ORDER BY seq",
        (wall // MILLISECOND,),
    )
    return tuple(_silence(body) for (body,) in rows)
