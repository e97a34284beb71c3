"""Where a server is: the URL a user gives, taken apart."""

import re
from typing import Final, NamedTuple

__all__ = ["Address", "AddressError", "forgiving", "parse"]

_PLAIN: Final = re.compile(r"(https?)://([A-Za-z0-9._-]+)(?::([0-9]{1,5}))?((?:/[A-Za-z0-9._~-]*)*)")
_PORTS: Final = {"http": 80, "https": 443}
DEFAULT_HOST: Final = "localhost:9093"


class AddressError(ValueError):
    """The text is no URL; the message is Go's."""


class Address(NamedTuple):
    """A server's base URL. `netloc` is host and port as written; `path` has no slash at its end."""

    scheme: str
    netloc: str
    path: str = ""
    user: str | None = None
    password: str = ""

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
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        scheme, host, port, path = plain.groups()
        return Address(scheme, f"{host}:{port}" if port else host, _clean(path))
    from ampp.config import url

    try:
        parsed = url.parse(text)
    except url.UrlError as error:
        raise AddressError(str(error)) from error
    return Address(
        parsed.scheme or "http", parsed.host or DEFAULT_HOST, _clean(parsed.path), parsed.user, parsed.password or ""
    )


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
