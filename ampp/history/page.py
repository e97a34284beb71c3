"""A page of a list: how it is asked for, what it tells beside its rows, and cursors.

A cursor names the last row by what it is sorted by, not by its place: rows that come in meanwhile move nothing.
"""

import base64
import binascii
from typing import Any, Final, TypeAlias

import msgspec

from ampp.history.error import FieldError

__all__ = ["COUNTED", "SORTS", "Page", "Paging", "Row", "compare", "encode_cursor", "order_of", "read_cursor"]

COUNTED: Final = 10_000
"""Rows that are counted; a total beyond is told as a lower bound."""

Row: TypeAlias = tuple[Any, int]
"""What a row is sorted by, and its number."""

SORTS: Final = {
    "created_at": "id",
    "updated_at": "id",
    "starts_at": "starts",
    "ends_at": "ends",
    "status": "resolved",
    "severity": "severity",
    "alert_name": "name",
    "fingerprint": "sha",
}
"""What can be sorted by, and how the column is called here."""


class Paging(msgspec.Struct, frozen=True):
    """Which page: the rows after the first `offset`, or those after `cursor` when that is given."""

    offset: int = 0
    per_page: int = 50
    sort: str = "starts_at"
    descending: bool = True
    cursor: str = ""


class Page(msgspec.Struct, frozen=True):
    """The numbers of the events of a page, and what surrounds it.

    `exact`: whether `total` is, or only a lower bound. `limited`: the search stopped before all rows were looked at.
    `cursor` is where the next page begins, empty when there is none.
    """

    ids: tuple[int, ...]
    total: int
    exact: bool
    more: bool
    limited: bool
    cursor: str


def read_cursor(paging: Paging) -> Row | None:
    """What the cursor says: the last row's sort value, and its number. Raises FieldError."""
    if not paging.cursor:
        return None
    try:
        padded = paging.cursor + "=" * (-len(paging.cursor) % 4)
        sort, descending, value, identity = msgspec.json.decode(
            base64.urlsafe_b64decode(padded), type=tuple[str, bool, int | str | None, int]
        )
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise FieldError("cursor", "is not a cursor of this server", paging.cursor) from None
    if (sort, descending) != (paging.sort, paging.descending):
        raise FieldError("cursor", f"belongs to a page sorted by {sort} {'desc' if descending else 'asc'}")
    return value, identity


def encode_cursor(paging: Paging, value: Any, identity: int) -> str:
    """The cursor after a row."""
    text = msgspec.json.encode((paging.sort, paging.descending, value, identity))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def order_of(row: Any) -> tuple[bool, Any, int]:
    """Absent values come first in ascending order, as SQL has it."""
    value, identity = row
    return value is not None, value, identity


def compare(row: Row, other: Row) -> int:
    """Positive when `row` comes after `other` in ascending order, 0 when it is the same."""
    left, right = order_of(row), order_of(other)
    return (left > right) - (left < right)
