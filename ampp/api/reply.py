"""Answers as values, and the four forms in which Alertmanager words an error.

- framework errors of /api/v2 (routing, binding, schema): an object `{"code":…,"message":…}`, no newline;
- handler errors of /api/v2: a bare JSON string and a newline;
- everything outside /api/v2: plain text and a newline;
- redirects: the sentence of HTML that Go's net/http writes.
"""

import html
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ampp.ingest.fault import IngestError

__all__ = [
    "JSON",
    "TEXT",
    "Long",
    "Reply",
    "empty",
    "framework_error",
    "go_json",
    "handler_error",
    "html_escaped",
    "ingest_error",
    "json_reply",
    "plain",
    "plain_error",
    "redirect",
]

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"


class Long:
    """A body of many small pieces, to be had once: each of its `parts` is put together when its turn to be sent comes,
    and let go of. `size`: bytes of it all."""

    def __init__(self, parts: list[list[bytes]], size: int) -> None:
        self.size: Final = size
        self._parts: Final = parts
        parts.reverse()

    def __iter__(self) -> Iterator[bytes]:
        while self._parts:
            yield b"".join(self._parts.pop())


class Reply(msgspec.Struct, frozen=True):
    """One answer. `content_type` None means the header is absent; `headers` are further ones, as written.

    `long`: the body of a listing, instead of `body`, in parts that are small enough for nobody to be held up by any of
    them.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    long: Long | None = None

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return len(self.body) if self.long is None else self.long.size


_encode: Final = msgspec.json.Encoder().encode


def go_json(value: Any) -> bytes:
    """`value` as Go's encoder writes it with HTML escaping off: it still escapes the two line separators."""
    return _encode(value).replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")


def html_escaped(encoded: bytes) -> bytes:
    """JSON as `json.Marshal` writes it: `<`, `>`, `&` and the line separators as escapes."""
    return (
        encoded.replace(b"<", b"\\u003c")
        .replace(b">", b"\\u003e")
        .replace(b"&", b"\\u0026")
        .replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
    )


def json_reply(encoded: bytes, status: int = 200) -> Reply:
    """An API answer around JSON that is encoded already."""
    return Reply(status, encoded + b"\n", JSON)


def empty(status: int = 200) -> Reply:
    """No body and no type, as the API answers where there is nothing to say."""
    return Reply(status)


def framework_error(code: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """What go-openapi says before a handler runs; codes from 600 travel with status 422."""
    body = html_escaped(_encode({"code": code, "message": message}))
    return Reply(422 if code >= 600 else code, body, JSON, headers)


def ingest_error(error: IngestError) -> Reply:
    return framework_error(error.code, error.message)


def handler_error(status: int, message: str) -> Reply:
    """What a handler of /api/v2 says: a JSON string."""
    return Reply(status, go_json(message) + b"\n", JSON)


def plain(text: str, status: int = 200) -> Reply:
    return Reply(status, text.encode(), TEXT)


def plain_error(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Go's http.Error: the text and a newline."""
    return Reply(status, text.encode() + b"\n", TEXT, (*headers, ("X-Content-Type-Options", "nosniff")))


_REASONS: Final = {301: "Moved Permanently", 302: "Found", 308: "Permanent Redirect"}


def redirect(status: int, location: str, method: str) -> Reply:
    """Go's http.Redirect; only a GET gets the sentence."""
    headers = (("Location", location),)
    if method != "GET":
        return Reply(status, headers=headers)
    body = f'<a href="{html.escape(location)}">{_REASONS[status]}</a>.\n\n'
    return Reply(status, body.encode(), "text/html; charset=utf-8", headers)
