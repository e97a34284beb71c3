"""`python -m tests.crash --rounds 50`: kill -9 under load, again and again. Exit code 1 when anything was lost."""

import argparse
import sys

from tests.crash.trial import Trial
from tests.support import ampp_command, ampp_missing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reference", metavar="PATH", help="kill this Alertmanager instead of ampp")
    chosen = parser.parse_args()
    if not chosen.reference and ampp_missing():
        print(ampp_missing(), file=sys.stderr)  # noqa: T201
        return 2
    command = [chosen.reference] if chosen.reference else ampp_command()
    bad = acknowledged = lost = untold = duplicates = unfinished = 0
    with Trial(command, seed=chosen.seed) as trial:
        for number in range(1, chosen.rounds + 1):
            report = trial.play()
            bad += not report.good
            acknowledged += report.acknowledged
            lost += len(report.lost)
            untold += len(report.untold)
            duplicates += len(report.duplicates)
            unfinished += report.unfinished
            print(  # noqa: T201
                f"round {number}: {report.acknowledged} acknowledged, {len(report.lost)} lost, "
                f"{len(report.untold)} untold, {len(report.duplicates)} duplicates "
                f"({report.unfinished} unfinished), up again in {report.restart_seconds:.2f} s",
                flush=True,
            )
            for what, items in (("LOST", report.lost), ("UNTOLD", report.untold), ("TWICE", report.duplicates)):
                for item in items[:10]:
                    print(f"   {what} {item}")  # noqa: T201
    print(  # noqa: T201
        f"{chosen.rounds} kills: {acknowledged} acknowledged, {lost} lost, {untold} untold, {duplicates} duplicates "
        f"for {unfinished} notifications in flight, {bad} bad rounds"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
