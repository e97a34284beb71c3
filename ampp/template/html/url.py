"""URLs: the part of one that was reached, which schemes may be linked to, percent encoding."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from ampp.template.html.context import SPACES, Context, UrlPart

__all__ = ["encode", "filter_srcset", "is_safe", "normalize", "read", "read_url"]

_SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto"})

_ENCODED = re.compile(r"[^A-Za-z0-9._~-]")
_NORMALIZED = re.compile(r"[^A-Za-z0-9._~!#$&*+,/:;=?@\[\]%-]|%(?![0-9A-Fa-f]{2})")

_CANDIDATE = re.compile(r"([\t\n\f\r ]*)([^\t\n\f\r ]*)(.*)\Z", re.DOTALL)
_METADATA = re.compile(r"[\t\n\f\r 0-9A-Za-z]*\Z")


def is_safe(url: str) -> bool:
    """Whether `url` is relative or has a scheme that only leads somewhere: http, https, mailto."""
    scheme, colon, _ = url.partition(":")
    # The long s folds to s where Go compares without regard to case.
    return not colon or "/" in scheme or scheme.replace("\u017f", "s").lower() in _SAFE_SCHEMES


def encode(text: str) -> str:
    """`text` as one piece of a query: everything but letters, digits and `-._~` percent-encoded."""
    return _ENCODED.sub(_percent, text)


def normalize(url: str) -> str:
    """`url` with everything encoded that may not stand in a URL; what is encoded already stays."""
    return _NORMALIZED.sub(_percent, url)


def _percent(found: re.Match[str]) -> str:
    try:
        raw = found[0].encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair that is no byte either
        raw = found[0].encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02x}" for byte in raw)


def filter_srcset(text: str, refused: str) -> str:
    """`text` as image candidates (URL, then width or density), an unsafe or odd one replaced by `refused`."""
    return ",".join(_filter_candidate(candidate, refused) for candidate in text.split(","))


def _filter_candidate(candidate: str, refused: str) -> str:
    found = _CANDIDATE.match(candidate)
    if found is None or not is_safe(found[2]) or not _METADATA.match(found[3]):
        return refused
    return found[1] + normalize(found[2]) + found[3]


def read(context: Context, piece: str) -> Context:
    """The context behind `piece` of a URL."""
    if "#" in piece or "?" in piece:
        return replace(context, url_part=UrlPart.QUERY)
    if context.url_part is UrlPart.NONE and piece.strip(SPACES):
        return replace(context, url_part=UrlPart.PRE_QUERY)
    return context


def read_url(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    """A transition, see `transition.py`: all of the text is URL."""
    return read(context, text[at:end]), end
