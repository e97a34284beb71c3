"""The history over HTTP: lists, counts and reports of what happened, and what was told to whom."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import apsw
import msgspec
import trio

from ampp.api.extensions.answer import Ask, Handler, Route, answer, failure, timestamp
from ampp.api.extensions.history_contract import CONTRACT
from ampp.api.reply import Reply
from ampp.config.error import closest
from ampp.core.clock import SECOND
from ampp.history import event, notification, page, row, summary
from ampp.history import filter as filters
from ampp.history.error import FieldError, HistoryError, HistoryOff, HistoryTimeout, HistoryUnavailable
from ampp.history.filter import LONGEST_RANGE, Filter, Parameters
from ampp.history.history import DEADLINE, History
from ampp.history.page import Page, Paging
from ampp.observe.metrics import HistoryMetrics

__all__ = ["HistoryApi", "guarded", "only"]

T = TypeVar("T")

_DAY: Final = 24 * 3600 * 1000
_PAGES: Final = 10_000
_PER_PAGE: Final = 1_000
_RECENT: Final = 20
_SEVERITIES: Final = ("critical", "warning", "info", "noise")

_PAGING: Final = ("page", "per_page", "limit", "offset", "sort_field", "sort_order", "cursor")
_WINDOW: Final = ("from", "to", "since", "until")

_FAILURES: Final = {
    HistoryOff: "SERVICE_UNAVAILABLE",
    HistoryUnavailable: "SERVICE_UNAVAILABLE",
    HistoryTimeout: "TIMEOUT_ERROR",
}


class HistoryApi:
    """The handlers over one history."""

    def __init__(self, history: History, metrics: HistoryMetrics) -> None:
        self._history: Final = history
        self._metrics: Final = metrics

    def routes(self) -> tuple[Route, ...]:
        """Everything served here; the paths without a value in them come first."""
        table: tuple[tuple[str, str, Callable[[Ask], Awaitable[Reply]]], ...] = (
            ("GET", "history", self.listing),
            ("GET", "history/top", self.top),
            ("GET", "history/flapping", self.flapping),
            ("GET", "history/recent", self.recent),
            ("GET", "history/stats", self.stats),
            ("POST", "history/search", self.search),
            ("GET", "history/{fingerprint}", self.one),
            ("GET", "report", self.report),
            ("GET", "notifications", self.notifications),
        )
        return tuple(Route(method, path, guarded(handler), CONTRACT[path]) for method, path, handler in table)

    async def _ask(self, question: Callable[[apsw.Connection], T], deadline: float = DEADLINE) -> T:
        with self._metrics.queries.time():
            return await self._history.ask(question, deadline)

    # -- lists -------------------------------------------------------------------------------------------------

    async def listing(self, ask: Ask) -> Reply:
        """GET /history."""
        only(ask.parameters, *filters.NAMES, *_PAGING)
        return answer(ask, await self._page(filters.parse(ask.parameters), _paging(ask.parameters, page.SORTS)))

    async def search(self, ask: Ask) -> Reply:
        """POST /history/search: as the list, with everything in the body, and a text to be found."""
        try:
            body = msgspec.json.decode(ask.body, type=_Search)
        except msgspec.MsgspecError as error:
            raise FieldError("body", str(error)) from None
        if not body.query:
            raise FieldError("query", "must not be empty")
        asked = filters.parse({**_spread(body.filters), "search": [body.query]})
        paging = {
            "page": body.pagination.page,
            "per_page": body.pagination.per_page,
            "cursor": body.pagination.cursor,
            "sort_field": body.sorting.field,
            "sort_order": body.sorting.order,
        }
        given = {name: [str(value)] for name, value in paging.items() if value is not None}
        return answer(ask, {**await self._page(asked, _paging(given, page.SORTS)), "query": body.query})

    async def _page(self, asked: Filter, paging: Paging) -> dict[str, Any]:
        def question(connection: apsw.Connection) -> tuple[Page, list[dict[str, Any]]]:
            found = event.find(connection, asked, paging, _now())
            return found, row.events(connection, found.ids)

        found, alerts = await self._ask(question)
        if found.limited:
            self._metrics.limited.inc()
        return {"alerts": alerts, **_around(found, paging)}

    async def one(self, ask: Ask) -> Reply:
        """GET /history/{fingerprint}: all about one alert, newest first."""
        only(ask.parameters, "limit")
        fingerprint = ask.path["fingerprint"].lower()
        if len(fingerprint) not in (16, 64) or set(fingerprint) - set("0123456789abcdef"):
            raise FieldError("fingerprint", "must be 16 or 64 hexadecimal digits", ask.path["fingerprint"])
        limit = filters.number(ask.parameters, "limit", 100, 1, _PER_PAGE)
        asked = Filter(fingerprints=(fingerprint,))
        paging = Paging(per_page=limit, sort="created_at")
        found = await self._page(asked, paging)
        if not found["alerts"]:
            return failure(ask, "NOT_FOUND", f"the history knows no alert with fingerprint {fingerprint}")
        alerts = found["alerts"]
        shown = {
            "fingerprint": alerts[0]["fingerprint"],
            "am_fingerprint": alerts[0]["am_fingerprint"],
            "alerts": alerts,
            "count": len(alerts),
            "limit": limit,
        }
        return answer(ask, shown)

    async def recent(self, ask: Ask) -> Reply:
        """GET /history/recent: what was recorded last."""
        only(ask.parameters, "limit")
        limit = filters.number(ask.parameters, "limit", 50, 1, _PER_PAGE, clamp=True)
        alerts = await self._ask(partial(_recent, limit=limit))
        return answer(ask, {"alerts": alerts, "count": len(alerts), "limit": limit, "timestamp": timestamp()})

    # -- counts ------------------------------------------------------------------------------------------------

    async def top(self, ask: Ask) -> Reply:
        """GET /history/top: what fired most often."""
        only(ask.parameters, "limit", *_WINDOW)
        limit = filters.number(ask.parameters, "limit", 10, 1, 100)
        since, until = _window(ask.parameters)
        alerts = await self._ask(lambda connection: summary.top(connection, since, until, limit))
        shown = {"alerts": alerts, "count": len(alerts), "limit": limit, "time_range": _range(since, until)}
        return answer(ask, {**shown, "timestamp": timestamp()})

    async def flapping(self, ask: Ask) -> Reply:
        """GET /history/flapping: what went on and off most often."""
        only(ask.parameters, "threshold", *_WINDOW)
        threshold = filters.number(ask.parameters, "threshold", summary.FLAPS, 1, 100)
        since, until = _window(ask.parameters)
        alerts = await self._ask(lambda connection: summary.flapping(connection, since, until, threshold))
        shown = {"alerts": alerts, "count": len(alerts), "threshold": threshold, "time_range": _range(since, until)}
        return answer(ask, {**shown, "timestamp": timestamp()})

    async def stats(self, ask: Ask) -> Reply:
        """GET /history/stats: how much there was of what."""
        only(ask.parameters, *_WINDOW)
        since, until = _window(ask.parameters)
        shown = await self._ask(lambda connection: summary.stats(connection, since, until))
        reply = answer(ask, shown)
        tag = f'"{hashlib.blake2b(reply.body, digest_size=12).hexdigest()}"'
        headers = (*reply.headers, ("ETag", tag), ("Cache-Control", "max-age=5, public"))
        if tag in ask.if_none_match:
            return Reply(304, b"", None, headers)
        return msgspec.structs.replace(reply, headers=headers)

    async def report(self, ask: Ask) -> Reply:
        """GET /report: counts, what fired most, what flaps and perhaps what came last, each read at the same time."""
        began = time.perf_counter()
        only(ask.parameters, "namespace", "severity", "top", "min_flap", "include_recent", *_WINDOW)
        since, until = _window(ask.parameters)
        scope = summary.Scope(
            _word(ask.parameters, "namespace", filters.SHORT), _word(ask.parameters, "severity", 0, _SEVERITIES)
        )
        most = filters.number(ask.parameters, "top", 10, 1, 100)
        threshold = filters.number(ask.parameters, "min_flap", summary.FLAPS, 1, 100)
        include = _word(ask.parameters, "include_recent", 0, ("true", "false")) == "true"
        parts: dict[str, Callable[[apsw.Connection], Any]] = {
            "summary": lambda connection: summary.stats(connection, since, until, scope),
            "top_alerts": lambda connection: summary.top(connection, since, until, most, scope),
            "flapping_alerts": lambda connection: summary.flapping(connection, since, until, threshold, scope),
        }
        if include:
            parts["recent_alerts"] = partial(_recent, limit=_RECENT, scope=scope)
        shown: dict[str, Any] = {}
        errors: list[str] = []

        async def fill(name: str, question: Callable[[apsw.Connection], Any]) -> None:
            try:
                shown[name] = await self._ask(question)
            except HistoryOff:
                raise
            except HistoryError as error:
                errors.append(f"{name}: {error}")

        with trio.move_on_after(DEADLINE) as patience:
            try:
                async with trio.open_nursery() as nursery:
                    for name, question in parts.items():
                        nursery.start_soon(fill, name, question)
            except* HistoryOff:
                errors.append("")
        if errors == [""] or "" in errors:
            raise HistoryOff
        if patience.cancelled_caught:
            raise HistoryTimeout(f"the report was not ready within {DEADLINE:g} s: ask for a shorter time")
        if not shown:
            raise HistoryUnavailable("; ".join(errors))
        metadata = {
            "generated_at": timestamp(),
            "request_id": ask.request_id,
            "processing_time_ms": round((time.perf_counter() - began) * 1000, 3),
            "cache_hit": False,
            "partial_failure": bool(errors),
            "errors": errors,
        }
        return answer(ask, {"metadata": metadata, **{name: shown.get(name) for name in parts}})

    # -- notifications -----------------------------------------------------------------------------------------

    async def notifications(self, ask: Ask) -> Reply:
        """GET /notifications: decisions to tell somebody, or not, newest first."""
        only(ask.parameters, "receiver", "integration", "status", "reason", "group", "alert", *_WINDOW, *_PAGING)
        asked = notification.parse(ask.parameters)
        paging = _paging(ask.parameters, {"created_at": "id"}, "created_at")

        def question(connection: apsw.Connection) -> tuple[Page, list[dict[str, Any]]]:
            found = notification.find(connection, asked, paging)
            return found, notification.show(connection, found)

        found, shown = await self._ask(question)
        return answer(ask, {"notifications": shown, **_around(found, paging)})


class _Pagination(msgspec.Struct, frozen=True):
    page: int | None = None
    per_page: int | None = None
    cursor: str | None = None


class _Sorting(msgspec.Struct, frozen=True):
    field: str | None = None
    order: str | None = None


class _Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    query: str
    filters: dict[str, Any] = {}
    pagination: _Pagination = _Pagination()
    sorting: _Sorting = _Sorting()


def guarded(handler: Handler) -> Handler:
    """The handler, with what goes wrong turned into an answer."""

    async def answered(ask: Ask) -> Reply:
        try:
            return await handler(ask)
        except FieldError as error:
            detail = {"field": error.field, "message": error.message}
            if error.value is not None:
                detail["value"] = error.value
            return failure(ask, "VALIDATION_ERROR", str(error), detail)
        except HistoryError as error:
            return failure(ask, _FAILURES[type(error)], str(error))

    return answered


def only(parameters: Parameters, *known: str) -> None:
    """Refuse parameters that nobody reads: a filter that was misspelt must not seem to have matched everything."""
    for name in parameters:
        base = name.partition("[")[0]
        if base not in known and not name.startswith("_"):
            near = closest(base, known)
            raise FieldError(name, "is not a parameter here" + (f"; did you mean {near}?" if near else ""))


def _spread(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Filters in JSON as the parameters they stand for: lists are several values, objects are labels."""
    found: dict[str, list[str]] = {}
    for name, value in given.items():
        if isinstance(value, dict):
            for label, wanted in value.items():
                found[f"{name}[{label}]"] = [str(wanted)]
        else:
            values = value if isinstance(value, list) else [value]
            found[name] = [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
    only(found, *filters.NAMES)
    return found


def _paging(parameters: Parameters, sorts: Mapping[str, str], default: str = "starts_at") -> Paging:
    number = filters.number
    per_page = number(parameters, "per_page", number(parameters, "limit", 50, 1, _PER_PAGE), 1, _PER_PAGE)
    sort = _word(parameters, "sort_field", 0, tuple(sorts)) or default
    order = _word(parameters, "sort_order", 0, ("asc", "desc")) or "desc"
    first = number(parameters, "page", 1, 1, _PAGES)
    offset = number(parameters, "offset", (first - 1) * per_page, 0, _PAGES * _PER_PAGE)
    cursor = _word(parameters, "cursor", 2_000)
    return Paging(offset, per_page, sort, order == "desc", cursor)


def _word(parameters: Parameters, field: str, most: int, known: tuple[str, ...] = ()) -> str:
    """One text, at most so long or one of those known; empty when not given."""
    text = (parameters.get(field) or ("",))[-1]
    if text and known and text not in known:
        raise FieldError(field, f"must be one of {', '.join(known)}", text)
    if not known and len(text) > most:
        raise FieldError(field, f"must have at most {most} characters")
    return text


def _window(parameters: Parameters) -> tuple[int, int]:
    """The span asked for: by default the 24 hours up to now, or up to `to`."""
    since, until = filters.window(parameters)
    if until is None:
        until = _now()
    if since is None:
        since = until - _DAY
    if since > until:
        raise FieldError("from", "must not be later than now")
    if until - since > LONGEST_RANGE:
        raise FieldError("from", "must not be more than 90 days before to")
    return since, until


def _range(since: int, until: int) -> dict[str, str]:
    return {"from": row.instant(since), "to": row.instant(until)}


def _around(found: Page, paging: Paging) -> dict[str, Any]:
    """What a list says beside its rows."""
    return {
        "total": found.total,
        "total_exact": found.exact,
        "page": paging.offset // paging.per_page + 1,
        "per_page": paging.per_page,
        "total_pages": -(-found.total // paging.per_page),
        "has_next": found.more,
        "has_prev": paging.offset > 0 or bool(paging.cursor),
        "next_cursor": found.cursor or None,
        "stopped_at_scan_limit": found.limited,
    }


def _recent(connection: apsw.Connection, limit: int, scope: summary.Scope | None = None) -> list[dict[str, Any]]:
    asked = scope or summary.Scope()
    wanted = Filter(
        namespace=(asked.namespace,) if asked.namespace else (), severity=(asked.severity,) if asked.severity else ()
    )
    found = event.find(connection, wanted, Paging(per_page=limit, sort="created_at"), _now())
    return row.events(connection, found.ids)


def _now() -> int:
    return time.time_ns() // (SECOND // 1000)
