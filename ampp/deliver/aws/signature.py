"""Signature Version 4: proves who sends a request, without sending the secret.

The canonical request is hashed into a string to sign, which is signed with a key that is good for one day, region and
service. See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import msgspec

from ampp.config.secret import Secret
from ampp.core.clock import SECOND

__all__ = ["Credentials", "signed"]

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNRESERVED: Final = "-_.~"


class Credentials(msgspec.Struct, frozen=True):
    """An access key. `token` comes with those that end; `ends` is their end in wall nanoseconds, 0 for never."""

    key: str
    secret: Secret
    token: Secret = Secret()
    ends: int = 0


def signed(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    *,
    region: str,
    service: str,
    wall: int,
) -> dict[str, str]:
    """`headers` and those that sign them, `body` and the address. `wall` is the time in nanoseconds.

    The request must go out with exactly these headers, and with the host of `url` as Host.
    """
    stamp = datetime.fromtimestamp(wall // SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")
    out = {**headers, "X-Amz-Date": stamp}
    if credentials.token:
        out["X-Amz-Security-Token"] = credentials.token.reveal()
    parts = urlsplit(url)
    lines = {"host": parts.netloc.rpartition("@")[2]} | {name.lower(): value for name, value in out.items()}
    names = ";".join(sorted(lines))
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe=f"/{_UNRESERVED}"),
            _query(parts.query),
            *(f"{name}:{' '.join(lines[name].split())}" for name in sorted(lines)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret.reveal()}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    proof = _hmac(key, to_sign).hex()
    out["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={proof}"
    )
    return out


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _query(text: str) -> str:
    """The query with its pairs in order, each escaped in the one way that signatures allow."""
    pairs = [pair.partition("=")[::2] for pair in text.split("&") if pair]
    return "&".join(f"{name}={value}" for name, value in sorted((_escaped(n), _escaped(v)) for n, v in pairs))


def _escaped(text: str) -> str:
    return quote(unquote(text.replace("+", " ")), safe=_UNRESERVED)
