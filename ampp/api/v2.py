"""Alertmanager's API v2: what each operation answers, given the request's parts. Routing and headers are `app`'s."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeVar

import msgspec
import trio

from ampp.api import fragment
from ampp.api.port import ClusterStatus, Port
from ampp.api.query import Query
from ampp.api.reply import JSON, Long, Reply, empty, framework_error, go_json, handler_error, ingest_error, json_reply
from ampp.api.selection import SelectionError, select
from ampp.api.zone import local_offset
from ampp.core.matcher import MatcherError, Mode, matches_all
from ampp.core.quote import go_quote
from ampp.core.regex import RegexError, anchored
from ampp.core.silence import SilenceError, SilenceNotFound
from ampp.core.timestamp import format_millis
from ampp.core.view import AlertQuery, AlertView
from ampp.ingest.alertmanager import decode_alerts
from ampp.ingest.compact import read_repeats
from ampp.ingest.fault import IngestError
from ampp.ingest.silence import decode_silence
from ampp.observe import stall
from ampp.observe.build import BUILD
from ampp.store.error import StoreDown

__all__ = ["V2"]

_BATCH: Final = 64
"""Alerts encoded between two looks at the clock."""

_PART: Final = 250_000
"""Bytes of a listing that are put together and sent by themselves. From 256 KiB on the C library would get memory for
each part from the kernel (`ampp.observe.memory`), which takes four times as long as to fill it."""

_MANY: Final = 1 << 14
"""Bytes of alerts that are a batch: new ones take some milliseconds."""

_LARGE_BODY: Final = 1 << 18
"""Bytes from which a body is decoded in a thread."""

_LARGE_REPEAT: Final = 1 << 20
"""Bytes from which a body is not looked at for alerts that merely come again: on the event loop that takes too long."""

_UUID: Final = re.compile(
    r"(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}|[0-9a-f]{32}",
    re.IGNORECASE,
)

_T = TypeVar("_T")


class V2:
    """The operations of /api/v2 over one router. `mode` rules the matchers in query parameters."""

    def __init__(self, live: Port, mode: Mode, cluster: ClusterStatus) -> None:
        self._live: Final = live
        self._mode: Final = mode
        self._cluster: Final = cluster

    async def get_status(self) -> Reply:
        cluster: dict[str, object] = {
            "peers": [{"address": peer.address, "name": peer.name} for peer in self._cluster.peers],
            "status": self._cluster.status,
        }
        if self._cluster.name:
            cluster = {"name": self._cluster.name, **cluster}
        started = self._live.started
        return json_reply(
            go_json(
                {
                    "cluster": cluster,
                    "config": {"original": self._live.config.original()},
                    "uptime": format_millis(started, local_offset(started)),
                    "versionInfo": {
                        "branch": BUILD.branch,
                        "buildDate": BUILD.date,
                        "buildUser": BUILD.user,
                        "goVersion": BUILD.runtime,
                        "revision": BUILD.revision,
                        "version": BUILD.version,
                    },
                }
            )
        )

    async def get_receivers(self, query: Query) -> Reply:
        try:
            matchers = query.matchers("receiver_matchers", self._mode)
        except MatcherError as error:
            return handler_error(400, f"failed to parse receiver_matchers param: {error}")
        shown = [
            {"labels": dict(receiver.labels), "name": receiver.name} if receiver.labels else {"name": receiver.name}
            for receiver in self._live.plan.receivers.values()
            if matches_all(matchers, receiver.labels)
        ]
        return json_reply(go_json(shown))

    async def get_alerts(self, query: Query) -> Reply:
        asked = self._alert_query(query)
        if isinstance(asked, Reply):
            return asked
        listing = _Listing()
        await listing.write_alerts(self._live.alerts(asked))
        return listing.reply()

    async def get_groups(self, query: Query) -> Reply:
        asked = self._alert_query(query)
        if isinstance(asked, Reply):
            return asked
        listing = _Listing()
        groups = await self._live.groups(asked)
        groups.reverse()
        comma = b""
        while groups:
            # Each is let go of when it is written: freeing 100,000 of them in one piece would hold others up.
            group = groups.pop()
            # All groups' pieces stand in one flat list, so that megabytes are copied once and not at every level.
            listing.write(comma, b'{"alerts":[')
            comma = b","
            await listing.write_alerts([group.alerts])
            listing.write(b"]", fragment.group_tail(group))
        return listing.reply()

    def _alert_query(self, query: Query) -> AlertQuery | Reply:
        try:
            matchers = query.matchers("filter", self._mode)
        except MatcherError as error:
            return handler_error(400, str(error))
        receiver = query.last("receiver")
        try:
            test = anchored(receiver).test if receiver else None
        except RegexError as error:
            return handler_error(400, f"failed to parse receiver param: {error}")
        try:
            receiver_matchers = query.matchers("receiver_matchers", self._mode)
        except MatcherError as error:
            return handler_error(400, f"failed to parse receiver_matchers param: {error}")
        return AlertQuery(
            active=query.flag("active"),
            silenced=query.flag("silenced"),
            inhibited=query.flag("inhibited"),
            muted=query.flag("muted"),
            matchers=matchers,
            receiver=test,
            receiver_matchers=receiver_matchers,
        )

    async def post_alerts(self, body: bytes) -> Reply:
        live = self._live
        repeats = read_repeats(body, live.known) if len(body) < _LARGE_REPEAT else None
        taken = live.refresh(repeats) if repeats else 0
        if repeats and taken == len(repeats.alerts):
            return empty()
        if len(body) > _MANY:
            # Of several senders whose batches came at the same moment, one is not to wait for all.
            await stall.rest()
        try:
            posts = await _decode(decode_alerts, body, local_offset(live.now().wall), live.known)
        except IngestError as error:
            return ingest_error(error)
        try:
            complaints = await live.post_alerts(posts[taken:] if taken else posts)
        except StoreDown as error:
            return _unstored(error)
        return handler_error(400, "\n".join(complaints)) if complaints else empty()

    async def get_silences(self, query: Query) -> Reply:
        try:
            wanted = query.matchers("filter", self._mode)
        except MatcherError as error:
            return handler_error(400, str(error))
        now = self._live.now()
        shown = self._live.silences.query(
            wanted, now, active=query.flag("active"), pending=query.flag("pending"), expired=query.flag("expired")
        )
        try:
            shown, total = select(shown, query, now.wall)
        except SelectionError as error:
            return handler_error(400, str(error))
        listing = _Listing()
        try:
            await listing.write_all(partial(fragment.silence_json, wall=now.wall), shown)
        except fragment.Unshowable as error:
            return handler_error(500, str(error))
        reply = listing.reply()
        return reply if total is None else msgspec.structs.replace(reply, headers=(("X-Total-Count", str(total)),))

    async def get_silence(self, silence_id: str) -> Reply:
        if refusal := _refuse_id(silence_id):
            return refusal
        silence = self._live.silences.get(silence_id)
        if silence is None:
            return empty(404)
        try:
            return json_reply(fragment.silence_json(silence, self._live.now().wall))
        except fragment.Unshowable as error:
            return handler_error(500, str(error))

    async def delete_silence(self, silence_id: str) -> Reply:
        if refusal := _refuse_id(silence_id):
            return refusal
        try:
            await self._live.expire_silence(silence_id)
        except SilenceNotFound:
            return empty(404)
        except StoreDown as error:
            return _unstored(error)
        return empty()

    async def post_silences(self, body: bytes) -> Reply:
        try:
            draft = await _decode(decode_silence, body)
        except IngestError as error:
            return ingest_error(error)
        try:
            silence_id = await self._live.put_silence(draft)
        except SilenceNotFound as error:
            return handler_error(404, str(error))
        except SilenceError as error:
            return handler_error(400, str(error))
        except StoreDown as error:
            return _unstored(error)
        return json_reply(go_json({"silenceID": silence_id}))


async def _decode(decoder: Callable[..., _T], body: bytes, *rest: object) -> _T:
    if len(body) < _LARGE_BODY:
        return decoder(body, *rest)
    return await trio.to_thread.run_sync(decoder, body, *rest)


class _Listing:
    """A JSON array on its way to be an answer. It lets other tasks have a turn every few milliseconds of encoding,
    however the work is divided, and is put together on its way out, one part at a time."""

    def __init__(self) -> None:
        self._pace = stall.Pace()
        self._out = [b"["]
        self._size = 1
        self._done: list[list[bytes]] = []
        self._done_size = 0

    def write(self, *pieces: bytes) -> None:
        self._out += pieces
        self._size += sum(map(len, pieces))

    async def write_alerts(self, batches: Iterable[list[AlertView]]) -> None:
        """Write the alerts, with commas between them."""
        begun = False
        for views in batches:
            for first in range(0, len(views), _BATCH):
                pieces: list[bytes] = []
                size = fragment.write_alerts(views[first : first + _BATCH], pieces)
                if not begun:
                    begun = True
                    pieces[0] = pieces[0][2:]
                    size -= 2
                self._add(pieces, size)
                await self._pace.pause()
            if not views:
                await self._pace.pause()
        if begun:
            self.write(b"}")

    def _add(self, pieces: list[bytes], size: int) -> None:
        if self._size + size > _PART:
            self._cut()
        if size > _PART:
            # These are large: what is sent at a time is not to be.
            for piece in pieces:
                if self._size + len(piece) > _PART:
                    self._cut()
                self.write(piece)
        else:
            self._out += pieces
            self._size += size

    async def write_all(self, encode: Callable[[_T], bytes], items: Iterable[_T]) -> None:
        """Write the items, with commas between them."""
        for count, item in enumerate(items):
            if count:
                self.write(b",")
            if not count & 15:
                if self._size > _PART >> 1:
                    self._cut()
                await self._pace.pause()
            self.write(encode(item))

    def reply(self) -> Reply:
        """The answer, now that all is written."""
        self.write(b"]\n")
        if not self._done:
            return Reply(200, b"".join(self._out), JSON)
        self._cut()
        return Reply(200, content_type=JSON, long=Long(self._done, self._done_size))

    def _cut(self) -> None:
        if self._out:
            self._done.append(self._out)
            self._done_size += self._size
            self._out, self._size = [], 0


def _refuse_id(silence_id: str) -> Reply | None:
    if _UUID.fullmatch(silence_id):
        return None
    return framework_error(601, f"silenceID in path must be of type uuid: {go_quote(silence_id)}")


def _unstored(error: StoreDown) -> Reply:
    """ampp's own: taken in, but not yet safe on disk."""
    return framework_error(503, str(error))
