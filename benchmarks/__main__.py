"""`python -m benchmarks`: a real Alertmanager and ampp in alternating rounds on the same cores."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.case import CASES, METRICS, Setting
from benchmarks.throttle import throttled
from tests.support import ampp_command, ampp_missing, real_binary
from tests.support.daemon import ROOT


def version(command: list[str]) -> str:
    done = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()[0] if done.returncode == 0 else command[0]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 alerts and one round: a look, not a measurement")
    parser.add_argument("--rounds", type=int, help="rounds of each (default 3, quick 1)")
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="only these (repeatable)")
    parser.add_argument("--reference", metavar="PATH", help="the real Alertmanager")
    parser.add_argument("--only", choices=["reference", "ampp"], help="run one side alone")
    parser.add_argument("--server-cores", metavar="LIST", help="pin the server, e.g. 0 (default: all cores for both)")
    parser.add_argument("--load-cores", metavar="LIST", help="pin the load generator, e.g. 1")
    parser.add_argument("--json", metavar="FILE", help="write all numbers to this file too")
    chosen = parser.parse_args()
    rounds = chosen.rounds or (1 if chosen.quick else 3)
    reference = chosen.reference or real_binary("prometheus-alertmanager")
    commands: dict[str, list[str]] = {}
    if reference and chosen.only != "ampp":
        commands["alertmanager"] = [reference]
    if not ampp_missing() and chosen.only != "reference":
        commands["ampp"] = ampp_command()
    if not commands:
        print("neither ampp nor a real Alertmanager can be started here", file=sys.stderr)  # noqa: T201
        return 2
    if chosen.load_cores:
        os.sched_setaffinity(0, {int(core) for core in chosen.load_cores.split(",")})
    prefix = ["taskset", "-c", chosen.server_cores] if chosen.server_cores else []
    hole = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.hole"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=ROOT
    )
    numbers: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    shares: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    try:
        assert hole.stdout is not None
        port = int(hole.stdout.readline())
        for number in range(rounds):
            order = list(commands) if number % 2 == 0 else list(commands)[::-1]
            for case in chosen.case or CASES:
                for side in order:
                    began = time.perf_counter()
                    found, used = CASES[case](Setting(commands[side], port, chosen.quick, prefix))
                    for name, value in found.items():
                        numbers[name][side].append(value)
                    for name, value in used.items():
                        shares[name][side].append(value)
                    took = time.perf_counter() - began
                    print(f"round {number + 1}: {case} {side} {took:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
    finally:
        hole.kill()
        hole.wait()
    how = _throttle()
    report = {
        "machine": {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "kernel": platform.release(),
            "python": platform.python_version(),
        },
        "versions": {side: version(command) for side, command in commands.items()},
        "cores": {"server": chosen.server_cores or "all", "load": chosen.load_cores or "all"},
        "rounds": rounds,
        "quick": chosen.quick,
        "throttle": how,
        "numbers": numbers,
        "generator_share": shares,
    }
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(report, indent=1))
    print(table(numbers, shares, how))  # noqa: T201
    if chosen.quick:
        print("quick: 2,000 alerts wherever a full run has 10,000; short rounds")  # noqa: T201
    return 0


def _throttle() -> str:
    with throttled(0.1) as throttle:
        return throttle.how if throttle.enter else "none possible here"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def table(numbers: dict[str, dict[str, list[float]]], shares: dict[str, dict[str, list[float]]], throttle: str) -> str:
    """Medians with the spread (lowest-highest), the ratio, and the generator's share of a core."""
    rows = [("", "alertmanager", "ampp", "ampp is", "target", "load")]
    for name, metric in METRICS.items():
        if name not in numbers:
            continue
        real, ours = numbers[name].get("alertmanager", []), numbers[name].get("ampp", [])
        ratio = ""
        if real and ours:
            a, b = statistics.median(real), statistics.median(ours)
            gain = (b / a) if metric.better == "more" else (a / b)
            word = ("faster" if metric.unit != "MiB" else "smaller") if gain >= 1 else "behind"
            ratio = f"{gain:.2f} x {word}"
        target = f"{metric.target:g} x" if metric.target else ""
        used = [s for side in shares.get(name, {}).values() for s in side]
        rows.append(
            (
                f"{name} ({metric.unit})",
                _spread(real),
                _spread(ours),
                ratio,
                target,
                f"{max(used):.2f}" if used else "",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", "load: the generator's share of one core, at most", f"0.1 core: {throttle}"])


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    median = statistics.median(values)
    form = ",.0f" if median >= 100 else ".1f" if median >= 10 else ".2f"
    text = format(median, form)
    return text if len(values) == 1 else f"{text} ({format(min(values), form)}-{format(max(values), form)})"


if __name__ == "__main__":
    sys.exit(main())
