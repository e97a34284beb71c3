"""A mail, ready for the line, and what it says to whom."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final, TypeAlias

import msgspec

__all__ = ["Letter", "Taker", "catching", "taker"]


class Letter(msgspec.Struct, frozen=True):
    """One mail: its envelope, its text (RFC 5322), and how that goes over the line (`smtp.dotted`).

    `server`: the host and port it is handed to; `way`: how, in a few words, without credentials.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    line: bytes
    server: str
    way: str


Taker: TypeAlias = Callable[[Letter], None]
"""Takes a mail in the place of the server."""

_TAKER: Final[ContextVar[Taker | None]] = ContextVar("taker", default=None)


@contextlib.contextmanager
def catching(take: Taker) -> Iterator[None]:
    """Within the block, in this task and those it starts, no mail is sent: `take` has them."""
    token = _TAKER.set(take)
    try:
        yield
    finally:
        _TAKER.reset(token)


def taker() -> Taker | None:
    """Who takes mails at this moment; None for the servers they are meant for."""
    return _TAKER.get()
