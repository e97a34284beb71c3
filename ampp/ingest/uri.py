"""What counts as a URI: whatever Go's `net/url.ParseRequestURI` takes, as upstream asks of a generatorURL."""

import re
from typing import Final

__all__ = ["valid_uri"]

_USUAL: Final = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::[0-9]*)?(?:/(?:[^\x00-\x1f\x7f%?]|%[0-9A-Fa-f]{2})*)?(?:\?[^\x00-\x1f\x7f]*)?"
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USERINFO: Final = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_PORT: Final = re.compile(r"(?::[0-9]*)?")
_HOST_ASCII: Final = re.compile(r"""(?:[A-Za-z0-9._~!$&'()*+,;=:\[\]<>"%-]|[^\x00-\x7f])*""")
_HOST_PERCENT: Final = re.compile(r"%(?!25|[89A-Fa-f][0-9A-Fa-f])")


def valid_uri(text: str) -> bool:
    """Whether `text`, not empty, is an absolute URI or an absolute path in Go's eyes (it needs a scheme or a `/`)."""
    return _USUAL.fullmatch(text) is not None or _parse(text)


def _parse(text: str) -> bool:
    if _CONTROL.search(text):
        return False
    if text == "*":
        return True
    scheme = _SCHEME.match(text)
    if scheme is None and text.startswith(":"):
        return False
    rest = text[scheme.end() :] if scheme else text
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        return scheme is not None
    if scheme is not None and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        if not _authority(authority):
            return False
        rest = slash + path
    return _BAD_PERCENT.search(rest) is None


def _authority(authority: str) -> bool:
    user, at, host = authority.rpartition("@")
    if at and (_USERINFO.fullmatch(user) is None or _BAD_PERCENT.search(user)):
        return False
    if not host.startswith("["):
        colon = host.rfind(":")
        return (colon < 0 or _PORT.fullmatch(host[colon:]) is not None) and _host(host)
    end = host.rfind("]")
    if end < 0 or _PORT.fullmatch(host[end + 1 :]) is None:
        return False
    zone = host.find("%25", 0, end)
    if zone < 0:
        return _host(host)
    return _host(host[:zone]) and _host(host[zone:end], zone=True)


def _host(host: str, *, zone: bool = False) -> bool:
    if _HOST_ASCII.fullmatch(host) is None or _BAD_PERCENT.search(host):
        return False
    return zone or _HOST_PERCENT.search(host) is None
