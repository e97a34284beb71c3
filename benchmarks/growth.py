"""`python -m benchmarks.growth`: how costs grow with alerts, groups, silences and rules, in microseconds for each.

All of it runs on the engine alone, in this process: processor time, the fastest of several runs. With `--short` it is
only seen to run.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count

from ampp.api.fragment import write_alerts
from ampp.core import query
from ampp.core.clock import HOUR, Now
from ampp.core.engine import Engine
from ampp.core.matcher import Matcher, Op
from ampp.core.silence import SilenceDraft
from ampp.core.takeover import load_plan
from ampp.core.view import AlertQuery
from ampp.ingest.compact import read_repeats
from benchmarks.inside import best, engine, moment, posts, texts

_SAMPLE = 2_000
"""New things on top of what is there, by which the next one's cost is measured."""


def _filled(some: Engine, size: int) -> Engine:
    some.receive(posts(some, size), moment())
    return some


def _new(some: Engine, size: int) -> float:
    fresh = count(size, _SAMPLE)

    def more() -> float:
        ready = posts(some, _SAMPLE, next(fresh))
        return best(_SAMPLE, lambda: some.receive(ready, moment()), 1)

    return min(more() for _ in range(3))


def _again(some: Engine, size: int) -> float:
    def once(bodies: Iterable[bytes]) -> None:
        for body in bodies:
            repeats = read_repeats(body, some.book.alerts)
            if repeats is None or some.refresh(repeats, moment()) != len(repeats.alerts):
                raise RuntimeError("a known alert was not known again")

    once(texts(size, 64))
    return min(best(size, partial(once, texts(size, 64)), 1) for _ in range(3))


def _list(some: Engine) -> int:
    asked, out = AlertQuery(), [b""]
    for views in query.alerts(some, asked, moment().wall):
        write_alerts(views, out)
    return len(b"".join(out))


def alerts(size: int) -> dict[str, float]:
    some = _filled(engine(), size)
    found = {
        "re-sent, read and merged": _again(some, size),
        "listed, the first time": best(size, partial(_list, some), 1),
        "listed": best(size, partial(_list, some), 3),
    }
    return {"new, merged and seated": _new(some, size), **found}


def groups(size: int) -> dict[str, float]:
    """Groups of one alert each."""
    some = engine("instance")
    ready = posts(some, size)
    found = {"opened by a new alert": best(size, lambda: some.receive(ready, moment()), 1)}
    found["taken over at a reload"] = best(size, lambda: load_plan(some, some.plan, moment(), keep_timers=False), 3)
    fresh = posts(some, 20, size)

    def turn() -> None:
        for post in fresh:
            # Older than group_wait, so it is due at once.
            post.starts -= HOUR
            some.receive([post], moment())
            some.due(moment())
            some.next_due()

    found["opened and told at once, the others waiting"] = best(len(fresh), turn, 1)
    at = moment()
    later = Now(at.wall + HOUR, at.mono + HOUR)
    for alert in some.book:
        alert.ends = later.wall + HOUR

    def flush() -> None:
        while some.groups.next_due() is not None and some.due(later).notify:
            pass

    found["due, up to the hand-over to delivery"] = best(size, flush, 1)
    return found


def silences(size: int) -> dict[str, float]:
    """Silences of one instance each, by equality and by regular expression."""
    found = {}
    for name, op, value in (("=", Op.EQ, "node-{:06d}.example.com:9100"), ("=~", Op.RE, "node-{:06d}.*")):
        some = _filled(engine(), _SAMPLE)
        book = some.muting.silences
        numbers = count()

        def put(
            many: int, op: Op = op, value: str = value, some: Engine = some, numbers: "count[int]" = numbers
        ) -> None:
            at = moment()
            for number in (next(numbers) for _ in range(many)):
                sets = ((Matcher("instance", op, value.format(2 * number)),),)
                some.muting.silences.put(SilenceDraft(None, sets, ends=at.wall + HOUR, comment="c"), at)

        put(size)
        at = moment()
        alerts = list(some.book)

        def ask(some: Engine = some, alerts: list[object] = alerts, at: Now = at) -> None:  # type: ignore[assignment]
            for alert in alerts:
                alert.muted = None  # type: ignore[attr-defined]
                some.muting.silenced_by(alert, at.wall)  # type: ignore[arg-type]

        found[f"alert asked the first time, instance{name}…"] = best(_SAMPLE, ask, 1)
        found[f"alert asked after a change, instance{name}…"] = best(_SAMPLE, ask, 3)
        found[f"one more created, instance{name}…"] = best(200, partial(put, 200), 1)
        assert len(book) == size + 200
    return found


def rules(size: int) -> dict[str, float]:
    """Rules that name one source and one target each; all alerts are targets of the last one, whose source fires."""
    text = "inhibit_rules:\n" + "".join(
        f'- {{source_matchers: [kind="source", rule="{n}"], target_matchers: [kind="target", rule="{n}"], '
        "equal: [cluster]}\n"
        for n in range(size)
    )
    some = engine(rules=text)
    last = str(size - 1)
    sources = posts(some, _SAMPLE, kind="source", rule=last)
    found = {"new source": best(_SAMPLE, lambda: some.receive(sources, moment()), 1)}
    targets = posts(some, _SAMPLE, _SAMPLE, kind="target", rule=last)
    found["new target"] = best(_SAMPLE, lambda: some.receive(targets, moment()), 1)
    at = moment()
    asked = [alert for alert in some.book if alert.labels["kind"] == "target"]
    found["target asked"] = best(_SAMPLE, lambda: [some.muting.inhibited_by(alert, at.wall) for alert in asked], 3)
    return found


def main() -> int:
    tables: tuple[tuple[str, Callable[[int], dict[str, float]], tuple[int, ...]], ...] = (
        ("alerts: one", alerts, (1_000, 10_000, 100_000)),
        ("groups: one", groups, (1_000, 10_000, 100_000)),
        ("silences", silences, (100, 1_000, 10_000)),
        ("inhibit rules", rules, (10, 100, 1_000, 10_000)),
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the smallest sizes alone: that it runs, not how fast")
    short = parser.parse_args().short
    for title, measure, all_sizes in tables:
        sizes = all_sizes[:1] if short else all_sizes
        columns = [measure(size) for size in sizes]
        sys.stdout.write(f"\n| {title} | {' | '.join(f'at {size:,}' for size in sizes)} |\n")
        sys.stdout.write("|---" * (1 + len(sizes)) + "|\n")
        for name in columns[0]:
            sys.stdout.write(f"| {name} | {' | '.join(f'{column[name]:.2f}' for column in columns)} |\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
