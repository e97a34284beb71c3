"""URLs exactly as Go's net/url reads and writes them: error texts, percent-encoding and normal form.

Only what ampp needs: `parse`, the text, a text with the password masked, and a URL below another.
"""

import posixpath
from typing import Any, Final

import msgspec

from ampp.core.quote import go_quote

__all__ = ["Url", "UrlError", "parse", "parse_http"]

_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_PATH: Final = _UNRESERVED | frozenset(b"$&+,/:;=@")
_PATH_VALID: Final = _PATH | frozenset(b"!'()*[]%")
_USER: Final = _UNRESERVED | frozenset(b"$&+,;=")
_HOST: Final = _UNRESERVED | frozenset(b"!$&'()*+,;=:[]<>\"")
_FRAGMENT: Final = _UNRESERVED | frozenset(b"$&+,/:;=?@!()*")
_FRAGMENT_VALID: Final = _FRAGMENT | frozenset(b"'[]%")
_USERINFO: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:~!$&'()*+,;=%@")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


class UrlError(ValueError):
    """Text that Go's url.Parse refuses; the message is Go's."""


class Url(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed URL; `str()` is its normal form. `path` is decoded, `raw_path` only set where the text insists."""

    scheme: str = ""
    opaque: str = ""
    user: str | None = None
    password: str | None = None
    host: str = ""
    path: str = ""
    raw_path: str = ""
    omit_host: bool = False
    force_query: bool = False
    query: str = ""
    fragment: str = ""
    raw_fragment: str = ""

    def __str__(self) -> str:
        out = [self.scheme, ":"] if self.scheme else []
        if self.opaque:
            out.append(self.opaque)
        else:
            if (self.scheme or self.host or self.user is not None) and not (
                self.omit_host and not self.host and self.user is None
            ):
                if self.host or self.path or self.user is not None:
                    out.append("//")
                if self.user is not None:
                    out.append(_escape(self.user, _USER))
                    if self.password is not None:
                        out += [":", _escape(self.password, _USER)]
                    out.append("@")
                out.append(_escape(self.host, _HOST))
            path = _chosen(self.path, self.raw_path, _PATH, _PATH_VALID)
            if path and path[0] != "/" and self.host:
                out.append("/")
            if not "".join(out) and ":" in path.split("/", 1)[0]:
                out.append("./")
            out.append(path)
        if self.force_query or self.query:
            out += ["?", self.query]
        if self.fragment:
            out += ["#", _chosen(self.fragment, self.raw_fragment, _FRAGMENT, _FRAGMENT_VALID)]
        return "".join(out)

    def redacted(self) -> str:
        """The text with the password, if there is one, replaced by `xxxxx`."""
        return str(msgspec.structs.replace(self, password="xxxxx") if self.password is not None else self)

    def with_slash(self) -> "Url":
        """The same URL with a path that ends in a slash."""
        return self if self.path.endswith("/") else msgspec.structs.replace(self, path=self.path + "/")

    def below(self, more: str) -> "Url":
        """The URL of `more` below this one's path, without `.`, `..` and doubled slashes in it (Go's JoinPath)."""

        def join(path: str) -> str:
            return "/" + posixpath.normpath(f"/{path}/{more}").lstrip("/")

        return msgspec.structs.replace(
            self, path=join(self.path), raw_path=join(self.raw_path) if self.raw_path else ""
        )


def parse(text: str) -> Url:
    """Any URL or relative reference. Raises `UrlError` with Go's message."""
    front, _, fragment = text.partition("#")
    shown = front
    try:
        fields = _parse(front)
        shown = text
        if fragment:
            fields["fragment"] = _unescape(fragment, "fragment")
            if _escape(fields["fragment"], _FRAGMENT) != fragment:
                fields["raw_fragment"] = fragment
    except UrlError as error:
        raise UrlError(f"parse {go_quote(shown)}: {error}") from None
    return Url(**fields)


def parse_http(text: str) -> Url:
    """An absolute http or https URL. Raises `UrlError` with Alertmanager's message."""
    url = parse(text)
    if url.scheme not in ("http", "https"):
        raise UrlError(f"unsupported scheme {go_quote(url.scheme)} for URL")
    if not url.host:
        raise UrlError("missing host for URL")
    return url


def _parse(text: str) -> dict[str, Any]:
    if any(c < " " or c == "\x7f" for c in text):
        raise UrlError("net/url: invalid control character in URL")
    if text == "*":
        return {"path": "*"}
    scheme, rest = _scheme(text)
    fields: dict[str, Any] = {"scheme": scheme}
    if rest.endswith("?") and rest.count("?") == 1:
        fields["force_query"] = True
        rest = rest[:-1]
    else:
        rest, _, fields["query"] = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            fields["opaque"] = rest
            return fields
        if ":" in rest.split("/", 1)[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, rest = rest[2:].partition("/")
        rest = slash + rest
        fields |= _authority(scheme, authority)
    elif scheme and rest.startswith("/"):
        fields["omit_host"] = True
    fields["path"] = _unescape(rest, "path")
    if _escape(fields["path"], _PATH) != rest:
        fields["raw_path"] = rest
    return fields


def _scheme(text: str) -> tuple[str, str]:
    for i, c in enumerate(text):
        if c.isascii() and c.isalpha():
            continue
        if c.isascii() and (c.isdigit() or c in "+-."):
            if i == 0:
                break
            continue
        if c == ":":
            if i == 0:
                raise UrlError("missing protocol scheme")
            return text[:i].lower(), text[i + 1 :]
        break
    return "", text


def _authority(scheme: str, authority: str) -> dict[str, Any]:
    userinfo, at, host = authority.rpartition("@")
    fields: dict[str, Any] = {"host": _host(scheme, host)}
    if at:
        if not _USERINFO.issuperset(userinfo):
            raise UrlError("net/url: invalid userinfo")
        user, colon, password = userinfo.partition(":")
        fields["user"] = _unescape(user, "user")
        if colon:
            fields["password"] = _unescape(password, "user")
    return fields


def _host(scheme: str, host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("invalid IP-literal")
    if bracket == 0:
        close = host.rfind("]")
        if close < 0:
            raise UrlError("missing ']' in host")
        port = _port(host[close + 1 :])
        name, zoned, zone = host[1:close].partition("%25")
        name = _unescape(name, "host") + (_unescape("%25" + zone, "zone") if zoned else "")
        address, _, _ = name.partition("%")
        import ipaddress  # few URLs need it

        try:
            version = ipaddress.ip_address(address).version
        except ValueError:
            raise UrlError(f"invalid host: ParseAddr({go_quote(name)}): unable to parse IP") from None
        if version == 4:
            raise UrlError("invalid IP-literal")
        return f"[{name}]{port}"
    first, last = host.find(":"), host.rfind(":")
    if first >= 0:
        _port(host[first if scheme in ("http", "https") else last :])
    return _unescape(host, "host")


def _port(text: str) -> str:
    if text and not (text[0] == ":" and ((text[1:].isascii() and text[1:].isdigit()) or len(text) == 1)):
        raise UrlError(f"invalid port {go_quote(text)} after host")
    return text


def _unescape(text: str, part: str) -> str:
    if "%" not in text and part not in ("host", "zone"):
        return text
    data, out, i = text.encode("utf-8", "surrogateescape"), bytearray(), 0
    while i < len(data):
        byte = data[i]
        if byte == 0x25:
            piece = data[i : i + 3]
            if len(piece) < 3 or piece[1] not in _HEX or piece[2] not in _HEX:
                raise UrlError(f"invalid URL escape {go_quote(piece.decode('utf-8', 'replace'))}")
            value = int(piece[1:], 16)
            refused = (part == "host" and value < 0x80) or (part == "zone" and value != 0x20 and value not in _HOST)
            if refused and piece != b"%25":
                raise UrlError(f"invalid URL escape {go_quote(piece.decode())}")
            out.append(value)
            i += 3
            continue
        if part in ("host", "zone") and byte < 0x80 and byte not in _HOST:
            raise UrlError(f"invalid character {go_quote(chr(byte))} in host name")
        out.append(byte)
        i += 1
    return out.decode("utf-8", "surrogateescape")


def _escape(text: str, safe: frozenset[int]) -> str:
    data = text.encode("utf-8", "surrogateescape")
    if safe.issuperset(data):
        return text
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in data)


def _chosen(decoded: str, raw: str, safe: frozenset[int], valid: frozenset[int]) -> str:
    """The raw spelling while it still says the same and is well formed, else the default encoding."""
    if raw and valid.issuperset(raw.encode("utf-8", "surrogateescape")) and _unescape(raw, "path") == decoded:
        return raw
    return "*" if decoded == "*" else _escape(decoded, safe)
