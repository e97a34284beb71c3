"""What arrives and what is kept: `PostedAlert` is one alert as a sender put it, `Alert` is the merged one in the book.

`labels` and `annotations` are plain dicts whose keys stand in byte order of their names; nobody changes them after
construction, so they may be shared freely. Labels never hold an empty value; annotations may.

An `Alert` is one mutable object per label set, shared by the book and every group that holds it: a refresh changes
`ends`, `updated` in place and is thereby seen everywhere. Whoever needs the alert as it was at a moment (a flush in
flight) takes a `Snapshot`.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from ampp.core.clock import ZERO
from ampp.core.labels import fingerprint

if TYPE_CHECKING:
    from ampp.core.group import Group
    from ampp.core.route import Route

__all__ = ["NO_ANNOTATIONS", "Alert", "Content", "PostedAlert", "Snapshot"]

NO_ANNOTATIONS: Final[dict[str, str]] = {}


class Content(msgspec.Struct, frozen=True, gc=False):
    """What a sender says of a label set besides when it ends, and how its bytes are known again.

    Prometheus repeats an alert every minute, mostly with nothing but a later end. The marks are hashes, keyed anew in
    every process, of the bytes of its annotations and of all else; who meets them again need not read those bytes.
    `starts` is `ZERO` when the sender gave none; then `rest_mark` is -1, and nothing is known by it.
    """

    annotations_mark: int
    rest_mark: int
    annotations: dict[str, str]
    starts: int
    starts_off: int
    generator_url: str


class PostedAlert(msgspec.Struct, gc=False):
    """One alert as received and decoded, before defaults, validation and merge. `ZERO` stands for "not given".

    `starts_off`, `ends_off`: seconds east of UTC that the sender wrote; upstream's API shows times in that offset.
    `key`: as `Alert.key` when whoever decoded the labels knows it already, else empty. `content`: by what the reader
    will know a repetition of this alert.
    """

    labels: dict[str, str]
    annotations: dict[str, str] = NO_ANNOTATIONS
    starts: int = ZERO
    ends: int = ZERO
    generator_url: str = ""
    starts_off: int = 0
    ends_off: int = 0
    key: bytes = b""
    content: Content | None = None


class Alert(msgspec.Struct, eq=False, weakref=False, gc=False):
    """The current state of one label set. Times in wall nanoseconds; `timeout`: `ends` was our own resolve_timeout.

    `key` identifies the label set inside this process and in the store: the JSON object of the sorted labels.
    `held`: restored from the store and not yet repeated by a sender. `kept`: `updated` as the store was last given it.
    `told_end`: the end that a record tells of.
    `fingerprint` (FNV-1a 64) and `hash` (xxHash64) are `-1` until first asked for: see `ampp.core.book`.
    `routes` and `groups` are where the routing tree put the label set; `seated` says that every one of those groups
    holds the alert now. `muted` and `fragment` are caches of the silences that match and of the encoded API object,
    `content` what the last report said, when its reader can know it again.

    The cycle collector does not look into alerts: a hundred thousand of them would make it pause for as long as a flush
    may take. Nothing is lost by that as long as an alert that leaves its groups leaves nobody who holds it; see
    `ampp.core.group`.
    """

    key: bytes
    labels: dict[str, str]
    annotations: dict[str, str]
    starts: int
    ends: int
    updated: int
    generator_url: str = ""
    timeout: bool = False
    starts_off: int = 0
    ends_off: int = 0
    held: bool = False
    kept: int = ZERO
    fingerprint: int = -1
    hash: int = -1
    seated: bool = False
    routes: "tuple[Route, ...]" = ()
    groups: "tuple[Group, ...]" = ()
    muted: tuple[int, int, int, tuple[str, ...]] | None = None
    fragment: Any = None
    content: Content | None = None
    told_end: int | None = None

    def resolved(self, wall: int) -> bool:
        """Whether the alert is over at `wall` (upstream types.Alert.ResolvedAt: the end itself counts as over)."""
        return self.ends <= wall


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """An alert as one flush saw it; what templates and receivers get. `ends` is `ZERO` while firing, as upstream.

    The fingerprint costs more than all the rest, and who has need of it has more time than the flush of a large group:
    it is `marked` if that is not negative, else that of `source`, which keeps it for the next time.
    """

    labels: dict[str, str]
    annotations: dict[str, str]
    starts: int
    ends: int
    updated: int
    generator_url: str
    hash: int
    starts_off: int = 0
    ends_off: int = 0
    marked: int = -1
    source: Alert | None = None

    @property
    def fingerprint(self) -> int:
        """As `Alert.fingerprint`. Any thread may ask: what is kept is the same, whoever is first."""
        if self.marked >= 0:
            return self.marked
        source = self.source
        if source is None:
            return fingerprint(self.labels)
        if source.fingerprint < 0:
            source.fingerprint = fingerprint(self.labels)
        return source.fingerprint

    @property
    def firing(self) -> bool:
        return self.ends == ZERO
