"""`python -m benchmarks`: a real Alertmanager and ampp in alternating rounds on the same cores."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from benchmarks.case import CASES
from benchmarks.report import Report, machine, write
from benchmarks.setting import Setting
from benchmarks.sink import Sink
from tests.support import ampp_command, ampp_missing, real_binary


def main() -> int:
    chosen = _arguments()
    if chosen.load:
        report = msgspec.json.decode(chosen.load.read_bytes(), type=Report)
        return _finish(report, chosen)
    with Sink() as sink:
        settings = _settings(chosen, sink)
        if "ampp" not in settings and chosen.only != "reference":
            print("ampp cannot be started here: run it in the project's venv (make bench)", file=sys.stderr)  # noqa: T201
            return 2
        if not settings:
            print("no real Alertmanager here; name one with --reference", file=sys.stderr)  # noqa: T201
            return 2
        if chosen.load_cores:
            os.sched_setaffinity(0, {int(core) for core in chosen.load_cores.split(",")})
        report = Report(
            machine(),
            {side: _version(setting) for side, setting in settings.items()}
            | ({"alertmanager": chosen.reference_name} if chosen.reference_name else {}),
            {"server": chosen.server_cores or "all", "load": chosen.load_cores or "all"},
            chosen.rounds or (1 if chosen.short else 3),
            chosen.short,
        )
        for number in range(report.rounds):
            order = list(settings) if number % 2 == 0 else list(settings)[::-1]
            for case in chosen.case or CASES:
                for side in order:
                    _run(report, number, case, side, settings[side])
                if chosen.json:
                    chosen.json.write_bytes(report.json())
    return _finish(report, chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="tiny sizes, one round: shows that every case can be run")
    parser.add_argument("--rounds", type=int, help="rounds of each (default 3, short 1)")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only these (repeatable)")
    parser.add_argument("--only", choices=["reference", "ampp"], help="run one side alone")
    parser.add_argument("--reference", metavar="PATH", help="the real Alertmanager; amtool is looked for beside it")
    parser.add_argument("--reference-name", metavar="TEXT", help="what to call it, when its --version does not say")
    parser.add_argument("--deadline", type=float, default=60.0, help="seconds to wait for one answer (default 60)")
    parser.add_argument("--server-cores", metavar="LIST", help="pin the server, e.g. 0 (default: all cores for both)")
    parser.add_argument("--load-cores", metavar="LIST", help="pin the load generator, e.g. 1")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all numbers to this file, after every case")
    parser.add_argument("--load", metavar="FILE", type=Path, help="run nothing; show what --json wrote")
    parser.add_argument("--write", metavar="PAGE", type=Path, help="put the table between the markers of this page")
    return parser.parse_args()


def _settings(chosen: argparse.Namespace, sink: Sink) -> dict[str, Setting]:
    prefix = ["taskset", "-c", chosen.server_cores] if chosen.server_cores else []
    found: dict[str, Setting] = {}
    reference = chosen.reference or real_binary("prometheus-alertmanager")
    if reference and chosen.only != "ampp":
        amtool = Path(reference).resolve().with_name("amtool")
        found["alertmanager"] = Setting(
            [reference], [reference, "--version"], [str(amtool)], sink, chosen.short, chosen.deadline, prefix
        )
    if not ampp_missing() and chosen.only != "reference":
        under_test = os.environ.get("AMPP_UNDER_TEST")
        home = Path(under_test.split()[0] if under_test else sys.executable).parent
        found["ampp"] = Setting(
            ampp_command(),
            [*(under_test.split() if under_test else [str(home / "ampp")]), "--version"],
            [str(home / "amtool")],
            sink,
            chosen.short,
            chosen.deadline,
            prefix,
        )
    return found


def _version(setting: Setting) -> str:
    done = subprocess.run(setting.version, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0].partition(" (")[0]


def _run(report: Report, number: int, case: str, side: str, setting: Setting) -> None:
    began = time.perf_counter()
    try:
        for reading in CASES[case](setting):
            report.add(case, side, reading)
    except Exception as error:  # noqa: BLE001 - the other cases are to be run all the same
        report.failures.append(f"{case}, {side}, round {number + 1}: {type(error).__name__}: {error}")
        print(report.failures[-1], file=sys.stderr, flush=True)  # noqa: T201
    took = time.perf_counter() - began
    print(f"round {number + 1}: {case} {side} {took:.1f} s", file=sys.stderr, flush=True)  # noqa: T201


def _finish(report: Report, chosen: argparse.Namespace) -> int:
    print(report.text())  # noqa: T201
    if chosen.write:
        write(report, chosen.write)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
