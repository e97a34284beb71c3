"""The configurations that took effect: which there were, one without its secrets, what differs between two."""

from functools import partial
from typing import Any, Final

import trio

from ampp.api.extensions.answer import Ask, Route, answer, failure
from ampp.api.extensions.history import guarded, only
from ampp.api.extensions.version_contract import CONTRACT
from ampp.api.reply import Reply
from ampp.core.timestamp import format_millis
from ampp.history.error import FieldError
from ampp.history.filter import number
from ampp.history.revision import before, revision
from ampp.history.version import Version, text_of, versions
from ampp.live import Live

__all__ = ["VersionApi"]

_MOST: Final = 10_000
_LARGEST: Final = 10**15


class VersionApi:
    """The handlers over the running router's history."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live

    def routes(self) -> tuple[Route, ...]:
        table = (
            ("config/versions", self.all),
            ("config/versions/{number}", self.one),
            ("config/versions/{number}/difference", self.difference),
        )
        return tuple(Route("GET", path, guarded(handler), CONTRACT[path]) for path, handler in table)

    async def all(self, ask: Ask) -> Reply:
        """GET /config/versions: newest first."""
        only(ask.parameters, "limit")
        limit = number(ask.parameters, "limit", 100, 1, _MOST)
        found = await self._live.history.ask(partial(versions, most=limit))
        return answer(ask, {"versions": list(map(_shown, found)), "count": len(found)})

    async def one(self, ask: Ask) -> Reply:
        """GET /config/versions/{number}: with its text, null when that is no longer kept."""
        only(ask.parameters)
        wanted = _number("number", ask.path["number"])
        version = _find(await self._versions(), wanted)
        if version is None:
            return _unknown(ask, wanted)
        return answer(ask, {**_shown(version), "yaml": await self._text(version)})

    async def difference(self, ask: Ask) -> Reply:
        """GET /config/versions/{number}/difference: to this version from another, by default the last before it that
        has another text."""
        only(ask.parameters, "from")
        wanted = _number("number", ask.path["number"])
        found = await self._versions()
        new = _find(found, wanted)
        if new is None:
            return _unknown(ask, wanted)
        given = (ask.parameters.get("from") or [""])[-1]
        if given:
            old = _find(found, _number("from", given))
            if old is None:
                return _unknown(ask, int(given))
        else:
            old = before(found, new)
        left = None if old is None else await self._text(old)
        mode = self._live.options.features.mode
        told = await trio.to_thread.run_sync(revision, old, new, left, await self._text(new), mode)
        shown: dict[str, Any] = {
            "from": None if old is None else _shown(old),
            "to": _shown(new),
            "difference": told.difference,
            "text": told.lines,
            "text_omitted": told.cut,
            "trouble": told.trouble,
        }
        return answer(ask, shown)

    async def _versions(self) -> list[Version]:
        return await self._live.history.ask(partial(versions, most=_MOST))

    async def _text(self, version: Version) -> str | None:
        return await self._live.history.ask(partial(text_of, number=version.number))


def _find(found: list[Version], wanted: int) -> Version | None:
    return next((version for version in found if version.number == wanted), None)


def _number(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:17]) <= _LARGEST):
        raise FieldError(field, "must be the number of a version", text)
    return int(text)


def _unknown(ask: Ask, wanted: int) -> Reply:
    return failure(ask, "NOT_FOUND", f"there is no version {wanted}")


def _shown(version: Version) -> dict[str, Any]:
    return {
        "number": version.number,
        "at": format_millis(version.at),
        "hash": version.hash,
        "text": version.text,
        "kept_timers": version.kept_timers,
    }
