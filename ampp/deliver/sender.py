"""What a receiver type has to bring: a `Sender` that makes one attempt, and the ways in which an attempt fails.

Errors here: `SendError` (one attempt failed) is what senders raise and the worker handles; `BuildError` (a sender
cannot be made from a configuration that upstream would refuse too, such as a missing CA file) stops a start or reload.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import msgspec

from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.plan import Integration
from ampp.core.reason import FailureReason

__all__ = ["BuildError", "SendError", "Sender", "Senders", "Unsendable", "about", "label", "status_reason"]


class BuildError(Exception):
    """No sender can be made from this configuration; the text is what the operator sees as the reload's error.

    `place`: file:line:column of what is wrong, where it is known.
    """

    def __init__(self, text: str, place: str = "") -> None:
        super().__init__(text)
        self.place = place

    def render(self) -> str:
        """The text, and below it the place where it is known, as `ampp.config.ConfigError` has it."""
        return f"{self}\n  at {self.place}" if self.place else str(self)


class SendError(Exception):
    """One attempt failed. `retry`: whether another attempt may succeed. The text never holds a secret or a URL.

    `after`: nanoseconds that the receiver asked to be left alone before that.
    """

    def __init__(self, text: str, *, retry: bool, reason: FailureReason = FailureReason.OTHER, after: int = 0) -> None:
        super().__init__(text)
        self.retry = retry
        self.reason = reason
        self.after = after

    def bare(self) -> "SendError":
        """The same without the way that led to it: to keep, since a traceback keeps every frame on that way alive, and
        with the error in one of them is a ring that does not go when the error does."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


class Sender(Protocol):
    """Makes attempts for one integration. Several may run at once, for different groups."""

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """Make one attempt to tell of `alerts` (never empty); return what the notification log is to keep as data.

        The caller ends an attempt whose time is over by cancelling it. Raises `SendError`.
        """

    async def aclose(self) -> None:
        """Let go of connections. No `send` is running or will be started."""


class Unsendable(msgspec.Struct, frozen=True):
    """Stands in the place of a sender for an integration that loads but cannot send yet; `why` says what is missing."""

    why: str


Senders: TypeAlias = Mapping[Integration, Sender | Unsendable]
"""What a configuration sends with, in upstream's order."""


def label(to: Integration) -> str:
    """An integration as upstream writes it in logs and errors: `webhook[0]`."""
    return f"{to.name}[{to.idx}]"


def about(to: Integration) -> dict[str, str]:
    """The log attributes that say which integration a line is about."""
    return {"receiver": to.receiver, "integration": label(to)}


def status_reason(status: int) -> FailureReason:
    """The reason that an HTTP status stands for (upstream GetFailureReasonFromStatusCode)."""
    if status in (401, 403):
        return FailureReason.AUTH
    if status == 429:
        return FailureReason.RATE_LIMITED
    return {4: FailureReason.CLIENT, 5: FailureReason.SERVER}.get(status // 100, FailureReason.OTHER)
