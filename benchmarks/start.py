"""`python -m benchmarks.start`: how long programs take from exec to exit, or to readiness, in one run, in turns.

What is in dist/ (see `make dist`), the virtual environment and real amtools, each with `--version` and with a query of
one alert from a running server, the same for all; then the daemon, from exec to its `Listening on` line. Least and
median, in milliseconds; for commands the processor's time too, which says more on a machine that has other work.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.support import Daemon, ampp_command
from tests.support.daemon import ROOT

CONFIG = "route: {receiver: a}\nreceivers: [{name: a}]\n"


def programs(folder: Path) -> dict[str, list[str]]:
    """How each form is called, by its name in the table."""
    found = {"venv": [str(ROOT / ".venv" / "bin" / "ampp")]}
    for archive in (ROOT / "dist").glob("ampp-*-linux-*.tar.gz"):
        subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
        name = archive.name.removesuffix(".tar.gz")
        found = {"one-dir": [str(folder / name / "ampp")], "one-file": [str(archive.with_name(name))], **found}
    if (ROOT / "dist" / "ampp.pyz").exists():
        os.environ["AMPP_CACHE"] = str(folder / "cache")
        found["zipapp"] = [sys.executable, str(ROOT / "dist" / "ampp.pyz")]
    return found


def called(command: list[str], name: str, folder: Path) -> list[str]:
    """The same program by another name."""
    link = folder / "links" / Path(command[-1]).parent.name / name
    link.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(command[-1]).parent / name
    if beside.exists():
        return [*command[:-1], str(beside)]
    link.unlink(missing_ok=True)
    link.symlink_to(command[-1])
    return [*command[:-1], str(link)]


def once(command: list[str]) -> tuple[float, float]:
    """Wall and processor milliseconds of one run."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: status {process.returncode}")
    return (time.perf_counter() - began) * 1000, (used.ru_utime + used.ru_stime) * 1000


def measure(rounds: int, amtools: dict[str, str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ampp-start-"))
    try:
        forms = programs(folder)
        with Daemon(ampp_command(), CONFIG) as server:
            server.api().post_alerts([{"labels": {"alertname": "Disk"}}])
            query = [f"--alertmanager.url={server.url}", "alert", "query"]
            commands = {f"{form}: --version": [*command, "--version"] for form, command in forms.items()}
            commands |= {f"{form}: amtool query": [*called(to, "amtool", folder), *query] for form, to in forms.items()}
            asked = ["alert", "query", f"--url={server.url}"]
            commands |= {f"{form}: ampp alert query": [*to, *asked] for form, to in forms.items()}
            for name, real in amtools.items():
                commands |= {f"{name}: --version": [real, "--version"], f"{name}: amtool query": [real, *query]}
            commands["python -c pass"] = [sys.executable, "-c", "pass"]
            taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
            for turn in range(rounds + 1):
                for name, command in commands.items():
                    measured = once(command)
                    if turn:  # the first one fills caches
                        taken[name].append(measured)
        for name, times in taken.items():
            wall, cpu = zip(*times, strict=True)
            on_cpu = f"processor {min(cpu):5.0f} ({median(cpu):5.0f})"
            show(f"{name:28} wall {min(wall):5.0f} ({median(wall):5.0f})   {on_cpu}")
        ready: dict[str, list[float]] = {form: [] for form in forms}
        for _ in range(max(3, rounds // 3)):
            for form, command in forms.items():
                with Daemon([*command, "run"], CONFIG, environment=dict(os.environ)) as daemon:
                    ready[form].append(daemon.ready_seconds * 1000)
                    daemon.stop()
        for form, walls in ready.items():
            show(f"{form + ': listening':28} wall {min(walls):5.0f} ({median(walls):5.0f})")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--amtool", metavar="NAME=PATH", action="append", default=[], help="one more to compare")
    chosen = parser.parse_args()
    installed = shutil.which("amtool")
    others = dict(named.split("=", 1) for named in chosen.amtool)
    measure(chosen.rounds, ({"real amtool": installed} if installed else {}) | others)
