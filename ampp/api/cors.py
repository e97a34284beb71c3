"""What browsers with a page of another origin are told about the API, as upstream's library tells it (interfaces
reference 2.5)."""

from typing import Final

from ampp.api.scope import Scope, header

__all__ = ["ANYONE", "cors", "is_preflight"]

_SIMPLE_METHODS: Final = frozenset(("GET", "POST", "HEAD", "OPTIONS"))
_SIMPLE_HEADERS: Final = frozenset(("accept", "content-type", "x-requested-with"))
ANYONE: Final = ("Access-Control-Allow-Origin", "*")


def is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None


def cors(scope: Scope) -> tuple[tuple[str, str], ...]:
    """The headers for browsers of other origins."""
    origin = header(scope, b"origin")
    if not is_preflight(scope):
        allowed = origin is not None and scope["method"] in _SIMPLE_METHODS
        return (("Vary", "Origin"), ANYONE) if allowed else (("Vary", "Origin"),)
    vary = ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
    method = (header(scope, b"access-control-request-method") or "").upper()
    headers = header(scope, b"access-control-request-headers") or ""
    names = [name.strip() for name in headers.split(",")] if headers else []
    if (
        origin is None
        or method not in _SIMPLE_METHODS
        or not _SIMPLE_HEADERS.issuperset(names)
        or names != sorted(names)
    ):
        return (vary,)
    granted = (vary, ANYONE, ("Access-Control-Allow-Methods", method))
    return (*granted, ("Access-Control-Allow-Headers", headers)) if headers else granted
