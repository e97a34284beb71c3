"""The courses of alerts and groups: over which spans they fired, and over which they were kept quiet."""

import random
from itertools import pairwise
from pathlib import Path

from ampp.core.clock import SECOND
from ampp.core.labels import fingerprint, fingerprint_hex
from ampp.history.course import Span, joined, of_fingerprints, of_groups
from tests.history.book import Told, told
from tests.history.test_unfold import DAY, OPS
from tests.stories.story import MONDAY, Story

BEGAN = MONDAY // SECOND * 1000


def shown(course: tuple[Span, ...]) -> list[str]:
    """`since-until`, in seconds of the story, and an asterisk where it is quiet."""
    return [
        f"{(span.since - BEGAN) / 1000:g}-{(span.until - BEGAN) / 1000:g}{'*' if span.quiet else ''}" for span in course
    ]


def courses(book: Told, since: int, until: int) -> dict[str, list[str]]:
    names = {
        name: fingerprint_hex(fingerprint({"alertname": name, "job": "a"})) for name in ("A", "B", "C")
    }  # of C nothing is known
    window = BEGAN + since * 1000, BEGAN + until * 1000
    found = of_fingerprints(book.connection, names.values(), *window)
    of_all = {name: shown(found[one]) for name, one in names.items() if one in found}
    for key, (course, whole) in of_groups(book.connection, ["{}:{}", "{}:{x}"], *window).items():
        assert whole
        of_all[key] = shown(course)
    return of_all


def test_a_day(tmp_path: Path) -> None:
    book = told(tmp_path, Story(OPS).play(DAY))
    assert courses(book, 0, 3600) == {
        "A": ["0-630", "630-1830*", "1830-1980"],
        "B": ["0-1620"],
        "{}:{}": ["0-1620", "1620-1830*", "1830-1980"],
    }
    # What came before the window is known, though nothing of it happened within.
    assert courses(book, 700, 1700) == {"A": ["700-1700*"], "B": ["700-1620"], "{}:{}": ["700-1620", "1620-1700*"]}
    assert courses(book, 3000, 3600) == {"A": [], "B": []}


def test_what_fires_still_reaches_the_end(tmp_path: Path) -> None:
    book = told(tmp_path, Story(OPS).play("0s A{job=a} fires\n30s ops hears first notification: A{job=a}\n1h the end"))
    assert courses(book, 600, 3600) == {"A": ["600-3600"], "{}:{}": ["600-3600"]}


def test_several_courses_as_one() -> None:
    chance = random.Random(3)
    for _ in range(300):
        several = []
        for _ in range(chance.randrange(4)):
            cuts = sorted(chance.sample(range(20), 2 * chance.randrange(5)))
            several.append([Span(*pair, chance.random() < 0.5) for pair in zip(cuts[::2], cuts[1::2], strict=True)])
        one = joined(several)
        for at in range(20):
            here = [span.quiet for course in several for span in course if span.since <= at < span.until]
            state = [span.quiet for span in one if span.since <= at < span.until]
            assert state == ([all(here)] if here else []), (several, one, at)
        assert all(a.until < b.since or a.quiet != b.quiet for a, b in pairwise(one))
