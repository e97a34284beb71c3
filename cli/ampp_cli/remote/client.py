"""A client of the API, for one command: addresses, credentials, deadline, redirects, and what may go wrong.

    RemoteError             all that leaves this room; `str()` has a sentence for people
      Unreachable           no answer, or not a whole one
      Refused               an answer that is an error
      Unreadable            an answer that is not what it should be
      Unconfigured          the client itself cannot be made

`Remote` is used from one thread; `Remote.twin` makes another for the next thread.
"""

from __future__ import annotations

import time

from ampp_cli.remote.address import Address
from ampp_cli.remote.document import decode, encode, text
from ampp_cli.remote.operation import GET_STATUS, Operation
from ampp_cli.remote.wire import Connection, Reply, WireError

TYPE_CHECKING = False  # see this room's docstring
if TYPE_CHECKING:
    from typing import Any, Final, Protocol

    class Transport(Protocol):
        """What carries requests. Raises WireError."""

        def send(self, method: str, url: str, headers: dict[str, str], body: bytes, deadline: float) -> Reply: ...
        def close(self) -> None: ...


__all__ = ["Query", "Refused", "Remote", "RemoteError", "Unconfigured", "Unreachable", "Unreadable", "version_of"]

Query = list[tuple[str, str]]

_API: Final = "/api/v2"
_HOPS: Final = 10
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_SAID: Final = 300
"""How many characters of an error's text are shown."""


class RemoteError(Exception):
    """A request that did not do what was asked."""


class Unconfigured(RemoteError):
    """The client cannot be made; the text says what is wrong."""


class Unreachable(RemoteError):
    """No whole answer. `method` and `url` are what was asked; `go` is Go's account of it."""

    def __init__(self, method: str, url: str, base: str, error: WireError) -> None:
        super().__init__(f"no answer from {base}: {error.why}" if error.sent else f"cannot reach {base}: {error.why}")
        self.method = method
        self.url = url
        self.go = str(error)


class Refused(RemoteError):
    """An error answer. `payload` is its text as the API gives it, or as it came."""

    def __init__(self, operation: Operation, status: int, payload: str, base: str, kind: str) -> None:
        said = " ".join(payload.split())[:_SAID]
        super().__init__(f"{base} answered {status}{f': {said}' if said else ''}{_ADVICE.get(status, '')}")
        self.operation = operation
        self.status = status
        self.payload = payload
        self.kind = kind


_ADVICE: Final = {
    401: " (give user and password in the URL, or --http.config.file)",
    403: " (these credentials may not do that)",
}


class Unreadable(RemoteError):
    """The answer is no JSON, or of another shape. `body` is what came, `flaw` why it is not whole, if so.

    `operation` is what was asked, where it was the shape that was wrong.
    """

    def __init__(self, base: str, why: str, body: bytes, flaw: str, kind: str, operation: Operation | None) -> None:
        super().__init__(f"{base} answered with something else than Alertmanager does: {why}")
        self.body = body
        self.flaw = flaw
        self.kind = kind
        self.operation = operation


class Remote:
    """The API of one server.

    `timeout` is in seconds, for all requests until `renew`. `agent` is the User-Agent. `http_config` is the path of an
    http_config file, whose errors are raised here as Unconfigured.
    """

    def __init__(self, address: Address, timeout: float, agent: str, http_config: str = "") -> None:
        self.address = address
        self.timeout = timeout
        self._agent = agent
        self._http_config = http_config
        self._deadline = 0.0
        self.renew()
        self._transport = _transport(address, http_config)

    def renew(self) -> None:
        """Let the time for answers begin anew."""
        self._deadline = time.monotonic() + self.timeout

    def twin(self) -> Remote:
        """Another client of the same server within the same deadline."""
        other = Remote(self.address, self.timeout, self._agent, self._http_config)
        other._deadline = self._deadline
        return other

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, operation: Operation, query: Query | None = None, *, value: Any = None, silence: str = "") -> Reply:
        """The 200 answer to one operation. Raises RemoteError.

        `value` is what to send as JSON, and `silence` fills the path's place for an id.
        """
        body = b"" if value is None else encode(value).encode(errors="replace")
        path = _API + operation.path.replace("{silenceID}", _quoted(silence, "$&+=:@"))
        reply, kind = self._ask(operation.method, path, query, body)
        if reply.status != 200:
            raise Refused(operation, reply.status, _payload(reply, kind), self.address.base, kind)
        return reply

    def fetch_list(self, operation: Operation, query: Query | None = None) -> list[dict[str, Any]]:
        """`call` with the answer decoded, a list of objects. Raises RemoteError."""
        return self.objects(operation, self.call(operation, query))

    def fetch_object(self, operation: Operation, query: Query | None = None, *, silence: str = "") -> dict[str, Any]:
        """The same for an object."""
        return self.object(operation, self.call(operation, query, silence=silence))

    def objects(self, operation: Operation, reply: Reply) -> list[dict[str, Any]]:
        """The answer's JSON, a list of objects. Raises Unreadable."""
        value = self.decoded(reply)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._shapeless(reply, "a list was expected", operation)
        return value

    def object(self, operation: Operation, reply: Reply) -> dict[str, Any]:
        """The answer's JSON, an object. Raises Unreadable."""
        value = self.decoded(reply)
        if not isinstance(value, dict):
            raise self._shapeless(reply, "an object was expected", operation)
        return value

    def decoded(self, reply: Reply) -> Any:
        """The answer's JSON. Raises Unreadable."""
        if reply.flaw:
            raise self._shapeless(reply, "it broke off in the middle", None)
        try:
            return decode(reply.body)
        except ValueError as error:
            raise self._shapeless(reply, "it is not JSON", None) from error

    def _shapeless(self, reply: Reply, why: str, operation: Operation | None) -> Unreadable:
        kind = reply.headers.get("content-type", "")
        return Unreadable(self.address.base, why, reply.body, reply.flaw, kind, operation)

    def get(self, path: str, query: Query | None = None) -> Any:
        """The decoded JSON of any other GET; `path` is below the server's base URL. Raises RemoteError."""
        reply, kind = self._ask("GET", path, query, b"")
        if reply.status != 200:
            named = Operation(path, "GET", path)
            raise Refused(named, reply.status, _payload(reply, kind), self.address.base, kind)
        return self.decoded(reply)

    def _ask(self, method: str, path: str, query: Query | None, body: bytes) -> tuple[Reply, str]:
        url = f"{self.address.scheme}://{self.address.netloc}{_quoted(self.address.path, _SAFE)}{path}"
        if query:
            url += "?" + "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in query)
        headers = {"User-Agent": self._agent, "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        if self.address.user is not None:
            headers["Authorization"] = _basic(self.address.user, self.address.password)
        try:
            reply = self._follow(method, url, headers, body)
        except WireError as error:
            raise Unreachable(method, url, self.address.base, error) from error
        return reply, reply.headers.get("content-type", "")

    def _follow(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Reply:
        for _ in range(_HOPS):
            reply = self._transport.send(method, url, headers, body, self._deadline)
            location = reply.headers.get("location", "")
            if reply.status not in _REDIRECTS or not location:
                return reply
            from urllib.parse import urljoin, urlsplit

            before, url = url, urljoin(url, location)
            if urlsplit(before).hostname != urlsplit(url).hostname:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            if reply.status in (301, 302, 303) and method != "GET":
                method, body = "GET", b""
                headers = {name: value for name, value in headers.items() if name != "Content-Type"}
        raise WireError(f"stopped after {_HOPS} redirects", sent=True)


_SAFE: Final = "/$&+,:;=@"
_PLAIN: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-"


def _quoted(text: str, safe: str = "") -> str:
    if not text.strip(_PLAIN):
        return text
    kept = _PLAIN + safe
    return "".join(chr(c) if chr(c) in kept else f"%{c:02X}" for c in _bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _escaped(text: str) -> str:
    """Go's url.QueryEscape."""
    return _quoted(text).replace("%20", "+")


def _basic(user: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{user}:{password}".encode(errors="surrogateescape")).decode()


def _payload(reply: Reply, kind: str) -> str:
    if "json" in kind:
        try:
            value = decode(reply.body)
        except ValueError:
            value = None
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and isinstance(value.get("error"), dict):
            # What is ampp's own answers so.
            value = value["error"]
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return str(value["message"])
    if "html" in kind:
        return ""
    return reply.body.decode(errors="replace").strip()


class _Plain:
    """Straight to the server, over a connection kept for each host that redirects lead to."""

    def __init__(self) -> None:
        self._connections: dict[tuple[str, str], Connection] = {}

    def send(self, method: str, url: str, headers: dict[str, str], body: bytes, deadline: float) -> Reply:
        scheme, _, rest = url.partition("://")
        netloc, slash, path = rest.partition("/")
        if scheme not in ("http", "https"):
            from ampp.core.quote import go_quote

            raise WireError(f"unsupported protocol scheme {go_quote(scheme)}")
        connection = self._connections.get((scheme, netloc))
        if connection is None:
            place = Address(scheme, netloc)
            connection = Connection(place.host, place.port, tls=scheme == "https")
            self._connections[(scheme, netloc)] = connection
        return connection.request(method, slash + path or "/", {"Host": netloc, **headers}, body, deadline)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


def _transport(address: Address, http_config: str) -> Transport:
    if http_config:
        from ampp_cli.remote import configured

        try:
            return configured.from_file(http_config)
        except configured.Unusable as error:
            raise Unconfigured(str(error)) from error
    import os

    names = (f"{address.scheme}_proxy", f"{address.scheme.upper()}_PROXY")
    if any(os.environ.get(name) for name in names) and address.host not in ("localhost", "127.0.0.1", "::1"):
        from ampp_cli.remote import configured

        return configured.from_environment()
    return _Plain()


def version_of(remote: Remote) -> str | None:
    """The server's version as its status tells it, or None where it tells none or cannot be asked."""
    try:
        return text(remote.fetch_object(GET_STATUS), "versionInfo", "version") or None
    except RemoteError:
        return None
