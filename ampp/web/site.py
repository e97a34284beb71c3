"""Which page answers which address. Errors here are pages too."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from ampp.api.origin import Origins
from ampp.api.reply import Reply, plain_error, redirect
from ampp.api.visit import Visit
from ampp.live import Live
from ampp.store.error import StoreDown
from ampp.web import (
    alert,
    alerts,
    appearance,
    configuration,
    contract,
    group,
    history,
    icon,
    inhibition,
    receiver,
    routing,
    silence,
    status,
)
from ampp.web.asset import asset, content, version
from ampp.web.frame import Room
from ampp.web.suggest import suggest

__all__ = ["Site"]

_log: Final = logging.getLogger("ampp.web")

Page: TypeAlias = Callable[[Room, Visit, str], Awaitable[Reply]]
"""Answers a visit; the text is what stands in the path's last place."""

_PAGES: Final[Mapping[str, Page]] = {
    "": alerts.listing,
    "alerts": alerts.listing,
    "alert": alert.page,
    "pane": alert.pane,
    "groups": group.listing,
    "silences": silence.listing,
    "silence": silence.page,
    "silences/new": silence.new,
    "silences/effect": silence.effect,
    "silence/edit": silence.edit,
    "inhibitions": inhibition.page,
    "routing": routing.page,
    "receivers": receiver.listing,
    "history": history.page,
    "status": status.page,
    "api": contract.page,
    "config": configuration.page,
    "look": appearance.page,
}
_WRITES: Final[Mapping[str, Page]] = {
    "silences": silence.put,
    "silences/bulk": silence.bulk,
    "silences/restore": silence.restore,
    "silence/expire": silence.expire,
    "silence/extend": silence.extend,
    "receivers/test": receiver.test,
    "look": appearance.put,
}
_VALUED: Final = frozenset(("alert", "silence"))
"""Where the second part of a path is a value."""

_MANIFEST: Final = {
    "name": "Alertmanager++",
    "short_name": "ampp",
    "start_url": "alerts",
    "scope": "./",
    "display": "standalone",
    "background_color": "#17191c",
    "theme_color": "#17191c",
    "icons": [
        {"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"},
        {"src": "icon-192.png", "sizes": "192x192", "type": "image/png"},
        {"src": "icon-512.png", "sizes": "512x512", "type": "image/png"},
    ],
}
_STATIC: Final = (("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"))


class Site:
    """All pages over one router."""

    def __init__(self, live: Live) -> None:
        self._room: Final = Room(live)
        self._origins: Final = Origins(live.external_url)

    async def answer(self, visit: Visit) -> tuple[Reply, str]:
        """The answer, and the name of the route."""
        parts = visit.path.strip("/").split("/")
        if parts[0] == "favicon.ico":
            kept = (("Cache-Control", "no-cache, no-store, must-revalidate"), ("Pragma", "no-cache"), ("Expires", "0"))
            return Reply(200, icon.favicon(), "image/vnd.microsoft.icon", kept), "/favicon.ico"
        if parts == ["ui"]:
            return redirect(302, "alerts" if visit.path.endswith("/") else "ui/alerts", visit.method), "/ui"
        rest = parts[1:]
        if rest[:1] == ["static"] and len(rest) == 3:
            return asset(rest[1], rest[2], visit.headers.get("accept-encoding", "")), "/ui/static"
        if len(rest) == 1 and rest[0] in _FILES:
            return await _FILES[rest[0]](self._room, visit), f"/ui/{rest[0]}"
        value = ""
        if len(rest) > 1 and rest[0] in _VALUED:
            value = rest.pop(1)
        name = "/".join(rest)
        shown = "/" if visit.path == "/" else f"/ui/{name}"
        table = _WRITES if visit.method == "POST" else _PAGES
        page = table.get(name)
        if page is None:
            return await self._lost(visit), "/ui"
        try:
            if visit.method == "POST":
                refusal = self._refuse(visit)
                if refusal is not None:
                    return refusal, shown
            return await page(self._room.of(visit), visit, value), shown
        except StoreDown as down:
            why = f"It could not be stored: {down.reason}. It holds now, but may not outlive a restart."
            return await self._room.frame.page(
                visit, "trouble.html", title="Not stored", section="", status=503, text=why
            ), shown

    def _refuse(self, visit: Visit) -> Reply | None:
        foreign = self._origins.foreign(lambda name: visit.headers.get(name.decode()))
        if foreign:
            return plain_error(403, foreign)
        if not visit.is_form():
            return plain_error(415, "forms are application/x-www-form-urlencoded")
        return None

    async def _lost(self, visit: Visit) -> Reply:
        if visit.method == "POST":
            return plain_error(404, "404 page not found")
        text = "There is no page at this address."
        return await self._room.frame.page(visit, "trouble.html", title="Not found", section="", status=404, text=text)


async def _badge(room: Room, visit: Visit) -> Reply:
    count = visit.query.last("n")
    number = int(count) if count.isascii() and count.isdigit() and len(count) < 7 else 0
    kept = (("Cache-Control", "public, max-age=86400"), ("X-Content-Type-Options", "nosniff"))
    return Reply(200, icon.svg(number, visit.query.last("l")), "image/svg+xml", kept)


async def _manifest(room: Room, visit: Visit) -> Reply:
    return Reply(200, msgspec.json.encode(_MANIFEST), "application/manifest+json", _STATIC)


async def _worker(room: Room, visit: Visit) -> Reply:
    """The service worker, under an address whose scope is all pages; it changes with the files it keeps."""
    body = content("worker.js").replace(b"VERSION", version().encode())
    return Reply(200, body, "text/javascript; charset=utf-8", _STATIC)


async def _large(room: Room, visit: Visit) -> Reply:
    size = 192 if visit.path.endswith("192.png") else 512
    kept = (("Cache-Control", "public, max-age=86400"), ("X-Content-Type-Options", "nosniff"))
    return Reply(200, icon.picture(size), "image/png", kept)


_FILES: Final[Mapping[str, Callable[[Room, Visit], Awaitable[Reply]]]] = {
    "icon.svg": _badge,
    "icon-192.png": _large,
    "icon-512.png": _large,
    "manifest.webmanifest": _manifest,
    "worker.js": _worker,
    "suggest": suggest,
}
