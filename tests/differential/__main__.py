"""`python -m tests.differential`: random timelines into a real Alertmanager and ampp, compared.

Exit code 1 when a difference is left that no documented change explains.
"""

import argparse
import collections
import subprocess
import sys
from collections.abc import Sequence

from tests.differential.compare import EXCUSES, Difference, compare
from tests.differential.drive import LATE, drive
from tests.differential.timeline import generate
from tests.support import ampp_command, ampp_missing, real_binary

__all__ = ["check"]


def is_old(command: Sequence[str]) -> bool:
    """Whether a reference is older than 0.34 and its documented changes are to be excused.

    Told by a flag: a binary built from source may not know its version.
    """
    said = subprocess.run([command[0], "--help"], capture_output=True, text=True, check=False)
    return "--silences.max-silences" not in said.stdout + said.stderr


def check(
    seeds: Sequence[int],
    reference: Sequence[str],
    candidate: Sequence[str],
    *,
    full: bool,
    seconds: float,
    together: int = 40,
    reloads: Sequence[float] = (),
    rivals: bool = True,
    said: bool = False,
) -> list[Difference]:
    """All differences over the seeds, `together` timelines at a time in one pair of daemons.

    A timeline with an unexplained difference, or one that could not be played in time, is played again among few:
    what does not come back was the machine's doing. With `reloads` it gets four such chances, because upstream flushes
    rebuilt groups while it still loads their alerts and inhibiting alerts, so that what they tell is chance; what ampp
    tells must be among it.
    """
    old = is_old(reference)

    def say(text: str) -> None:
        if said:
            print(text, flush=True)  # noqa: T201

    def batch(some: Sequence[int]) -> list[Difference]:
        timelines = [generate(seed, full=full, seconds=seconds, rivals=rivals, reloads=reloads) for seed in some]
        left, right = drive(timelines, [reference, candidate], reloads=reloads, said=say)
        found = []
        for timeline in timelines:
            one, two = left[timeline.seed], right[timeline.seed]
            differences = compare(timeline, one, two, old=old, reloads=reloads)
            if max(one.latest, two.latest) > LATE and not differences:
                differences = [Difference(timeline.seed, "", "the run", "could not be played in time", True)]
            found += differences
        return found

    found: list[Difference] = []
    for begin in range(0, len(seeds), together):
        some = seeds[begin : begin + together]
        again = list(some)
        for play in range(5 if reloads else 2):
            size = together if play == 0 else 10
            latest = [d for few in range(0, len(again), size) for d in batch(again[few : few + size])]
            bad = sorted({d.seed for d in latest if not d.name or d.late})
            found += [d for d in latest if d.seed not in bad]
            say(f"seeds {some[0]}-{some[-1]}, play {play + 1}: differences in {bad}")
            again = bad
            if not again:
                break
            for d in latest:
                if not d.name:
                    say(f"  (play {play + 1}) {d.seed} {d.where}: {d.what}")
        found += [d for d in latest if d.seed in again]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--seeds", type=int, default=40, help="how many timelines")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a timeline")
    parser.add_argument("--together", type=int, default=40, help="timelines in one pair of daemons")
    parser.add_argument("--full", action="store_true", help="also what 0.25 is known to do otherwise")
    parser.add_argument("--reload", type=float, action="append", default=[], help="reload at this second (repeatable)")
    parser.add_argument("--reference", metavar="PATH", help="the real Alertmanager to compare with")
    parser.add_argument("--candidate", metavar="PATH", help="compare this instead of ampp")
    chosen = parser.parse_args()
    reference = chosen.reference or real_binary("prometheus-alertmanager")
    if reference is None:
        print("prometheus-alertmanager is not installed", file=sys.stderr)  # noqa: T201
        return 2
    if not chosen.candidate and ampp_missing():
        print(ampp_missing(), file=sys.stderr)  # noqa: T201
        return 2
    found = check(
        range(chosen.first, chosen.first + chosen.seeds),
        [reference],
        [chosen.candidate] if chosen.candidate else ampp_command(),
        full=chosen.full,
        seconds=chosen.seconds,
        together=chosen.together,
        reloads=chosen.reload,
        rivals=is_old([reference]) and not chosen.candidate,
        said=True,
    )
    excused = collections.Counter(d.name for d in found if d.name)
    for name, count in sorted(excused.items()):
        print(f"documented: {count} x {name}: {EXCUSES[name]}")  # noqa: T201
    failures = [d for d in found if not d.name]
    for d in failures:
        print(f"DIFFERENCE seed {d.seed}{' (played late)' if d.late else ''} {d.where}: {d.what}")  # noqa: T201
    print(f"{chosen.seeds} timelines, {len({d.seed for d in failures})} with unexplained differences")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
