"""Silences beyond Alertmanager's operations: one by its id to read, change and end, many to end at once, and which
silences a label set has. Silences have Alertmanager's form here too, so that programs need to know one form only."""

import re
import time
from typing import Any, Final

import msgspec

from ampp.api import fragment
from ampp.api.extensions.answer import Ask, Problem, Route, answer, decoded, guarded, wrong
from ampp.api.extensions.silence_contract import CONTRACT
from ampp.api.reply import JSON, Reply
from ampp.core.labels import canonical
from ampp.core.silence import Silence, SilenceDraft, SilenceError, SilenceNotFound
from ampp.core.timestamp import TimestampError, format_millis, parse_rfc3339
from ampp.ingest.fault import IngestError
from ampp.ingest.silence import decode_silence
from ampp.live import Live

__all__ = ["SilenceApi"]

_MOST: Final = 100
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FIELDS: Final = ("matchers", "startsAt", "endsAt", "createdBy", "comment", "annotations")
_AS_READ: Final = ("id", "status", "updatedAt")
"""What a silence as it was read holds besides; `updatedAt` says which state of it was read."""


class _Ids(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[str]


class _Labelled(msgspec.Struct):
    labels: dict[str, str] = {}


class _Check(msgspec.Struct):
    labels: dict[str, str] = {}
    alert: _Labelled | None = None


class SilenceApi:
    """The handlers over one router."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live

    def routes(self) -> tuple[Route, ...]:
        """Everything served here; the paths without a value in them come first."""
        table = (
            ("POST", "silences/check", self.check),
            ("POST", "silences/bulk/delete", self.delete_many),
            ("GET", "silences/{id}", self.get),
            ("PUT", "silences/{id}", self.put),
            ("DELETE", "silences/{id}", self.delete),
        )
        return tuple(Route(verb, path, guarded(handler), CONTRACT[verb, path]) for verb, path, handler in table)

    async def check(self, ask: Ask) -> Reply:
        """POST /silences/check: the silences that keep an alert with these labels quiet now."""
        began = time.perf_counter()
        asked = decoded(ask, _Check)
        labels = canonical(asked.alert.labels if asked.alert is not None else asked.labels)
        if not labels:
            raise wrong("labels", "at least one label is needed")
        now = self._live.now()
        silences = self._live.silences
        ids = silences.mutes(labels, now)
        shown = [self._shown(found, now.wall) for found in map(silences.get, ids) if found is not None]
        took = (time.perf_counter() - began) * 1000
        told: dict[str, Any] = {
            "silenced": bool(ids),
            "silenceIDs": ids,
            "silences": shown,
            "latencyMs": round(took, 3),
        }
        return answer(ask, told)

    async def delete_many(self, ask: Ask) -> Reply:
        """POST /silences/bulk/delete: end up to a hundred silences, those that there are."""
        ids = list(dict.fromkeys(decoded(ask, _Ids).ids))
        if not 1 <= len(ids) <= _MOST:
            raise wrong("ids", f"must be 1 to {_MOST} ids")
        unknown = await self._live.expire_silences(ids)
        if len(unknown) == len(ids):
            details = [{"field": "ids", "message": "silence not found", "value": each[:200]} for each in unknown]
            raise Problem("VALIDATION_ERROR", "there is no silence with any of these ids", *details)
        told: dict[str, Any] = {"deleted": len(ids) - len(unknown)}
        if unknown:
            told["errors"] = [{"id": each, "error": "silence not found"} for each in unknown]
        return answer(ask, told, status=207 if unknown else 200)

    async def get(self, ask: Ask) -> Reply:
        """GET /silences/{id}."""
        return self._answer(ask, self._known(ask))

    async def delete(self, ask: Ask) -> Reply:
        """DELETE /silences/{id}: end it now; that it was over already is fine."""
        await self._live.expire_silence(self._known(ask).id)
        reply = answer(ask, None, status=204)
        return Reply(204, headers=reply.headers)

    async def put(self, ask: Ask) -> Reply:
        """PUT /silences/{id}: change what is given and leave the rest. As with Alertmanager, a change that would
        rewrite the past ends the silence and makes another, whose id is in the answer.

        Who says which state was read (`updatedAt` in the body, or If-Match) is told of a change in between (409).
        """
        known = self._known(ask)
        given = decoded(ask, dict[str, Any])
        for name in given:
            if name not in (*_FIELDS, *_AS_READ):
                raise wrong(name, f"is not known; a silence has {', '.join(_FIELDS)}")
        if given.get("id", known.id) != known.id:
            raise wrong("id", "is not the one in the path", str(given["id"]))
        self._unchanged(ask, known, given)
        draft = self._draft(known, {name: value for name, value in given.items() if name in _FIELDS})
        try:
            silence_id = await self._live.put_silence(draft)
        except SilenceNotFound:
            raise Problem("NOT_FOUND", "silence not found") from None
        except SilenceError as error:
            raise Problem("VALIDATION_ERROR", str(error)) from None
        written = self._live.silences.get(silence_id)
        if written is None:
            raise Problem("CONFLICT", "the silence was removed meanwhile")
        return self._answer(ask, written)

    def _known(self, ask: Ask) -> Silence:
        silence_id = ask.path["id"]
        if not _UUID.fullmatch(silence_id):
            raise wrong("id", "must be a UUID", silence_id)
        silence = self._live.silences.get(silence_id) or self._live.silences.get(silence_id.lower())
        if silence is None:
            raise Problem("NOT_FOUND", "silence not found")
        return silence

    def _unchanged(self, ask: Ask, known: Silence, given: dict[str, Any]) -> None:
        read = given.get("updatedAt")
        stale = False
        if read is not None:
            stale = format_millis(_instant("updatedAt", read)) != format_millis(known.updated)
        if ask.if_match and ask.if_match.strip() != "*":
            stale |= _tag(known) not in [tag.strip().removeprefix("W/") for tag in ask.if_match.split(",")]
        if stale:
            detail = {"field": "updatedAt", "message": "the silence is of", "value": format_millis(known.updated)}
            raise Problem("CONFLICT", "somebody has changed the silence since it was read", detail)

    def _draft(self, known: Silence, given: dict[str, Any]) -> SilenceDraft:
        for name in given.keys() & {"startsAt", "endsAt"}:
            _instant(name, given[name])
        body = {**msgspec.json.decode(self._json(known, self._live.now().wall)), **given}
        try:
            draft = decode_silence(msgspec.json.encode(body))
        except IngestError as error:
            raise Problem("VALIDATION_ERROR", error.message) from None
        # What was not given stays to the nanosecond, which the form does not show.
        if "startsAt" not in given:
            draft = msgspec.structs.replace(draft, starts=known.starts)
        if "endsAt" not in given:
            draft = msgspec.structs.replace(draft, ends=known.ends)
        return draft

    def _json(self, silence: Silence, wall: int) -> bytes:
        try:
            return fragment.silence_json(silence, wall)
        except fragment.Unshowable as error:
            raise Problem("INTERNAL_ERROR", str(error)) from None

    def _shown(self, silence: Silence, wall: int) -> msgspec.Raw:
        return msgspec.Raw(self._json(silence, wall))

    def _answer(self, ask: Ask, silence: Silence) -> Reply:
        reply = answer(ask, None, headers=(("ETag", _tag(silence)),))
        return Reply(200, self._json(silence, self._live.now().wall) + b"\n", JSON, reply.headers)


def _instant(field: str, given: object) -> int:
    try:
        return parse_rfc3339(str(given))[0]
    except TimestampError:
        raise wrong(field, "must be a time such as 2026-11-27T02:15:00.000Z", str(given)) from None


def _tag(silence: Silence) -> str:
    return f'"{silence.updated}"'
