"""What the JSON API says, for pages: the same operations, without a detour through HTTP."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from ampp.api.extensions import extensions
from ampp.api.extensions.answer import Ask, Route, new_id
from ampp.core.clock import ZERO
from ampp.core.timestamp import TimestampError, parse_rfc3339
from ampp.live import Live

__all__ = ["asked", "documents", "instant", "posted"]


@lru_cache(maxsize=1)
def _routes(live: Live) -> Mapping[tuple[str, str], Route]:
    return {(route.method, route.path): route for route in extensions(live)}


async def asked(live: Live, path: str, values: Mapping[str, str], **parameters: Sequence[str]) -> tuple[Any, str]:
    """The answer of GET `path`, where `values` stand for what is in braces; or None and why there is none."""
    given = {name: list(several) for name, several in parameters.items() if several}
    return await _answer(live, "GET", path, Ask(given, values, b"", new_id(None)))


async def posted(live: Live, path: str, body: Any) -> tuple[Any, str]:
    """The answer of POST `path`; or None and why there is none."""
    return await _answer(live, "POST", path, Ask({}, {}, msgspec.json.encode(body), new_id(None)))


async def _answer(live: Live, method: str, path: str, ask: Ask) -> tuple[Any, str]:
    reply = await _routes(live)[method, path].handler(ask)
    content = msgspec.json.decode(reply.body)
    if reply.status == 200:
        return content, ""
    return None, str(content["error"]["message"])


async def documents(live: Live) -> list[Any]:
    """The OpenAPI documents: Alertmanager's API, and what ampp has beyond it."""
    from ampp.api.openapi import document

    own, _ = await asked(live, "extensions/openapi.json", {})
    return [msgspec.json.decode(document()), own]


def instant(text: str | None) -> int:
    """Wall nanoseconds of a time in an answer; `ZERO` for none."""
    try:
        return parse_rfc3339(text)[0] if text else ZERO
    except TimestampError:
        return ZERO
