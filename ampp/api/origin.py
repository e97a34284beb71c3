"""Whether a browser was sent here by somebody else's page.

A browser says where a request comes from: `Sec-Fetch-Site` (which no script can set) and `Origin`. Programs say neither
and are let through; they carry no one's cookies or remembered passwords. What may be done to another origin's harm, a
write or an open stream, is refused to pages that are not ours.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

__all__ = ["Origins"]

_OURS: Final = frozenset(("same-origin", "none"))


class Origins:
    """`external_url`: under which people reach this server, where a proxy may hide it from us."""

    def __init__(self, external_url: str) -> None:
        self._external: Final = _origin(external_url)

    def foreign(self, header: Callable[[bytes], str | None]) -> str:
        """Why a request is a foreign page's doing, for its answer; "" when it is not. `header` gives one by name."""
        site, origin = header(b"sec-fetch-site"), header(b"origin")
        if site in _OURS:
            return ""
        if origin is None:
            return f"a page of another site ({site}) may not do this" if site is not None else ""
        given = _origin(origin)
        if given is not None and (given == self._external or given[1] == (header(b"host") or "").lower()):
            return ""
        return f"pages of {origin} may not do this"


def _origin(url: str) -> tuple[str, str] | None:
    """Scheme, and host with the port where it is not the scheme's own; None for what is no origin, such as `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, host if port in (None, own) else f"{host}:{port}"
