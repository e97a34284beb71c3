"""What a receiver answered: its head, what is read of its body, and what upstream makes of its status."""

import math
import sys
import time
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import msgspec
import trio

from ampp.core.clock import SECOND
from ampp.deliver.sender import SendError, status_reason
from ampp.deliver.wire import Response

__all__ = ["BODY_LIMIT", "DECISIVE_LIMIT", "SETTLED_WAIT", "Answer", "check", "read", "receive"]

BODY_LIMIT: Final = 64 * 1024
"""Bytes of an answer's body that are read; the rest is dropped with the connection."""

DECISIVE_LIMIT: Final = 1024 * 1024
"""The same where the body says whether all is well; such an answer may repeat the whole message."""

_BODY_WAIT: Final = 5.0
"""Seconds that a body may take once the head has come."""

SETTLED_WAIT: Final = 1.0
"""The same for an answer that already says success: there, the body decides nothing."""


class Answer(msgspec.Struct, frozen=True):
    """The final answer to a request. `flaw` says why `body` is not whole, in Go's words; empty if it is.

    `retry_after`: nanoseconds after which the receiver wants to be asked again, 0 when it does not say.
    """

    status: int
    body: bytes
    content_type: str = ""
    flaw: str = ""
    retry_after: int = 0


async def receive(response: Response, decisive: bool, *, whole: bool = False) -> Answer:
    """The answer, with as much of its body as it takes; `decisive` as in `ampp.deliver.http.Client.request`.

    `whole`: the body is read to its end, without a limit, as long as the caller waits.
    """
    if whole:
        body, flaw = await read(response, sys.maxsize, math.inf)
        return Answer(response.status_code, body, response.headers.get("Content-Type", ""), flaw)
    # Once the receiver has said yes, a deadline that passes meanwhile must not turn it into a no.
    success = response.status_code // 100 == 2
    settled = success and not decisive
    limit = DECISIVE_LIMIT if success and decisive else BODY_LIMIT
    body, flaw = await read(response, limit, SETTLED_WAIT if settled else _BODY_WAIT, shield=settled)
    return Answer(response.status_code, body, response.headers.get("Content-Type", ""), flaw, _patience(response))


async def read(response: Response, limit: int, wait: float, *, shield: bool = False) -> tuple[bytes, str]:
    """What of the body comes within `limit` bytes and `wait` seconds, and why that is not all of it, if it is not."""
    whole = response.at_hand()
    if whole is not None:
        await response.aclose()
        return whole[:limit], f"more than {limit} bytes" if len(whole) > limit else ""
    read = bytearray()
    flaw = ""
    try:
        with trio.CancelScope(shield=shield, deadline=trio.current_time() + wait) as scope:
            async for piece in response.stream:
                read += piece
                if len(read) > limit:
                    # Not `break`, which would leave httpcore's nested generators to the garbage collector.
                    flaw = f"more than {limit} bytes"
                    scope.cancel()
        if scope.cancelled_caught:
            flaw = flaw or "timeout awaiting response body"
    except httpx.TransportError:
        flaw = "unexpected EOF"
    finally:
        with trio.CancelScope(shield=True):
            await response.aclose()
    return bytes(read[:limit]), flaw


def _patience(response: Response) -> int:
    """What a Retry-After header asks for (RFC 9110, 10.2.3): seconds, or a date."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdecimal():
        return int(said[:9]) * SECOND
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return 0
    return max(0, int(until.timestamp() - time.time()) * SECOND)


def check(answer: Answer, retry_codes: tuple[int, ...] = ()) -> None:
    """Upstream's rule for statuses: 2xx is success, 5xx and `retry_codes` are retried, the rest is final."""
    if answer.status // 100 == 2:
        return
    details = answer.body.decode(errors="replace")
    raise SendError(
        f"unexpected status code {answer.status}" + (f": {details}" if details else ""),
        retry=answer.status // 100 == 5 or answer.status in retry_codes,
        reason=status_reason(answer.status),
        after=answer.retry_after,
    )
