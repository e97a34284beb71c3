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

if TYPE_CHECKING:
    from ampp.core.group import Group
    from ampp.core.route import Route

__all__ = ["NO_ANNOTATIONS", "Alert", "PostedAlert", "Snapshot"]

NO_ANNOTATIONS: Final[dict[str, str]] = {}


class PostedAlert(msgspec.Struct, gc=False):
    """One alert as received and decoded, before defaults, validation and merge. `ZERO` stands for "not given".

    `starts_off`, `ends_off`: seconds east of UTC that the sender wrote; upstream's API shows times in that offset.
    `key`: as `Alert.key` when whoever decoded the labels knows it already, else empty. `origin`: what that reader wants
    to live as long as the alert.
    """

    labels: dict[str, str]
    annotations: dict[str, str] = NO_ANNOTATIONS
    starts: int = ZERO
    ends: int = ZERO
    generator_url: str = ""
    starts_off: int = 0
    ends_off: int = 0
    key: bytes = b""
    origin: object = None


class Alert(msgspec.Struct, eq=False, weakref=False):
    """The current state of one label set. Times in wall nanoseconds; `timeout`: `ends` was our own resolve_timeout.

    `key` identifies the label set inside this process and in the store: the JSON object of the sorted labels.
    `held`: restored from the store and not yet repeated by a sender. `told_end`: the end that a record tells of.
    `fingerprint` (FNV-1a 64) and `hash` (xxHash64) are `-1` until first asked for: see `ampp.core.book`.
    `routes` and `groups` are where the routing tree put the label set; `seated` says that every one of those groups
    holds the alert now. `muted` and `fragment` are caches of the silences that match and of the encoded API object,
    `origin` whatever the reader of the last report keeps about it.
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
    fingerprint: int = -1
    hash: int = -1
    seated: bool = False
    routes: "tuple[Route, ...]" = ()
    groups: "tuple[Group, ...]" = ()
    muted: tuple[int, int, int, tuple[str, ...]] | None = None
    fragment: Any = None
    origin: object = None
    told_end: int | None = None

    def resolved(self, wall: int) -> bool:
        """Whether the alert is over at `wall` (upstream types.Alert.ResolvedAt: the end itself counts as over)."""
        return self.ends <= wall


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """An alert as one flush saw it; what templates and receivers get. `ends` is `ZERO` while firing, as upstream."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts: int
    ends: int
    updated: int
    generator_url: str
    fingerprint: int
    hash: int
    starts_off: int = 0
    ends_off: int = 0

    @property
    def firing(self) -> bool:
        return self.ends == ZERO
