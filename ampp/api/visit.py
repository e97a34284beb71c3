"""A request for a page, and who may write by one.

Browsers send forms across sites without asking. A write is taken only if the browser says that it comes from a page of
this server, or if whoever asks is no browser at all (those always send `Origin` with a POST).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec

from ampp.api.query import Query
from ampp.api.reply import Reply

__all__ = ["Pages", "Visit"]


class Visit(msgspec.Struct, frozen=True):
    """`path` has no prefix and begins with a slash; `headers` are named in lower case."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    body: bytes = b""

    def form(self) -> Query:
        """The fields of a posted form."""
        return Query(self.body.decode("latin-1"))

    def is_form(self) -> bool:
        """Whether the body says that it is one."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/x-www-form-urlencoded"

    def own(self, external_url: str) -> bool:
        """Whether the request comes from this server's own pages, wherever a proxy shows them."""
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = self.headers.get("origin")
        if origin is None:
            return True
        asked = urlsplit(origin)
        hosts = {self.headers.get("host", "").lower(), urlsplit(external_url).netloc.lower()}
        return asked.scheme in ("http", "https") and asked.netloc.lower() in hosts


Pages: TypeAlias = Callable[[Visit], Awaitable[tuple[Reply, str]]]
"""Answers a visit; beside the answer, the name of the route that gave it, of which there are few."""
