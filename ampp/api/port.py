"""What the HTTP layer needs of the running router, and nothing more. `ampp.live.Live` is the only implementation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from ampp.core.alert import Alert, PostedAlert
from ampp.core.book import Repeats
from ampp.core.clock import Now
from ampp.core.plan import Plan
from ampp.core.silence import SilenceBook, SilenceDraft
from ampp.core.view import AlertQuery, AlertView, GroupView

__all__ = ["ClusterStatus", "ConfigText", "Peer", "Port"]


class ConfigText(Protocol):
    """A loaded configuration, of which the API shows the text."""

    def original(self) -> str:
        """The effective YAML, secrets redacted."""


class Port(Protocol):
    """The router. Every method may be called from any request task; none but the awaited ones takes long."""

    @property
    def started(self) -> int:
        """Wall nanoseconds at which the process began."""

    @property
    def config(self) -> ConfigText: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def silences(self) -> SilenceBook: ...

    def now(self) -> Now: ...

    @property
    def known(self) -> Mapping[bytes, Alert]:
        """The alerts in the book by `Alert.key`, to be read only."""

    def refresh(self, repeats: Repeats) -> int:
        """Take in known alerts that came again unchanged; how many of them, counted from the first, that settles."""

    async def post_alerts(self, posts: Sequence[PostedAlert]) -> list[str]:
        """Returns the complaints about invalid alerts; raises `ampp.store.error.StoreDown`."""

    async def put_silence(self, draft: SilenceDraft) -> str:
        """Returns the id; raises SilenceError, SilenceNotFound, StoreDown."""

    async def expire_silence(self, silence_id: str) -> None:
        """Raises SilenceNotFound, StoreDown."""

    def alerts(self, asked: AlertQuery) -> Iterator[list[AlertView]]:
        """In batches, between which others are to get their turn."""

    async def groups(self, asked: AlertQuery) -> list[GroupView]: ...

    async def reload(self) -> None:
        """Raises `ampp.live.ReloadError`, whose text is shown."""


class Peer(msgspec.Struct, frozen=True):
    """A member of the cluster as status shows it; `address` is host:port."""

    address: str
    name: str


class ClusterStatus(msgspec.Struct, frozen=True):
    """`name` is ours, empty when clustering is off; then `status` is "disabled" and there are no peers."""

    status: str = "disabled"
    name: str = ""
    peers: tuple[Peer, ...] = ()
