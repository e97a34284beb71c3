"""The ways to say to a mail server who is there (SASL), as far as Alertmanager knows them."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

__all__ = ["Mechanism", "SaslError", "cram_md5", "login", "plain", "redact", "xoauth2"]


class SaslError(Exception):
    """The server asks for what the mechanism has no answer to. The message is upstream's."""


Respond: TypeAlias = Callable[[bytes], bytes]


class Mechanism(msgspec.Struct, frozen=True):
    """How to authenticate: `initial` goes with the command, `respond` answers a challenge or raises `SaslError`.

    `go` is the name that upstream's errors have for it; `secret` is what must not be seen in any error. `guarded`: not
    to be used where others can listen.
    """

    name: str
    go: str
    initial: bytes
    respond: Respond
    secret: bytes
    guarded: bool = False


_SURPRISE: Final = "unexpected server challenge"


def plain(identity: bytes, username: bytes, password: bytes) -> Mechanism:
    """RFC 4616: act as `identity` (empty: as the user)."""

    def respond(_challenge: bytes) -> bytes:
        raise SaslError(_SURPRISE)

    initial = b"\0".join((identity, username, password))
    return Mechanism("PLAIN", "*smtp.plainAuth", initial, respond, password, guarded=True)


def login(username: bytes, password: bytes) -> Mechanism:
    """The old way of asking for one after the other. Upstream lets this go over open links too."""
    answers = {b"username:": username, b"password:": password}

    def respond(challenge: bytes) -> bytes:
        answer = answers.get(challenge.lower())
        if answer is None:
            raise SaslError(_SURPRISE)
        return answer

    return Mechanism("LOGIN", "*email.loginAuth", b"", respond, password)


def cram_md5(username: bytes, secret: bytes) -> Mechanism:
    """RFC 2195: prove to know the secret without sending it."""

    def respond(challenge: bytes) -> bytes:
        return username + b" " + hmac.new(secret, challenge, hashlib.md5).hexdigest().encode()

    return Mechanism("CRAM-MD5", "*smtp.cramMD5Auth", b"", respond, secret)


def xoauth2(username: bytes, authorization: str) -> Mechanism:
    """Google's and Microsoft's way to take an OAuth 2 token; `authorization` is "Bearer" and the token.

    A refusal comes as a challenge with the reason, to which the answer is nothing.
    """
    initial = b"user=" + username + b"\1auth=" + authorization.encode() + b"\1\1"
    token = authorization.rpartition(" ")[2].encode()
    return Mechanism("XOAUTH2", "XOAUTH2", initial, lambda _challenge: b"", token, guarded=True)


def redact(text: str, mechanism: Mechanism) -> str:
    """`text` without the secret, which a server may repeat, in clear or as it was sent."""
    for shown in (base64.b64encode(mechanism.initial), base64.b64encode(mechanism.secret), mechanism.secret):
        if shown:
            text = text.replace(shown.decode(errors="replace"), "<secret>")
    return text
