"""The tables of `history.db`.

Everything here can be built again from the raw journal as far as that reaches back. Times are wall milliseconds.

    text          a word that occurs again and again: alert names, severities, receivers, reasons, …; 1 is the empty one
    pair          a label with its value; `name` a text; numbers below 2^31; `many`: more than `MANY` label sets have
                  had it, so that `often` knows it, unless events have a column for the label (`OWN`)
    series        a label set, once: its pairs in order of their names, a JSON array; its fingerprints (64 bits each,
                  signed; null until the historian has nothing more urgent to do), and three labels as texts
    alert         the same, as a view: with the labels as a JSON object
    label         which label sets have a pair
    often         when label sets with a pair that many have began to fire, so that the latest of them are found without
                  looking at each: `start` and `holder` are `starts` and `alert` of their events
    note          the annotations of an alert from event `since` on: a JSON object by the numbers of their names, whose
                  values are texts, or the numbers of phrases
    phrase        an annotation that occurs again and again
    detail        the same as `note`, as a view: with the annotations as a JSON object
    rule          which alert names a generator URL has come with
    event         a change of an alert's state: see below
    tally         events of an alert within an hour (of Unix time) by number: those that began it, ended it, turned it;
                  how long the ended ones lasted in all, and when it last began and turned
    state         where each alert stands after its last event
    grp           an aggregation group; `key` as templates and the notification log know it
    member        an alert's stay in a group, seen at the group's turns; `until` is null while it lasts,
                  `cause` what keeps the alert out
    notification  what one integration was to be told, why, and what came of it
    attempt       the attempts at a notification that took several
    dropped       a group's end
    silence       silences as they stood from a moment on; `body` JSON, null when removed
    config        configurations that took effect; `text` null when the same as that of `same`
    run           starts of the daemon
    gap           records that were swept from the journal before they were unfolded

`event.kind` and `notification.status` are places in `KINDS` and `STATUSES`. `event.at` is when it was recorded, `ends`
is null while the alert fires. `turned`: the alert went from firing to resolved or back, so that flapping is a sum.
`event.name`, `severity` and `namespace` repeat the alert's for the sake of the indexes.

`ANALYZE` must not be run here: with statistics SQLite skip-scans the indexes that begin with few values.
"""

from typing import Final

from ampp.core.reason import EventKind, NotificationStatus
from ampp.store.sqlite.database import Migration

__all__ = ["HISTORY", "KINDS", "MANY", "OWN", "STATUSES"]

KINDS: Final = (
    EventKind.FIRING,
    EventKind.SUPPRESSED,
    EventKind.UNSUPPRESSED,
    EventKind.RESOLVED,
    EventKind.EXPIRED,
)
"""Only ever appended to."""

STATUSES: Final = (
    NotificationStatus.NOT_SENT,
    NotificationStatus.PENDING,
    NotificationStatus.DELIVERED,
    NotificationStatus.FAILED,
    NotificationStatus.CANCELED,
    NotificationStatus.OVERTAKEN,
)
"""Only ever appended to."""

MANY: Final = 500
"""Label sets with one pair that are looked at one by one."""

OWN: Final = {"alertname": "name", "severity": "severity", "namespace": "namespace"}
"""The labels that events have a column for."""

_UP: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE text (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO text VALUES (1, '');
CREATE TABLE pair (name INTEGER NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (name, value)) STRICT, WITHOUT ROWID;
CREATE TABLE alert (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, fingerprint INTEGER, sha INTEGER,
    name INTEGER NOT NULL, severity INTEGER NOT NULL, namespace INTEGER NOT NULL, labels TEXT NOT NULL) STRICT;
CREATE INDEX alert_hash ON alert (hash);
CREATE INDEX alert_fingerprint ON alert (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX alert_sha ON alert (sha) WHERE sha IS NOT NULL;
CREATE INDEX alert_nameless ON alert (id) WHERE fingerprint IS NULL;
CREATE TABLE label (pair INTEGER NOT NULL, alert INTEGER NOT NULL, PRIMARY KEY (pair, alert)) STRICT, WITHOUT ROWID;
CREATE TABLE detail (alert INTEGER NOT NULL, since INTEGER NOT NULL, annotations TEXT NOT NULL,
    PRIMARY KEY (alert, since)) STRICT, WITHOUT ROWID;
CREATE TABLE rule (generator INTEGER NOT NULL, name INTEGER NOT NULL,
    PRIMARY KEY (generator, name)) STRICT, WITHOUT ROWID;
CREATE TABLE event (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, alert INTEGER NOT NULL, kind INTEGER NOT NULL,
    turned INTEGER NOT NULL, resolved INTEGER NOT NULL, starts INTEGER NOT NULL, ends INTEGER, name INTEGER NOT NULL,
    severity INTEGER NOT NULL, namespace INTEGER NOT NULL, generator INTEGER NOT NULL, grp INTEGER, cause INTEGER
    ) STRICT;
CREATE INDEX event_starts ON event (starts);
CREATE INDEX event_alert ON event (alert, starts);
CREATE INDEX event_name ON event (name, starts);
CREATE INDEX event_severity ON event (severity, starts);
CREATE INDEX event_namespace ON event (namespace, starts);
CREATE INDEX event_resolved ON event (resolved, starts);
CREATE INDEX event_ends ON event (ends) WHERE ends IS NOT NULL;
CREATE INDEX event_at ON event (at);
CREATE TABLE tally (hour INTEGER NOT NULL, alert INTEGER NOT NULL, fired INTEGER NOT NULL, ended INTEGER NOT NULL,
    turned INTEGER NOT NULL, lasting INTEGER NOT NULL, last_fired INTEGER, last_turned INTEGER,
    PRIMARY KEY (hour, alert)) STRICT, WITHOUT ROWID;
CREATE TABLE state (alert INTEGER PRIMARY KEY, resolved INTEGER NOT NULL, at INTEGER NOT NULL, starts INTEGER NOT NULL,
    ends INTEGER, event INTEGER NOT NULL, cause INTEGER) STRICT;
CREATE INDEX state_firing ON state (alert) WHERE resolved = 0;
CREATE TABLE grp (id INTEGER PRIMARY KEY, route TEXT NOT NULL, labels TEXT NOT NULL, receiver INTEGER NOT NULL,
    key TEXT NOT NULL, UNIQUE (route, labels)) STRICT;
CREATE INDEX grp_key ON grp (key);
CREATE TABLE member (alert INTEGER NOT NULL, grp INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, cause INTEGER,
    PRIMARY KEY (alert, grp, since)) STRICT, WITHOUT ROWID;
CREATE INDEX member_grp ON member (grp, until);
CREATE TABLE notification (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, flush INTEGER NOT NULL, grp INTEGER NOT NULL,
    receiver INTEGER NOT NULL, integration INTEGER NOT NULL, idx INTEGER NOT NULL, status INTEGER NOT NULL,
    reason INTEGER NOT NULL, firing INTEGER NOT NULL, resolved INTEGER NOT NULL, muted INTEGER NOT NULL,
    due INTEGER NOT NULL, destination INTEGER NOT NULL, ended INTEGER, attempts INTEGER, took INTEGER, failure INTEGER,
    error TEXT) STRICT;
CREATE INDEX notification_at ON notification (at);
CREATE INDEX notification_grp ON notification (grp, at);
CREATE INDEX notification_receiver ON notification (receiver, at);
CREATE INDEX notification_status ON notification (status, at);
CREATE INDEX notification_pending ON notification (flush) WHERE status = 1;
CREATE TABLE attempt (notification INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
    took INTEGER NOT NULL, error TEXT NOT NULL, PRIMARY KEY (notification, number)) STRICT, WITHOUT ROWID;
CREATE TABLE dropped (grp INTEGER NOT NULL, at INTEGER NOT NULL, cause INTEGER NOT NULL,
    PRIMARY KEY (grp, at)) STRICT, WITHOUT ROWID;
CREATE TABLE silence (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL, body TEXT) STRICT;
CREATE INDEX silence_id ON silence (id, seq);
CREATE TABLE config (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, hash INTEGER NOT NULL, kept_timers INTEGER NOT NULL,
    same INTEGER, text TEXT, destinations TEXT NOT NULL) STRICT;
CREATE TABLE run (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, version TEXT NOT NULL, resumed INTEGER NOT NULL) STRICT;
CREATE TABLE gap (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
"""

_NUMBERED: Final = f"""
CREATE TABLE former (id INTEGER PRIMARY KEY, name INTEGER NOT NULL, value TEXT NOT NULL, many INTEGER NOT NULL,
    UNIQUE (name, value)) STRICT;
INSERT INTO former SELECT id, name, value, id IN (SELECT pair FROM label GROUP BY pair HAVING count(*) > {MANY})
    AND name NOT IN (SELECT id FROM text WHERE value IN ('alertname', 'severity', 'namespace')) FROM pair;
DROP TABLE pair;
ALTER TABLE former RENAME TO pair;
CREATE INDEX pair_many ON pair (id) WHERE many = 1;
CREATE TABLE series (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, fingerprint INTEGER, sha INTEGER,
    name INTEGER NOT NULL, severity INTEGER NOT NULL, namespace INTEGER NOT NULL, pairs TEXT NOT NULL) STRICT;
INSERT INTO series SELECT id, hash, fingerprint, sha, name, severity, namespace,
    (SELECT json_group_array(p.id) FROM json_each(a.labels) AS j CROSS JOIN text AS t ON t.value = j.key
        CROSS JOIN pair AS p ON p.name = t.id AND p.value = j.value) FROM alert AS a;
DROP TABLE alert;
CREATE INDEX series_hash ON series (hash);
CREATE INDEX series_fingerprint ON series (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX series_sha ON series (sha) WHERE sha IS NOT NULL;
CREATE INDEX series_nameless ON series (id) WHERE fingerprint IS NULL;
CREATE VIEW alert AS SELECT id, hash, fingerprint, sha, name, severity, namespace,
    (SELECT '{{' || coalesce(group_concat(json_quote(t.value) || ':' || json_quote(p.value), ','), '') || '}}'
        FROM json_each(s.pairs) AS j CROSS JOIN pair AS p ON p.id = j.value
        CROSS JOIN text AS t ON t.id = p.name) AS labels FROM series AS s;
CREATE TABLE often (pair INTEGER NOT NULL, start INTEGER NOT NULL, holder INTEGER NOT NULL,
    PRIMARY KEY (pair, start, holder)) STRICT, WITHOUT ROWID;
INSERT INTO often SELECT DISTINCT l.pair, e.starts, e.alert FROM pair AS p CROSS JOIN label AS l ON l.pair = p.id
    CROSS JOIN event AS e INDEXED BY event_alert ON e.alert = l.alert WHERE p.many = 1;
INSERT OR IGNORE INTO often SELECT l.pair, s.starts, s.alert FROM pair AS p CROSS JOIN label AS l ON l.pair = p.id
    CROSS JOIN state AS s ON s.alert = l.alert WHERE p.many = 1;
CREATE TABLE phrase (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE note (alert INTEGER NOT NULL, since INTEGER NOT NULL, texts TEXT NOT NULL,
    PRIMARY KEY (alert, since)) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO text (value) SELECT DISTINCT j.key FROM detail AS d, json_each(d.annotations) AS j;
INSERT INTO note SELECT alert, since, (SELECT json_group_object(CAST(t.id AS TEXT), j.value)
    FROM json_each(d.annotations) AS j CROSS JOIN text AS t ON t.value = j.key) FROM detail AS d;
DROP TABLE detail;
CREATE VIEW detail AS SELECT alert, since, (SELECT '{{' || coalesce(group_concat(json_quote(t.value) || ':' ||
        json_quote(iif(j.type = 'integer', (SELECT value FROM phrase WHERE id = j.value), j.value)), ','), '') || '}}'
    FROM json_each(n.texts) AS j CROSS JOIN text AS t ON t.id = CAST(j.key AS INTEGER)) AS annotations FROM note AS n;
"""

_SPELT: Final = """
DROP TABLE often;
CREATE TABLE former (alert INTEGER NOT NULL, since INTEGER NOT NULL, annotations TEXT NOT NULL,
    PRIMARY KEY (alert, since)) STRICT, WITHOUT ROWID;
INSERT INTO former SELECT alert, since, annotations FROM detail;
DROP VIEW detail;
DROP TABLE note;
DROP TABLE phrase;
ALTER TABLE former RENAME TO detail;
CREATE TABLE former (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, fingerprint INTEGER, sha INTEGER,
    name INTEGER NOT NULL, severity INTEGER NOT NULL, namespace INTEGER NOT NULL, labels TEXT NOT NULL) STRICT;
INSERT INTO former SELECT id, hash, fingerprint, sha, name, severity, namespace, labels FROM alert;
DROP VIEW alert;
DROP TABLE series;
ALTER TABLE former RENAME TO alert;
CREATE INDEX alert_hash ON alert (hash);
CREATE INDEX alert_fingerprint ON alert (fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX alert_sha ON alert (sha) WHERE sha IS NOT NULL;
CREATE INDEX alert_nameless ON alert (id) WHERE fingerprint IS NULL;
CREATE TABLE former (name INTEGER NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (name, value)) STRICT, WITHOUT ROWID;
INSERT INTO former SELECT name, value, id FROM pair;
DROP TABLE pair;
ALTER TABLE former RENAME TO pair;
"""

HISTORY: Final = (Migration(_UP, ""), Migration(_NUMBERED, _SPELT))
