"""Under which URL this server is reached from outside, and under which path prefix it serves.

Upstream: app/url.go and the use of --web.route-prefix. The URL goes into notifications, so it is kept as the operator
wrote it but for the slash at the end of its path.
"""

import socket

import msgspec

from ampp.config import url
from ampp.core.quote import go_quote

__all__ = ["External", "ExternalError", "resolve"]


class ExternalError(ValueError):
    """The URL cannot be used; the message is upstream's."""


class External(msgspec.Struct, frozen=True):
    """`url` has no slash at its end; `prefix` is "" or begins, and does not end, with a slash."""

    url: str
    prefix: str


def resolve(external: str, route_prefix: str, port: int) -> External:
    """From --web.external-url and --web.route-prefix as given; `port` is the first one really bound.

    An empty `external` becomes http://<host name>:<port>, an empty `route_prefix` the path of the external URL.
    Raises ExternalError.
    """
    try:
        parsed = url.parse(external or f"http://{socket.gethostname()}:{port}/")
    except url.UrlError as error:
        raise ExternalError(str(error)) from None
    if parsed.scheme not in ("http", "https"):
        wrong = f"{go_quote(str(parsed))}: invalid {go_quote(parsed.scheme)} scheme"
        raise ExternalError(f"{wrong}, only 'http' and 'https' are supported")
    path = parsed.path.rstrip("/")
    if path and not path.startswith("/"):
        path = "/" + path
    trimmed = (route_prefix or path).strip("/")
    return External(str(msgspec.structs.replace(parsed, path=path, raw_path="")), "/" + trimmed if trimmed else "")
