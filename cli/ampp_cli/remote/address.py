"""Where a server is: the URL a user gives, taken apart."""

from __future__ import annotations

TYPE_CHECKING = False  # see this room's docstring
if TYPE_CHECKING:
    from typing import Final

__all__ = ["Address", "AddressError", "forgiving", "parse"]

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
_PORTS: Final = {"http": 80, "https": 443}
DEFAULT_HOST: Final = "localhost:9093"


class AddressError(ValueError):
    """The text is no URL; the message is Go's."""


class Address:
    """A server's base URL. `netloc` is host and port as written; `path` has no slash at its end."""

    __slots__ = ("netloc", "password", "path", "scheme", "user")

    def __init__(self, scheme: str, netloc: str, path: str = "", user: str | None = None, password: str = "") -> None:
        self.scheme = scheme
        self.netloc = netloc
        self.path = path
        self.user = user
        self.password = password

    @property
    def base(self) -> str:
        """The URL without credentials, for messages."""
        return f"{self.scheme}://{self.netloc}{self.path}"

    @property
    def host(self) -> str:
        return self._split()[0]

    @property
    def port(self) -> int:
        """0 for a scheme without a known port, when none is given."""
        text = self._split()[1]
        return int(text) if text else _PORTS.get(self.scheme, 0)

    def _split(self) -> tuple[str, str]:
        host, colon, port = self.netloc.rpartition(":")
        if not colon or port.endswith("]"):
            host, port = self.netloc, ""
        return host.strip("[]"), port


def parse(text: str) -> Address:
    """The server a URL means, as amtool reads it: without a host localhost:9093, without a scheme http.

    Raises AddressError.
    """
    plain = _plain(text)
    if plain is not None:
        return plain
    from ampp.config import url

    try:
        parsed = url.parse(text)
    except url.UrlError as error:
        raise AddressError(str(error)) from error
    return Address(
        parsed.scheme or "http", parsed.host or DEFAULT_HOST, _clean(parsed.path), parsed.user, parsed.password or ""
    )


def _plain(text: str) -> Address | None:
    """The usual URL, for which no reader of URLs is needed: letters, digits, at most a port and a path."""
    scheme, _, rest = text.partition("://")
    netloc, _, path = rest.partition("/")
    host, colon, port = netloc.partition(":")
    if scheme not in _PORTS or not host or host.strip(_LETTERS) or path.strip(_LETTERS + "~/"):
        return None
    if colon and not (port.isascii() and port.isdigit() and len(port) <= 5):
        return None
    return Address(scheme, netloc, _clean("/" + path))


def forgiving(text: str) -> Address:
    """The same for people: `host:9093` will do, and what is no HTTP server is refused. Raises AddressError."""
    address = parse(text if "://" in text or text.startswith("/") else f"http://{text}")
    if address.scheme not in _PORTS:
        raise AddressError(f"{text}: the scheme must be http or https, not {address.scheme}")
    return address


def _clean(path: str) -> str:
    """Go's path.Join does the same to the path below which the API lies."""
    if path in ("", "/"):
        return ""
    import posixpath

    return posixpath.normpath("/" + path.lstrip("/")).rstrip("/")
