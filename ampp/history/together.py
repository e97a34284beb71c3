"""Several labels that many alerts have each: perhaps few have all of them, or none.

Which those are is found by asking the alerts that have the rarest label for the others. That takes longer than looking
at the latest events, of which mostly enough have all of the labels, and so it is done only when they have not.
"""

from typing import Final

import apsw
import msgspec

from ampp.history.clause import HOLDERS, Conditions, way_by
from ampp.store.sqlite.history.schema import MANY
from ampp.store.sqlite.rows import count, fetch

__all__ = ["narrowed"]

_LOOKED: Final = 5_000
"""Label sets with one label that are asked for the others."""


def narrowed(connection: apsw.Connection, wanted: Conditions) -> Conditions:
    """The same, with the way by the alerts that have all of the labels if they are few; `nothing` if there are none."""
    pairs = dict(wanted.together)
    sizes = [(count(connection, HOLDERS, (pair,), _LOOKED), pair) for pair in pairs]
    size, first = min(sizes)
    if size > _LOOKED:
        return wanted
    others = " AND ".join(["EXISTS (SELECT 1 FROM label m WHERE m.pair = ? AND m.alert = l.alert)"] * (len(pairs) - 1))
    rest = [pair for pair in pairs if pair != first]
    query = f"SELECT l.alert FROM label AS l WHERE l.pair = ? AND {others} LIMIT ?"
    ids = [identity for (identity,) in fetch(connection, query, (first, *rest, MANY + 1))]
    if not ids:
        return msgspec.structs.replace(wanted, nothing=True)
    if len(ids) > MANY:
        return wanted
    return msgspec.structs.replace(wanted, ways=(*wanted.ways, way_by(connection, "alert", ids, *pairs.values())))
