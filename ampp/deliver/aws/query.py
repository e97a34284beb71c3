"""The Query API, which SNS and STS speak: a signed form goes in, XML comes out."""

import random
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus, urlsplit, urlunsplit
from xml.etree import ElementTree

import trio

from ampp.deliver.aws.signature import Credentials, signed
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.sender import SendError

__all__ = ["ask", "member"]

_TRIES: Final = 3
_LONGEST: Final = 20.0
"""Seconds of pause at most."""

_BUSY: Final = frozenset(
    (
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    )
)
"""Errors that come with a 4xx status and still mean "later": asked again here, as Amazon's own client does."""


async def ask(
    client: Client,
    url: str,
    fields: Mapping[str, bytes | str],
    credentials: Credentials | None,
    *,
    region: str,
    service: str,
    wall: int,
    influenced: bool = False,
) -> ElementTree.Element:
    """What the service at `url` answers to a request signed with `credentials`, or unsigned.

    `influenced`: as `Client.request` has it. Raises `SendError`: by the usual rule for a status that came with an
    error, to be tried again for all else.
    """
    body = "&".join(f"{quote_plus(name)}={quote_plus(fields[name])}" for name in sorted(fields)).encode()
    parts = urlsplit(url)
    url = urlunsplit(parts._replace(path=parts.path or "/", fragment=""))
    headers: Mapping[str, str] = {"Content-Type": "application/x-www-form-urlencoded"}
    if credentials is not None:
        headers = signed("POST", url, headers, body, credentials, region=region, service=service, wall=wall)
    for tried in range(1, _TRIES + 1):
        answer = await client.post(url, body, headers, influenced=influenced)
        if answer.status // 100 == 2:
            return _parsed(answer)
        code, message = _refusal(answer)
        if answer.status // 100 == 5 or code not in _BUSY or tried == _TRIES:
            break
        await trio.sleep(min(random.random() * 2**tried, _LONGEST))
    check(Answer(answer.status, message.encode()))
    raise AssertionError("a refusal that is none")


def member(answer: ElementTree.Element, name: str) -> str:
    """The text of the first element of that name, whatever its namespace; "" if there is none."""
    return answer.findtext(f".//{{*}}{name}", "")


def _refusal(answer: Answer) -> tuple[str, str]:
    """The code and the message of an error."""
    if not answer.body:
        return "UnknownError", "UnknownError"
    said = _parsed(answer)
    return member(said, "Code") or "UnknownError", member(said, "Message") or "UnknownError"


def _parsed(answer: Answer) -> ElementTree.Element:
    if not answer.body and answer.status // 100 == 2:
        return ElementTree.Element("empty")
    try:
        return ElementTree.fromstring(answer.body)
    except ElementTree.ParseError as error:
        raise SendError(f"status code {answer.status}, failed to decode response body: {error}", retry=True) from None
