"""A request for a page, as the pages see it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

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


Pages: TypeAlias = Callable[[Visit], Awaitable[tuple[Reply, str]]]
"""Answers a visit; beside the answer, the name of the route that gave it, of which there are few."""
