"""Groups chosen by a filter are those that there are without it, less what it leaves out."""

import random
from itertools import chain

import msgspec

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import PostedAlert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine
from ampp.core.matcher import Mode, matches_all, parse_matchers
from ampp.core.query import groups
from ampp.core.silence import SilenceBook, SilenceDraft
from ampp.core.view import AlertQuery, AlertView

CONFIG = """
route:
  receiver: all
  group_by: [a]
  group_wait: 1h
  routes:
  - {receiver: some, matchers: [b=~"0|1"], group_by: [a, absent, b], continue: true}
  - {receiver: each, matchers: [c!="1"], group_by: ['...'], continue: true}
  - {receiver: one, group_by: [], continue: true}
receivers: [{name: all}, {name: some}, {name: each}, {name: one}]
inhibit_rules: [{source_matchers: [a="0"], target_matchers: [a="1"], equal: [b]}]
"""
START = Now(1_700_000_000 * SECOND, 0)


def test_a_filter_leaves_out_what_it_does_not_match_and_nothing_else() -> None:
    dice = random.Random(7)
    told = 0
    for _ in range(8):
        silences = SilenceBook(3600 * SECOND, Mode.UTF8, new_id=lambda: "id", size_of=lambda silence: 0)
        plan = compile_plan(load(CONFIG))
        engine = Engine(plan, silences, mode=Mode.UTF8, retention=3600 * SECOND, now=START)
        quiet = parse_matchers('c="2"', Mode.UTF8).matchers
        silences.put(SilenceDraft(None, (quiet,), 0, START.wall + 60 * SECOND, "me", "quiet"), START)
        alerts = [
            {name: str(dice.randrange(3)) for name in "abc" if dice.random() < 0.8} | {"n": str(number)}
            for number in range(100)
        ]
        engine.receive([PostedAlert(labels=labels) for labels in alerts], START)
        for _ in range(25):
            some = [f"{dice.choice(['a', 'b', 'c', 'absent'])}{dice.choice(FORMS)}" for _ in range(dice.randint(1, 3))]
            query = AlertQuery(
                matchers=tuple(chain.from_iterable(parse_matchers(text, Mode.UTF8).matchers for text in some))
            )
            flag = dice.choice(("silenced", "inhibited", "active"))
            query = msgspec.structs.replace(query, **{flag: dice.random() < 0.5})
            found = shown(engine, query)
            assert found == narrowed(shown(engine, msgspec.structs.replace(query, matchers=())), query), some
            told += len(found)
    assert told > 500


FORMS = ('="0"', '!="1"', '=~"0|2"', '!~"1.*"', '=""', '!=""', '=~".*"')


Shown = tuple[dict[str, str], str, list[AlertView]]


def shown(engine: Engine, query: AlertQuery) -> list[Shown]:
    found = chain.from_iterable(groups(engine, query, START.wall))
    return [(group.labels, group.receiver, group.alerts) for group in found]


def narrowed(found: list[Shown], query: AlertQuery) -> list[Shown]:
    less = [
        (labels, receiver, [view for view in alerts if matches_all(query.matchers, view.alert.labels)])
        for labels, receiver, alerts in found
    ]
    return [each for each in less if each[2]]
