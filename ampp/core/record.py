"""The journal's words: every input and every decision as one value, written in the order in which it happened.

Records are what survives. The store appends them to the raw journal and, in the same transaction, keeps its tables of
current state (alerts, group timers, notification log, outbox) in step; a restart reads the tables, later work replays
the records. All times are wall nanoseconds. Struct tags and field order are the storage format: fields are only ever
appended, with defaults, and a tag is never given a new meaning.
"""

from typing import Literal, TypeAlias

import msgspec

from ampp.core.labels import format_set
from ampp.core.silence import Silence

__all__ = [
    "AlertRow",
    "Collected",
    "ConfigLoaded",
    "Decision",
    "Delivered",
    "Flushed",
    "GroupDropped",
    "GroupRow",
    "Lapse",
    "LogEntry",
    "LogPruned",
    "OutboxRow",
    "Posted",
    "Record",
    "SilencePut",
    "SilencesPruned",
    "Started",
    "Stopped",
    "Suppressed",
    "Try",
]


class AlertRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An alert after merge, as `ampp.core.alert.Alert` holds it, and the range its sender posted (after defaults)."""

    key: bytes
    annotations: dict[str, str]
    starts: int
    ends: int
    updated: int
    generator_url: str
    timeout: bool
    starts_off: int
    ends_off: int
    posted_starts: int
    posted_ends: int


class GroupRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A group's timer. `route` is the route id, `labels` the group labels' key; `next` the wall time of the next flush.

    `flushed`: whether the group has flushed since it was created.
    """

    route: str
    labels: bytes
    receiver: str
    created: int
    next: int
    flushed: bool

    @property
    def group_labels(self) -> dict[str, str]:
        return msgspec.json.decode(self.labels, type=dict[str, str])

    @property
    def group_key(self) -> str:
        """The group's key as templates and the notification log know it, from the identity of its route."""
        return f"{self.route.rpartition(f' {self.receiver}')[0]}:{format_set(self.group_labels)}"


class LogEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One notification-log entry, as upstream's nflog keeps it: hashes are xxHash64 of the label sets.

    `group_key` is the text of core reference 3.3; `data` is what an integration wants back next time.
    """

    group_key: str
    receiver: str
    integration: str
    idx: int
    timestamp: int
    firing: tuple[int, ...]
    resolved: tuple[int, ...]
    expires: int
    data: dict[str, str | int | float] = {}

    @property
    def key(self) -> str:
        return f"{self.group_key}:{self.receiver}/{self.integration}/{self.idx}"


class OutboxRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A notification decided and not yet known to be delivered. `key` as LogEntry.key; the newest per key stands."""

    key: str
    flush: int
    route: str
    labels: bytes
    created: int
    token: str


Lapse: TypeAlias = tuple[bytes, int]
"""An alert that ended because its time was over, and when that was."""


class Try(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One attempt to deliver: when it began (wall), how long it took, and what went wrong, empty when nothing did."""

    at: int
    took: int
    error: str = ""


class Suppressed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why an alert was kept out. `reason`: a SuppressReason value; `by`: silences, rule and source, interval."""

    alert: bytes
    reason: str
    by: tuple[str, ...]


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one integration was to be told, and why (`reason` a NotifyReason value). `token` names the outbox row."""

    integration: str
    idx: int
    send: bool
    reason: str
    firing: int
    resolved: int
    token: str = ""


class Started(msgspec.Struct, frozen=True, tag="start", tag_field="t", kw_only=True, gc=False):
    """The daemon came up; what follows was decided by this run.

    `last_alive`: the last moment at which the former run is known to have lived, by which its state was taken up; 0
    when there was none, or when it is not recorded.
    """

    at: int
    version: str
    resumed: bool
    last_alive: int = 0


class Stopped(msgspec.Struct, frozen=True, tag="stop", tag_field="t", kw_only=True, gc=False):
    """The daemon ended in order. `turns`: every group's turn due by then had been taken, and none due later."""

    at: int
    turns: int


class ConfigLoaded(msgspec.Struct, frozen=True, tag="config", tag_field="t", kw_only=True, gc=False):
    """A configuration took effect. `text`: the effective YAML, secrets redacted; `hash` as alertmanager_config_hash.

    `destinations`: where each integration sends to, without secrets, by `receiver/type/index`.
    """

    at: int
    hash: int
    text: str
    kept_timers: bool = False
    destinations: dict[str, str] = {}


class Posted(msgspec.Struct, frozen=True, tag="post", tag_field="t", kw_only=True, gc=False):
    """One request's created, changed and resolved alerts. Mere refreshes are not in the journal.

    `lapsed`: as in `Flushed`, of alerts that this request reports anew.
    """

    at: int
    alerts: tuple[AlertRow, ...]
    lapsed: tuple[Lapse, ...] = ()


class Collected(msgspec.Struct, frozen=True, tag="collect", tag_field="t", kw_only=True, gc=False):
    """Resolved alerts left memory; `alerts` are their keys."""

    at: int
    alerts: tuple[bytes, ...]


class Flushed(msgspec.Struct, frozen=True, tag="flush", tag_field="t", kw_only=True, gc=False):
    """A group's turn came. `alerts` are the keys it held (empty when the same as at its previous flush).

    `lapsed`: those among them whose time ran out, where no record has told so yet. Refreshes move the end of an alert
    and are not recorded, so nothing else tells when it came. After a restart the same end may be told once more.
    """

    at: int
    id: int
    group: GroupRow
    alerts: tuple[bytes, ...]
    suppressed: tuple[Suppressed, ...]
    decisions: tuple[Decision, ...]
    outbox: tuple[OutboxRow, ...]
    lapsed: tuple[Lapse, ...] = ()


class GroupDropped(msgspec.Struct, frozen=True, tag="drop", tag_field="t", kw_only=True, gc=False):
    """A group is gone: emptied by a flush, or not carried over a reload (`cause`)."""

    at: int
    route: str
    labels: bytes
    cause: Literal["empty", "reload"]


class Delivered(msgspec.Struct, frozen=True, tag="deliver", tag_field="t", kw_only=True, gc=False):
    """A notification came to its end. `entry` is the new log entry when it succeeded; `error` says why not.

    Neither `ok` nor a `reason`: a newer one took its place. `tries`: the attempts, when there were several; of many
    the first and the last.
    """

    at: int
    flush: int
    key: str
    ok: bool
    attempts: int
    took: int
    reason: str = ""
    error: str = ""
    entry: LogEntry | None = None
    settled: bool = True
    tries: tuple[Try, ...] = ()


class LogPruned(msgspec.Struct, frozen=True, tag="prune", tag_field="t", kw_only=True, gc=False):
    """Notification-log entries past their expiry were removed."""

    at: int
    keys: tuple[str, ...]


class SilencePut(msgspec.Struct, frozen=True, tag="silence", tag_field="t", kw_only=True, gc=False):
    """A silence was created, changed or expired; each given whole, as it now stands."""

    at: int
    silences: tuple[Silence, ...]


class SilencesPruned(msgspec.Struct, frozen=True, tag="silences-prune", tag_field="t", kw_only=True, gc=False):
    """Silences past their retention were removed."""

    at: int
    ids: tuple[str, ...]


Record: TypeAlias = (
    Started
    | Stopped
    | ConfigLoaded
    | Posted
    | Collected
    | Flushed
    | GroupDropped
    | Delivered
    | LogPruned
    | SilencePut
    | SilencesPruned
)
