"""Which content a request brings and which it wants, judged as Go's `mime` and go-openapi's middleware judge it."""

import re
from functools import lru_cache
from typing import Final

from ampp.api.reply import JSON, Reply, framework_error
from ampp.core.quote import go_quote

__all__ = ["refuse_accept", "refuse_content_type"]

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_QUOTED: Final = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"')
_SPACE: Final = " \t\r\n\v\f"


class _MediaError(ValueError):
    pass


@lru_cache(maxsize=256)
def refuse_content_type(header: str | None) -> Reply | None:
    """The refusal of a body of this Content-Type (400 or 415), or None when it may be JSON."""
    try:
        media_type = _parse(header or "application/octet-stream")
    except _MediaError as error:
        return framework_error(
            400, f"parsing Content-Type header from {go_quote(header or '')} failed, because {error}"
        )
    if media_type == JSON:
        return None
    return framework_error(415, f"unsupported media type {go_quote(media_type)}, only [{JSON}] are allowed")


def _parse(header: str) -> str:
    """Go's mime.ParseMediaType, of which only the type itself is wanted."""
    base, semicolon, rest = header.partition(";")
    media_type = base.strip(_SPACE).lower()
    _check(media_type)
    rest = semicolon + rest
    seen: set[str] = set()
    while rest := rest.lstrip(_SPACE):
        if rest.rstrip(_SPACE) == ";":
            break
        name, rest = _parameter(rest)
        if name in seen:
            raise _MediaError("mime: duplicate parameter name")
        seen.add(name)
    return media_type


def _check(media_type: str) -> None:
    match = _TOKEN.match(media_type)
    first = match.end() if match else 0
    if first == 0:
        raise _MediaError("mime: no media type")
    if first == len(media_type):
        return
    if media_type[first] != "/":
        raise _MediaError("mime: expected slash after first token")
    match = _TOKEN.match(media_type, first + 1)
    second = match.end() if match else 0
    if second == first + 1:
        raise _MediaError("mime: expected token after slash")
    if second != len(media_type):
        raise _MediaError("mime: unexpected content after media subtype")


def _parameter(rest: str) -> tuple[str, str]:
    """The lower-case name of the parameter at the start of `rest` (which begins with `;`), and what follows it."""
    rest = rest[1:].lstrip(_SPACE)
    match = _TOKEN.match(rest)
    name = match[0].lower() if match else ""
    rest = rest[len(name) :].lstrip(_SPACE)
    if not name or not rest.startswith("="):
        raise _MediaError("mime: invalid media parameter")
    rest = rest[1:].lstrip(_SPACE)
    match = _QUOTED.match(rest) if rest.startswith('"') else _TOKEN.match(rest)
    if match is None or not match[0]:
        raise _MediaError("mime: invalid media parameter")
    rest = rest[match.end() :]
    if rest.lstrip(_SPACE)[:1] not in ("", ";"):
        raise _MediaError("mime: invalid media parameter")
    return name, rest


def refuse_accept(header: str | None) -> Reply | None:
    """The refusal (406) when none of the types in an Accept header covers JSON; an absent or empty one does."""
    if header is None or not header.strip():
        return None
    for spec in header.split(","):
        value, *parameters = [part.strip().lower() for part in spec.split(";")]
        if value in (JSON, "application/*", "*/*") and not any(map(_is_zero_quality, parameters)):
            return None
    return framework_error(406, f"unsupported media type requested, only [{JSON}] are available")


def _is_zero_quality(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return False
    try:
        return float(value) <= 0
    except ValueError:
        return True
