"""HTTP/1.1 over a plain or TLS socket: one connection, one request at a time, every wait within a deadline.

`Connection.request` gives a `Reply` for whatever the server answered, and raises `WireError` when no answer came. What
that says is what Go's net/http says, without the method and URL in front.
"""

from __future__ import annotations

import _socket
import time

TYPE_CHECKING = False  # see this room's docstring
if TYPE_CHECKING:
    import socket
    import ssl
    from typing import Final

__all__ = ["Connection", "Reply", "WireError"]

_HEAD_LIMIT: Final = 1 << 20
_PIECE: Final = 1 << 18
_LATE: Final = "context deadline exceeded"


class WireError(Exception):
    """No answer. `str()` has Go's words, `why` the part that a person needs. `sent`: the request had gone out."""

    def __init__(self, text: str, why: str = "", *, sent: bool = False) -> None:
        super().__init__(text)
        self.why = why or text
        self.sent = sent


class _Unanswered(WireError):
    """The server closed the connection before the first byte of an answer."""


class Reply:
    """An answer; header names in lower case. `flaw`: why the body is not whole, in Go's words, or empty."""

    __slots__ = ("body", "flaw", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes, flaw: str = "") -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.flaw = flaw


class Connection:
    """A connection to `host`:`port`, made at the first request and kept while the server lets it."""

    def __init__(self, host: str, port: int, *, tls: bool) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._socket: _socket.socket | None = None
        self._buffer = bytearray()

    def request(self, method: str, target: str, headers: dict[str, str], body: bytes, deadline: float) -> Reply:
        """Send one request and read the whole answer. `deadline` is on the monotonic clock.

        A kept connection that the server has closed meanwhile is replaced; where that shows only after the request
        went out, what may be asked twice (GET) is asked once more, as Go's transport does. Raises WireError.
        """
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body
        if self._socket is not None and not self._tls and _abandoned(self._socket):
            self.close()
        kept = self._socket is not None
        try:
            return self._exchange(data, deadline)
        except _Unanswered:
            if not kept or method != "GET":
                raise
        return self._exchange(data, deadline)

    def close(self) -> None:
        if self._socket is not None:
            connection, self._socket = self._socket, None
            try:  # noqa: SIM105
                connection.close()
            except OSError:
                pass
        self._buffer.clear()

    def _exchange(self, data: bytes, deadline: float) -> Reply:
        if self._socket is None:
            self._socket = self._connect(deadline)
        try:
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(data)
            return self._reply(deadline)
        except WireError:
            self.close()
            raise
        except TimeoutError as error:
            self.close()
            raise WireError(_LATE, "no answer in time", sent=True) from error
        except OSError as error:
            told = self._broken(error)
            self.close()
            raise told from error

    def _connect(self, deadline: float) -> _socket.socket:
        """The first address of the name that takes the connection; the first failure is the one told."""
        first: WireError | None = None
        try:
            # As bytes, a name needs no machinery for international ones, which takes its time to import.
            name = self._host.encode() if self._host.isascii() else self._host
            found = _socket.getaddrinfo(name, self._port, type=_socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            known = (_socket.EAI_NONAME, getattr(_socket, "EAI_NODATA", _socket.EAI_NONAME))
            why = getattr(error, "strerror", "") or str(error)
            if getattr(error, "errno", 0) in known:
                why = "no such host"
            raise WireError(f"dial tcp: lookup {self._host}: {why}", why) from error
        for family, kind, protocol, _, place in found:
            connection = _socket.socket(family, kind, protocol)
            try:
                connection.settimeout(_left(deadline))
                connection.connect(place)
                connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
                return self._secured(connection, deadline) if self._tls else connection
            except WireError:
                connection.close()
                raise
            except OSError as error:
                connection.close()
                first = first or _dial(error, str(place[0]), self._port)
        assert first is not None
        raise first

    def _secured(self, plain: _socket.socket, deadline: float) -> socket.socket:
        import socket
        import ssl

        connection = socket.socket(fileno=plain.detach())
        try:
            context = _context()
            connection.settimeout(_left(deadline))
            return context.wrap_socket(connection, server_hostname=self._host)
        except ssl.SSLCertVerificationError as error:
            why = f"the server's certificate is not trusted: {error.verify_message}"
            raise WireError(f"tls: failed to verify certificate: x509: {error.verify_message}", why) from error
        except ssl.SSLError as error:
            if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
                why = "the server does not speak TLS: use http://"
                raise WireError("http: server gave HTTP response to HTTPS client", why) from error
            raise WireError(f"tls: {(error.reason or str(error)).replace('_', ' ').lower()}") from error

    def _broken(self, error: OSError) -> WireError:
        import ssl

        if isinstance(error, ssl.SSLError):
            return WireError(f"remote error: tls: {(error.reason or str(error)).replace('_', ' ').lower()}", sent=True)
        why = (error.strerror or str(error)).lower()
        if isinstance(error, BrokenPipeError | ConnectionResetError):
            kind = WireError if self._buffer else _Unanswered
            return kind(f"read tcp {_at(self._host, self._port)}: read: {why}", why, sent=True)
        return WireError(f"tcp {_at(self._host, self._port)}: {why}", why, sent=True)

    def _reply(self, deadline: float) -> Reply:
        while True:
            status, headers = self._head(deadline)
            if status >= 200 or status == 101:
                break
        body, flaw = self._body(status, headers, deadline)
        if flaw or headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status, headers, body, flaw)

    def _head(self, deadline: float) -> tuple[int, dict[str, str]]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                raise WireError("net/http: server response headers exceeded 1048576 bytes; aborted", sent=True)
            if self._buffer and not b"HTTP/".startswith(bytes(self._buffer[:5])):
                break
            if not self._more(deadline):
                if not self._buffer:
                    raise _Unanswered("EOF", "the server closed the connection without an answer", sent=True)
                break
        text = bytes(self._buffer[: max(end, 0)]).decode("latin-1")
        first, *rest = text.split("\r\n")
        words = first.split(" ", 2)
        if end < 0 or not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit():
            from ampp.core.quote import go_quote

            shown = bytes(self._buffer).split(b"\n", 1)[0].rstrip(b"\r").decode("latin-1")[:120]
            raise WireError(
                f"net/http: HTTP/1.x transport connection broken: malformed HTTP response {go_quote(shown)}",
                "what answers there does not speak HTTP",
                sent=True,
            )
        del self._buffer[: end + 4]
        headers: dict[str, str] = {}
        for line in rest:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        return int(words[1]), headers

    def _body(self, status: int, headers: dict[str, str], deadline: float) -> tuple[bytes, str]:
        if status in (204, 304):
            return b"", ""
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks(deadline)
        length = headers.get("content-length", "")
        if length.isdigit():
            whole = self._take(int(length), deadline)
            return whole, "" if len(whole) == int(length) else "unexpected EOF"
        while self._more(deadline):
            pass
        body = bytes(self._buffer)
        self.close()
        return body, ""

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count and self._more(deadline):
            pass
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _chunks(self, deadline: float) -> tuple[bytes, str]:
        pieces: list[bytes] = []
        while True:
            while (end := self._buffer.find(b"\r\n")) < 0:
                if not self._more(deadline):
                    return b"".join(pieces), "unexpected EOF"
            size = bytes(self._buffer[:end]).split(b";")[0].strip()
            del self._buffer[: end + 2]
            try:
                count = int(size, 16)
            except ValueError:
                return b"".join(pieces), "invalid byte in chunk length"
            if count == 0:
                break
            piece = self._take(count + 2, deadline)
            pieces.append(piece[:count])
            if len(piece) < count + 2:
                return b"".join(pieces), "unexpected EOF"
        while not self._buffer.startswith(b"\r\n"):
            end = self._buffer.find(b"\r\n")
            if end < 0:
                if not self._more(deadline):
                    break
            else:
                del self._buffer[: end + 2]
        del self._buffer[:2]
        return b"".join(pieces), ""

    def _more(self, deadline: float) -> bool:
        assert self._socket is not None
        self._socket.settimeout(_left(deadline))
        piece = self._socket.recv(_PIECE)
        self._buffer += piece
        return bool(piece)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise WireError(_LATE, "no answer in time")
    return left


def _abandoned(connection: _socket.socket) -> bool:
    """Whether the server has closed a plain connection that no request is under way on, as far as is known here."""
    try:
        connection.settimeout(0)
        return not connection.recv(1, _socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _dial(error: OSError, host: str, port: int) -> WireError:
    if isinstance(error, TimeoutError):
        return WireError(f"dial tcp {_at(host, port)}: i/o timeout", "no answer in time")
    why = (error.strerror or str(error)).lower()
    return WireError(f"dial tcp {_at(host, port)}: connect: {why}", why)


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _context() -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
