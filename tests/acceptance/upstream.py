"""Run Alertmanager's own acceptance tests, as Debian packages them, against any daemon and any amtool.

The tests start `$GOPATH/bin/prometheus-alertmanager` with upstream's flags plus Debian's own `--template.default`.
They are compiled once from the packaged source, entirely offline, and run with a `GOPATH` whose `bin/` holds a shim
that drops Debian's flag and execs the daemon under test. It must exec: the tests send signals to that pid. The suite of
the command line looks for amtool in the same place.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["API", "CLUSTERED", "COMMAND_LINE", "Result", "compile_tests", "missing", "run", "test_names", "write_shim"]

GOPATH = Path("/usr/share/gocode")
API = "github.com/prometheus/alertmanager/test/with_api_v2/acceptance"
COMMAND_LINE = "github.com/prometheus/alertmanager/test/cli/acceptance"

CLUSTERED = frozenset({"TestClusterDeduplication", "TestClusterVSInstance"})
"""Need gossip between daemons. ampp's replicas share PostgreSQL instead and refuse foreign peers."""


@dataclass(frozen=True)
class Result:
    name: str
    passed: bool
    output: str


def _go() -> str | None:
    """A Go tool chain. Debian's own, when there, matches the packaged dependencies best."""
    debian = Path("/usr/lib/go/bin/go")
    return str(debian) if debian.exists() else shutil.which("go")


def missing() -> str | None:
    """What the suite needs and this machine lacks, or None."""
    if not (GOPATH / "src" / API).is_dir():
        return "Debian package golang-github-prometheus-alertmanager-dev is not installed"
    if _go() is None:
        return "no Go tool chain (Debian package golang-go)"
    return None


def _offline(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        **environment,
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
    }


def compile_tests(target: Path, package: str = API, timeout: float = 900) -> Path:
    """Compile a suite into the file `target`. A minute with an empty Go build cache, a second with a warm one.

    The clock of the command line's suite is set to begin three seconds later, when its daemon is up. As packaged it
    begins before, and a notification is to come within 2.15 s: that would measure how long a daemon takes to start.

    Raises:
        RuntimeError: it does not compile; the message is the compiler's.
    """
    go = _go()
    assert go is not None
    done = subprocess.run(
        [go, "test", "-c", f"-overlay={_overlay(target.parent)}", "-o", str(target), package],
        env=_offline(os.environ),
        cwd=target.parent,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"go test -c failed:\n{done.stdout}{done.stderr}")
    return target


def _overlay(folder: Path) -> Path:
    """Go's list of files to read in the place of others: the harness of the command line, its clock set later."""
    source = GOPATH / "src" / COMMAND_LINE.removesuffix("/acceptance") / "acceptance.go"
    text = source.read_text()
    clock = "opts.baseTime = time.Now()\n"
    if text.count(clock) != 1:
        raise RuntimeError(f"{source} is not as expected")
    changed = folder / "acceptance.go"
    changed.write_text(text.replace(clock, "opts.baseTime = time.Now().Add(3 * time.Second)\n"))
    overlay = folder / "overlay.json"
    overlay.write_text(json.dumps({"Replace": {str(source): str(changed)}}))
    return overlay


def test_names(package: str) -> list[str]:
    """The names of all tests in a suite's packaged source, in the order of files and lines."""
    return [
        line.split("(")[0].removeprefix("func ")
        for file in sorted((GOPATH / "src" / package).glob("*_test.go"))
        for line in file.read_text().splitlines()
        if line.startswith("func Test") and "TestMain" not in line
    ]


def write_shim(
    gopath: Path, command: Sequence[str], environment: Mapping[str, str], name: str = "prometheus-alertmanager"
) -> None:
    """Put the daemon under test, or the amtool, where the suite looks for it."""
    folder = gopath / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    shim = folder / name
    exports = "".join(f"export {variable}={shlex.quote(value)}\n" for variable, value in environment.items())
    shim.write_text(
        "#!/bin/bash\n"
        + exports
        + 'kept=()\nwhile (($#)); do\n  case "$1" in\n'
        + "    --template.default) shift 2 ;;\n"
        + "    --template.default=*) shift ;;\n"
        + '    *) kept+=("$1"); shift ;;\n'
        + "  esac\ndone\n"
        + f'exec {shlex.join(command)} "${{kept[@]}}"\n'
    )
    shim.chmod(0o755)


def run(binary: Path, gopath: Path, names: Sequence[str], *, parallel: int = 2) -> Iterator[Result]:
    """Run the named tests, `parallel` at once, and yield each one's result.

    A test starts its clock before its daemon, acts one second later whether that is up or not, and judges within
    150 ms: on a busy machine it judges the machine. One that failed is therefore run again by itself, twice at most.
    """
    for result in _run(binary, gopath, names, parallel):
        for _ in range(2):
            if not result.passed:
                (result,) = _run(binary, gopath, [result.name], 1)
        yield result


def _run(binary: Path, gopath: Path, names: Sequence[str], parallel: int) -> list[Result]:
    timeout = 300.0
    scratch = gopath / "tmp"
    scratch.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            str(binary),
            "-test.count=1",
            f"-test.parallel={parallel}",
            f"-test.timeout={timeout:.0f}s",
            f"-test.run=^({'|'.join(names)})$",
        ],
        env={**os.environ, "GOPATH": str(gopath), "TMPDIR": str(scratch)},
        cwd=gopath,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout + 30,
        check=False,
    )
    broken = "panic: " in done.stdout or (done.returncode != 0 and "--- FAIL: " not in done.stdout)
    ran = "testing: warning: no tests to run" not in done.stdout
    results = []
    for name in names:
        passed = ran and not broken and f"--- FAIL: {name} (" not in done.stdout
        results.append(Result(name, passed, "" if passed else _about(name, done.stdout)))
    return results


def _about(name: str, output: str) -> str:
    """What a run printed about one failed test, cut to what can be read."""
    start = output.find(f"--- FAIL: {name} (")
    if start < 0:
        return output[-6000:]
    end = output.find("\n--- FAIL: ", start)
    part = output[start : end if end > 0 else None]
    return part if len(part) < 12000 else part[:6000] + "\n...\n" + part[-6000:]
