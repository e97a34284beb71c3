"""The matcher index against asking every list, and the filing by plain alternatives."""

import random

import pytest

from ampp.core.index import MatcherIndex, _needle
from ampp.core.labels import canonical
from ampp.core.matcher import Matcher, Op, matches_all
from ampp.core.regex import RegexError, anchored

VALUES = ["", "a", "b", "ab", "a.b", "a|b", "axb", "long" * 400]
PATTERNS = [
    "a",
    "a|b",
    "(a|b)",
    "(?:a|ab)",
    "a\\.b",
    "a\\|b|b",
    "a.b",
    ".*",
    ".+",
    "a|",
    "",
    "(a)|(b)",
    "x",
    "[ab]",
    "(?i)A",
]


def random_matcher(rnd: random.Random) -> Matcher:
    op = rnd.choice(list(Op))
    return Matcher(rnd.choice("xyz"), op, rnd.choice(VALUES if op in (Op.EQ, Op.NE) else PATTERNS))


def test_index_agrees_with_asking_every_list() -> None:
    rnd = random.Random(7)
    index: MatcherIndex[int] = MatcherIndex()
    lists: dict[int, list[Matcher]] = {}
    hits = 0
    for step in range(3_000):
        if rnd.random() < 0.35 and lists:
            token = rnd.choice(list(lists))
            del lists[token]
            index.discard(token)
        elif rnd.random() < 0.5:
            lists[step] = [random_matcher(rnd) for _ in range(rnd.choice([0, 1, 1, 2, 3]))]
            index.add(step, lists[step])
        labels = canonical({name: rnd.choice(VALUES) for name in "wxyz"})
        expected = sorted(token for token, matchers in lists.items() if matches_all(matchers, labels))
        assert sorted(index.matching(labels)) == expected
        assert len(index) == len(lists)
        hits += len(expected)
    assert hits > 5_000


@pytest.mark.parametrize(
    ("pattern", "value"),
    [("a|b", "a"), ("(a|b)", "b"), ("(?:a|b)", "b"), ("a\\.b|c", "a.b"), ("a\\|b", "a|b"), ("x\\-1|y_z", "x-1")],
)
def test_plain_alternatives_are_filed_by_value(pattern: str, value: str) -> None:
    index: MatcherIndex[str] = MatcherIndex()
    index.add("t", [Matcher("n", Op.RE, pattern)])
    assert [entry.token for entry in index.candidates({"n": value})] == ["t"]
    assert index._columns == {}


@pytest.mark.parametrize("pattern", ["a|", "", "a.b", "a\\d", "\\Qa\\E", "a|\\x41", "(?i)a", "(a)|(b)"])
def test_other_patterns_are_not(pattern: str) -> None:
    index: MatcherIndex[str] = MatcherIndex()
    index.add("t", [Matcher("n", Op.RE, pattern)])
    assert index._values == {}


def test_a_common_label_does_not_collect_all_lists() -> None:
    index: MatcherIndex[int] = MatcherIndex()
    for number in range(100):
        index.add(number, [Matcher("alertname", Op.EQ, "Disk"), Matcher("instance", Op.EQ, f"i{number}")])
    assert len(index.candidates({"alertname": "Disk", "instance": "i7"})) <= 2
    assert index.matching({"alertname": "Disk", "instance": "i7"}) == [7]


def test_a_token_is_filed_once() -> None:
    index: MatcherIndex[int] = MatcherIndex()
    index.add(1, [])
    with pytest.raises(ValueError, match="filed already"):
        index.add(1, [])


@pytest.mark.parametrize("matchers", [[Matcher("c", Op.RE, "(")], [Matcher("a", Op.EQ, "b"), Matcher("c", Op.RE, "(")]])
def test_a_list_that_does_not_compile_is_not_half_filed(matchers: list[Matcher]) -> None:
    index: MatcherIndex[int] = MatcherIndex()
    with pytest.raises(ValueError, match="missing closing"):
        index.add(1, matchers)
    assert len(index) == 0
    assert index.matching({"a": "b", "c": "d"}) == []


@pytest.mark.parametrize(
    ("pattern", "needle"),
    [
        ("host-1.*", "host-1"),
        (".*-canary", "-canary"),
        ("^a\\.b\\.example:\\d+$", "a.b.example:"),
        ("ab*cde", "cde"),
        ("ab+c", "ab"),
        ("ab?c", "a"),
        ("abc{2}", "ab"),
        ("abc(?i)def", "abc"),
        ("abc[de]f", "abc"),
        ("abc|abd", ""),
        ("abc(d|e)", ""),
        ("(?i)abc", ""),
        ("\\Qabc\\E", ""),
        ("\\x41bc", ""),
        ("abc)|(?:d", ""),
        ("a{,3}", ""),
    ],
)
def test_demanded_text(pattern: str, needle: str) -> None:
    assert _needle(pattern) == needle


def test_every_match_contains_the_demanded_text() -> None:
    rnd = random.Random(11)
    pieces = [*"aab.*+?|()[]{}^$1,-", "\\", "\\.", "\\d", "\\Q", "\\E", "\\x41", "(?i)", "(?:", "{1}", "[^a]", "a", "b"]
    demanding = matches = 0
    for _ in range(6_000):
        pattern = "".join(rnd.choices(pieces, k=rnd.randrange(1, 7)))
        try:
            test = anchored(pattern).test
        except RegexError:
            continue
        needle = _needle(pattern)
        demanding += needle != ""
        for _ in range(12):
            value = "".join(rnd.choices("aabA1.,", k=rnd.randrange(5)))
            if test(value):
                matches += 1
                assert needle in value, pattern
    assert demanding > 500
    assert matches > 1_000


def test_what_is_discarded_leaves_nothing_behind() -> None:
    index: MatcherIndex[int] = MatcherIndex()
    lists = [[], [Matcher("a", Op.EQ, "1")], [Matcher("a", Op.RE, "1|2")], [Matcher("a", Op.NE, "1")]]
    for token, matchers in enumerate(lists):
        index.add(token, matchers)
    index.matching({"a": "1"})
    for token in range(len(lists)):
        index.discard(token)
    assert (index._always, index._values, index._columns) == ({}, {}, {})


def test_a_busy_column_does_not_grow() -> None:
    index: MatcherIndex[int] = MatcherIndex()
    index.add(-1, [Matcher("a", Op.RE, ".+")])
    for token in range(1_000):
        index.add(token, [Matcher("a", Op.RE, f"{token}.*")])
        assert sorted(index.matching({"a": str(token)})) == [-1, token]
        index.discard(token)
    assert len(index._columns["a"]._entries) <= 3
    assert len(index._columns["a"]._asked) <= 3
