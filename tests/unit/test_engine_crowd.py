"""Many groups due at once take their turns a few at a time, and fewer where they are large."""

import pytest

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import PostedAlert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import CROWD, MOST, Engine
from ampp.core.matcher import Mode
from ampp.core.silence import SilenceBook

CONFIG = """
route: {receiver: all, group_by: [group], group_wait: 10s}
receivers: [{name: all, webhook_configs: [{url: "http://127.0.0.1:9/"}]}]
"""
START = Now(1_700_000_000 * SECOND, 0)


@pytest.mark.parametrize(("groups", "alerts", "first"), [(3 * MOST, 1, MOST), (7, CROWD // 2, 2), (3, 2 * CROWD, 1)])
def test_a_crowd_takes_its_turns_a_few_at_a_time(groups: int, alerts: int, first: int) -> None:
    silences = SilenceBook(3600 * SECOND, Mode.UTF8, new_id=lambda: "id", size_of=lambda silence: 0)
    engine = Engine(compile_plan(load(CONFIG)), silences, mode=Mode.UTF8, retention=3600 * SECOND, now=START)
    posted = [{"group": str(group), "n": str(n)} for group in range(groups) for n in range(alerts)]
    engine.receive([PostedAlert(labels=labels) for labels in posted], START)
    now = Now(START.wall + 11 * SECOND, 11 * SECOND)
    turns = []
    while (due := engine.next_due()) is not None and due <= now.mono:
        turns.append(len(engine.due(now).notify))
    assert turns[0] == first
    assert sum(turns) == groups
