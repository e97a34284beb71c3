"""A long listing leaves in parts of which none is large, however large or many its alerts are."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ampp.api.port import ClusterStatus
from ampp.api.query import Query
from ampp.api.reply import Long
from ampp.api.v2 import V2
from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core import query
from ampp.core.alert import PostedAlert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine
from ampp.core.matcher import Mode
from ampp.core.silence import SilenceBook
from ampp.core.view import AlertQuery, AlertView, GroupView

CONFIG = "route: {receiver: ops, group_by: [g]}\nreceivers: [{name: ops}]"
NOW = Now(1_700_000_000 * SECOND, 0)


class Asked:
    """An engine as the API asks it."""

    def __init__(self, count: int, size: int) -> None:
        silences = SilenceBook(SECOND, Mode.UTF8, new_id=str, size_of=lambda silence: 0)
        self.engine = Engine(compile_plan(load(CONFIG)), silences, mode=Mode.UTF8, retention=SECOND, now=NOW)
        self.engine.receive(
            [
                PostedAlert(labels={"g": str(n % 7), "n": str(n)}, annotations={"text": "x" * size}, ends_off=n % 2)
                for n in range(count)
            ],
            NOW,
        )

    def alerts(self, asked: AlertQuery) -> Iterator[list[AlertView]]:
        return query.alerts(self.engine, asked, NOW.wall)

    async def groups(self, asked: AlertQuery) -> list[GroupView]:
        return [group for some in query.groups(self.engine, asked, NOW.wall) for group in some]


@pytest.mark.parametrize(("count", "size"), [(3000, 300), (300, 30_000), (7, 200_000)])
async def test_parts_are_small_and_make_up_the_whole(count: int, size: int) -> None:
    live: Any = Asked(count, size)
    api = V2(live, Mode.UTF8, ClusterStatus())
    for answer, grouped in ((api.get_alerts, False), (api.get_groups, True)):
        reply = await answer(Query(""))
        assert isinstance(reply.long, Long)
        parts = list(reply.long)
        assert max(map(len, parts)) < 256 << 10
        assert sum(map(len, parts)) == reply.size
        told = msgspec.json.decode(b"".join(parts))
        alerts = [alert for group in told for alert in group["alerts"]] if grouped else told
        assert sorted(int(alert["labels"]["n"]) for alert in alerts) == list(range(count))
        assert {len(alert["annotations"]["text"]) for alert in alerts} == {size}
        assert list(reply.long) == []
