"""GET /alerts/{fingerprint}/explain: why somebody was told about an alert, or not, now or at a moment of the past."""

from typing import Any, Final

import msgspec

from ampp.api.extensions.answer import Ask, Route, answer, failure
from ampp.api.extensions.explain_contract import CONTRACT
from ampp.api.extensions.history import guarded, only
from ampp.api.reply import Reply
from ampp.core import labels as labelling
from ampp.core.book import fingerprint
from ampp.core.labels import fingerprint_hex
from ampp.core.timestamp import TimestampError, format_millis, parse_rfc3339
from ampp.history import past, witness
from ampp.history.error import FieldError, HistoryError, HistoryOff
from ampp.history.explanation import explain
from ampp.live import Live
from ampp.observe.stall import Pace

__all__ = ["ExplainApi"]

_HEX: Final = frozenset("0123456789abcdef")

_BATCH: Final = 64
"""Alerts looked at between two turns of somebody else."""


class ExplainApi:
    """The handler, over the running router and its history."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live

    def routes(self) -> tuple[Route, ...]:
        path = "alerts/{fingerprint}/explain"
        return (Route("GET", path, guarded(self.explain), CONTRACT[path]),)

    async def explain(self, ask: Ask) -> Reply:
        """Answer with an `Explanation`."""
        only(ask.parameters, "at")
        given = ask.path["fingerprint"]
        name = given.lower()
        if len(name) not in (16, 64) or set(name) - _HEX:
            raise FieldError("fingerprint", "must be 16 or 64 hexadecimal digits", given)
        now = self._live.now()
        wall = _moment(ask, now.wall)
        if wall is None:
            return await self._present(ask, name)
        facts = await self._live.history.ask(lambda connection: witness.from_history(connection, name, wall))
        if facts is None:
            return failure(ask, "NOT_FOUND", f"no alert with fingerprint {name} was known at {format_millis(wall)}")
        return answer(ask, explain(facts))

    async def _present(self, ask: Ask, name: str) -> Reply:
        """As things stand. Of an alert long gone, what the history has to say last."""
        live = self._live
        labels, trouble = await self._labels(name)
        config = await self._config()
        now = live.now()
        alert = None if labels is None else witness.known_alert(live.engine, labelling.key(labels))
        if alert is None:
            if trouble:
                return failure(ask, "NOT_FOUND", f"no alert with fingerprint {name} is known now, and {trouble}")
            facts = await live.history.ask(lambda connection: witness.from_history(connection, name, now.wall))
            if facts is None:
                return failure(ask, "NOT_FOUND", f"no alert with fingerprint {name} is known")
            return answer(ask, explain(facts))
        known = witness.from_engine(live.engine, alert, now, *config)
        if not trouble:
            try:
                known = await live.history.ask(lambda connection: witness.with_history(connection, known))
            except HistoryError as error:
                trouble = str(error)
        if trouble:
            note = f"without what was decided and delivered before: {trouble}"
            known = msgspec.structs.replace(known, notes=(*known.notes, note))
        return answer(ask, explain(known))

    async def _labels(self, name: str) -> tuple[dict[str, str] | None, str]:
        """The labels of the alert with that fingerprint, by the history's index or by looking through all alerts; and
        why the history could not help, if so."""
        trouble = ""
        try:
            labels = await self._live.history.ask(lambda connection: past.labels_of(connection, name))
            if labels is not None:
                return labels, ""
        except HistoryError as error:
            trouble = str(error)
        pace = Pace()
        for place, alert in enumerate(list(self._live.engine.book)):
            if not place % _BATCH:
                await pace.pause()
            if _is(name, alert.labels, fingerprint(alert)):
                return alert.labels, trouble
        return None, trouble

    async def _config(self) -> tuple[int, int]:
        """When the configuration in force took effect, and its hash."""
        live = self._live
        try:
            found = await live.history.ask(lambda connection: past.configuration(connection, live.now().wall))
        except (HistoryOff, HistoryError):
            found = None
        return (live.started if found is None else found.at), live.config.hash


def _is(name: str, labels: dict[str, str], number: int) -> bool:
    return name == (fingerprint_hex(number) if len(name) == 16 else labelling.sha256_hex(labels))


def _moment(ask: Ask, now: int) -> int | None:
    """Wall nanoseconds of `at`, None when it is not given."""
    text: Any = (ask.parameters.get("at") or ("",))[-1]
    if not text:
        return None
    try:
        wall = parse_rfc3339(text)[0]
    except TimestampError:
        raise FieldError("at", "must be a time as in RFC 3339, such as 2026-11-27T03:00:00Z", text) from None
    if wall > now:
        raise FieldError("at", "must not be in the future", text)
    return wall
