"""Inhibition: the definition case by case, then the indexed inhibitor against a reading of the definition."""

import gc
import random

import pytest

from ampp.core.alert import Alert
from ampp.core.clock import HOUR, SECOND, Now
from ampp.core.inhibit import Inhibition, Inhibitor, InhibitRule
from ampp.core.labels import canonical, key
from ampp.core.matcher import Matcher, Op, matches_all

T = 1_700_000_000 * SECOND
NOW = Now(T, 3)
EQ, NE, RE, NRE = Op.EQ, Op.NE, Op.RE, Op.NRE


def alert(ends: int = HOUR, **labels: str) -> Alert:
    labels = canonical(labels)
    return Alert(key(labels), labels, {}, T - HOUR, T + ends, T)


def rule(
    source: list[tuple[str, Op, str]], target: list[tuple[str, Op, str]], *equal: str, name: str = ""
) -> InhibitRule:
    return InhibitRule(name, tuple([Matcher(*m) for m in source]), tuple([Matcher(*m) for m in target]), equal)


def observing(rules: list[InhibitRule], *alerts: Alert) -> Inhibitor:
    inhibitor = Inhibitor(rules)
    for each in alerts:
        inhibitor.observe(each)
    return inhibitor


CRITICAL_OVER_WARNING = rule([("severity", EQ, "critical")], [("severity", EQ, "warning")], "cluster", "service")


class TestDefinition:
    def test_reports_rule_and_source(self) -> None:
        source = alert(severity="critical", cluster="a", service="x")
        other = rule([("never", EQ, "1")], [("severity", EQ, "warning")])
        inhibitor = observing([other, CRITICAL_OVER_WARNING], source)
        found = inhibitor.inhibited_by(alert(severity="warning", cluster="a", service="x"), NOW)
        assert found == Inhibition(1, CRITICAL_OVER_WARNING, source)
        assert found is not None
        assert found.source is source

    @pytest.mark.parametrize(
        ("source", "target", "inhibited"),
        [
            ({"cluster": "a", "service": "x"}, {"cluster": "a", "service": "x"}, True),
            ({"cluster": "a", "service": "x"}, {"cluster": "a", "service": "y"}, False),
            ({"cluster": "a"}, {"cluster": "a"}, True),
            ({}, {}, True),
            ({"cluster": "a"}, {"cluster": "a", "service": "x"}, False),
            # values may not slide from one label to another
            ({"cluster": "x"}, {"service": "x"}, False),
        ],
    )
    def test_equal_labels_missing_is_empty(
        self, source: dict[str, str], target: dict[str, str], inhibited: bool
    ) -> None:
        inhibitor = observing([CRITICAL_OVER_WARNING], alert(severity="critical", **source))
        assert (inhibitor.inhibited_by(alert(severity="warning", **target), NOW) is not None) == inhibited

    def test_without_equal_any_source_will_do(self) -> None:
        inhibitor = observing([rule([("s", EQ, "1")], [("t", EQ, "1")])], alert(s="1", x="anything"))
        assert inhibitor.inhibited_by(alert(t="1", y="else"), NOW)
        assert inhibitor.inhibited_by(alert(t="2"), NOW) is None

    def test_nothing_inhibits_itself_or_its_peers(self) -> None:
        both = rule([("a", EQ, "1")], [("b", EQ, "1")])
        one, two = alert(a="1", b="1", n="one"), alert(a="1", b="1", n="two")
        inhibitor = observing([both], one, two)
        assert inhibitor.inhibited_by(one, NOW) is None
        assert inhibitor.inhibited_by(two, NOW) is None
        # A target that is no source may be inhibited by an alert that matches both sides …
        assert inhibitor.inhibited_by(alert(b="1"), NOW) == Inhibition(0, both, one)
        # … and one that is, by a source that is no target.
        pure = alert(a="1")
        inhibitor.observe(pure)
        assert inhibitor.inhibited_by(one, NOW) == Inhibition(0, both, pure)

    def test_a_peer_on_both_sides_does_not_hide_a_source_on_one(self) -> None:
        two_sided = rule([("s", EQ, "1")], [("t", RE, "1|2")], "e")
        inhibitor = observing([two_sided], alert(s="1", t="1", e="x"), alert(s="1", e="x"))
        assert inhibitor.inhibited_by(alert(s="1", t="2", e="x"), NOW)

    def test_no_matchers_on_one_side(self) -> None:
        no_source = rule([], [("t", EQ, "1")], "e")
        inhibitor = observing([no_source], alert(e="x", n="1"), alert(e="x", t="1"))
        assert inhibitor.inhibited_by(alert(e="x", t="1"), NOW)
        assert inhibitor.inhibited_by(alert(e="y", t="1"), NOW) is None
        no_target = rule([("s", EQ, "1")], [])
        source = alert(s="1")
        inhibitor = observing([no_target], source)
        assert inhibitor.inhibited_by(alert(n="1"), NOW)
        assert inhibitor.inhibited_by(source, NOW) is None

    def test_a_rule_from_null_never_inhibits(self) -> None:
        inhibitor = observing([InhibitRule()], alert(a="1"), alert(a="2"))
        assert inhibitor.inhibited_by(alert(a="1"), NOW) is None
        assert inhibitor.inhibited_by(alert(), NOW) is None

    def test_no_rules(self) -> None:
        assert observing([], alert(a="1")).inhibited_by(alert(a="1"), NOW) is None

    def test_first_rule_of_the_configuration_answers(self) -> None:
        rules = [rule([("s", EQ, str(n))], [("t", EQ, "1")], name=str(n)) for n in range(20)]
        inhibitor = observing(rules, alert(s="13"), alert(s="4"), alert(s="9"))
        found = inhibitor.inhibited_by(alert(t="1"), NOW)
        assert found is not None
        assert found.rule_index == 4


class TestSources:
    def test_the_first_observed_that_fires_is_named(self) -> None:
        any_source = rule([("s", EQ, "1")], [("t", EQ, "1")])
        first, second = alert(s="1", n="first", ends=10), alert(s="1", n="second", ends=100)
        inhibitor = observing([any_source], first, second)
        inhibitor.observe(first)
        named = [inhibitor.inhibited_by(alert(t="1"), Now(T + offset, 0)) for offset in (0, 9, 10, 99, 100)]
        assert [each and each.source for each in named] == [first, first, second, second, None]

    def test_a_source_on_one_side_is_named_before_one_on_both(self) -> None:
        some = rule([("s", EQ, "1")], [("t", EQ, "1")])
        inhibitor = observing([some], alert(s="1", t="1"), alert(s="1"))
        found = inhibitor.inhibited_by(alert(t="1"), NOW)
        assert found is not None
        assert found.source.labels == {"s": "1"}

    def test_ends_is_read_when_asked(self) -> None:
        source = alert(severity="critical", ends=0)
        inhibitor = observing([CRITICAL_OVER_WARNING], source)
        target = alert(severity="warning")
        assert inhibitor.inhibited_by(target, NOW) is None
        source.ends = T + 1
        assert inhibitor.inhibited_by(target, NOW)
        source.ends = T - 1
        assert inhibitor.inhibited_by(target, NOW) is None

    def test_forget_leaves_nothing_behind(self) -> None:
        rules = [CRITICAL_OVER_WARNING, rule([], [("a", EQ, "1")]), rule([("severity", RE, "c.*")], [])]
        source = alert(severity="critical", cluster="a")
        inhibitor = observing(rules, source, source)
        inhibitor.inhibited_by(source, NOW)
        inhibitor.forget(source)
        inhibitor.forget(source)
        assert source not in _reachable(inhibitor)
        assert source.key not in _reachable(inhibitor)
        assert inhibitor._shelves == [{}, {}, {}]
        assert inhibitor.inhibited_by(alert(severity="warning", cluster="a"), NOW) is None
        inhibitor.observe(source)
        assert inhibitor.inhibited_by(alert(severity="warning", cluster="a"), NOW)

    def test_asking_about_a_stranger_does_not_keep_it(self) -> None:
        stranger = alert(severity="warning")
        inhibitor = observing([CRITICAL_OVER_WARNING])
        inhibitor.inhibited_by(stranger, NOW)
        assert stranger.key not in _reachable(inhibitor)

    def test_a_new_object_for_known_labels_takes_over(self) -> None:
        old, new = alert(severity="critical"), alert(severity="critical")
        inhibitor = observing([CRITICAL_OVER_WARNING], old, new)
        found = inhibitor.inhibited_by(alert(severity="warning"), NOW)
        assert found is not None
        assert found.source is new
        assert old not in _reachable(inhibitor)


class TestFamilies:
    """Rules whose sources are the same, and never their own targets."""

    RULES = [
        rule([("s", EQ, "1"), ("z", NE, "0")], [("s", RE, "2|3"), ("t", EQ, str(n))], "e", name=str(n))
        for n in range(9)
    ]

    def test_a_source_is_put_away_once_for_all_of_them(self) -> None:
        one, two = alert(s="1", e="x", n="1"), alert(s="1", e="x", n="2")
        inhibitor = observing(self.RULES, one, two)
        held = {id(shelf): shelf.source_only for shelves in inhibitor._shelves for shelf in shelves.values()}
        assert list(held.values()) == [{one.key: one, two.key: two}]
        for n in range(9):
            found = inhibitor.inhibited_by(alert(s="3", t=str(n), e="x"), NOW)
            assert found == Inhibition(n, self.RULES[n], one)
        inhibitor.forget(one)
        inhibitor.forget(two)
        assert not any(inhibitor._shelves)

    def test_a_source_and_its_targets_meet_in_one_place(self) -> None:
        source = alert(s="1", e="x")
        targets = [alert(s="2", t=str(n), e="x") for n in range(9)]
        inhibitor = observing(self.RULES, source, *targets)
        (place,), _ = inhibitor.places(source)
        assert [inhibitor.places(each) for each in targets] == [((), (place,))] * 9

    @pytest.mark.parametrize(
        "other",
        [
            rule([("s", EQ, "1"), ("z", NE, "0")], [("t", EQ, "1")], "e"),  # a source may be a target, too
            rule([("s", EQ, "1"), ("z", NE, "1")], [("s", EQ, "2")], "e"),
            rule([("s", EQ, "1")], [("s", EQ, "2")], "e"),
            rule([("s", EQ, "1"), ("z", NE, "0")], [("s", EQ, "2")], "e", "f"),
            rule([("s", EQ, "1"), ("z", NE, "0")], [("s", EQ, "2")]),
        ],
    )
    def test_others_stay_by_themselves(self, other: InhibitRule) -> None:
        inhibitor = observing([*self.RULES, other], alert(s="1", e="x"))
        assert len({id(shelves) for shelves in inhibitor._shelves}) == 2


def _reachable(root: object) -> list[object]:
    """Everything `root` holds, directly or not, short of classes, modules and functions."""
    found: dict[int, object] = {}
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in found or isinstance(each, type) or type(each).__name__ in ("module", "function"):
            continue
        found[id(each)] = each
        waiting += gc.get_referents(each)
    return list(found.values())


def _naive(rules: list[InhibitRule], alerts: list[Alert], target: Alert, wall: int) -> tuple[int, set[bytes]] | None:
    """The definition word by word: the first rule that inhibits, and all alerts that could be its source."""
    for index, each in enumerate(rules):
        if not matches_all(each.target, target.labels):
            continue
        two_sided = matches_all(each.source, target.labels)
        sources = {
            source.key
            for source in alerts
            if matches_all(each.source, source.labels)
            and source.ends > wall
            and all(source.labels.get(name, "") == target.labels.get(name, "") for name in each.equal)
            and not (two_sided and matches_all(each.target, source.labels))
        }
        if sources:
            return index, sources
    return None


CONDITIONS = [
    (name, op, value)
    for name in "abc"
    for op, values in {EQ: ["1", "2", ""], NE: ["1", ""], RE: ["1|2", ".*", ".+"], NRE: ["1", ".+"]}.items()
    for value in values
]


@pytest.mark.parametrize("seed", range(4))
def test_random_use_agrees_with_the_definition(seed: int) -> None:
    rnd = random.Random(seed)
    answers = [inhibited for _ in range(10) for inhibited in _random_use(rnd, steps=150)]
    assert answers.count(True) > 200
    assert answers.count(False) > 200


def _random_use(rnd: random.Random, steps: int) -> list[bool]:
    """One random set of rules, used at random and compared at every step; what the answers were."""
    rules = [
        rule(
            rnd.sample(CONDITIONS, rnd.choice([0, 1, 1, 1, 2])),
            rnd.sample(CONDITIONS, rnd.choice([0, 1, 1, 1, 2])),
            *rnd.choice([(), ("a",), ("b",), ("a", "c"), ("d",), ("d", "e")]),
        )
        for _ in range(rnd.choice([1, 3, 8]))
    ]
    for _ in range(rnd.choice([0, 0, 4])):
        like = rnd.choice(rules)
        rules.append(InhibitRule("", like.source, (Matcher(*rnd.choice(CONDITIONS)), *like.target), like.equal))
    inhibitor = Inhibitor(rules)
    alerts: dict[bytes, Alert] = {}
    answers = []
    wall = T
    for _ in range(steps):
        wall += rnd.randrange(5)
        one = alert(wall - T + rnd.randrange(-5, 60), **{name: rnd.choice(["", "1", "2", "3"]) for name in "abcde"})
        match rnd.choice(["observe", "observe", "refresh", "forget", "again"]):
            case "observe":
                alerts[one.key] = one
                inhibitor.observe(one)
            case "refresh" if alerts:
                rnd.choice(list(alerts.values())).ends = wall + rnd.randrange(-5, 60)
            case "forget" if alerts:
                one = alerts.pop(rnd.choice(list(alerts)))
                inhibitor.forget(one)
            case "again" if alerts:
                inhibitor.observe(rnd.choice(list(alerts.values())))
        target = rnd.choice([one, *alerts.values()])
        expected = _naive(rules, list(alerts.values()), target, wall)
        found = inhibitor.inhibited_by(target, Now(wall, 0))
        answers.append(found is not None)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert found.rule_index == expected[0]
            assert found.source.key in expected[1]
            assert found.source is alerts[found.source.key]
    return answers
