"""Completion in real shells, with values that a real server knows."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ampp_cli.completion import SCRIPTS
from tests.support import Daemon, ampp_command

CONFIG = """
route: {receiver: team-db}
receivers: [{name: team-db}, {name: team-web}]
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Daemon(ampp_command(), CONFIG) as daemon:
        alerts = [
            {"labels": {"alertname": name, "severity": severity}}
            for name, severity in (("Disk", "page"), ("Net", "odd one"))
        ]
        silence = {
            "matchers": [{"name": "a", "value": "b", "isRegex": False}],
            "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2099-01-01T00:00:00Z",
            "createdBy": "me",
            "comment": "a long night",
        }
        for path, body in (("alerts", alerts), ("silences", silence)):
            request = urllib.request.Request(
                f"{daemon.url}/api/v2/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            urllib.request.urlopen(request, timeout=20).close()
        yield daemon.url


@pytest.fixture
def silence(url: str) -> str:
    with urllib.request.urlopen(f"{url}/api/v2/silences", timeout=20) as answer:
        return str(json.load(answer)[0]["id"])


@pytest.fixture
def environment(url: str, tmp_path: Path) -> dict[str, str]:
    """An `ampp` on the path, as it would be installed, and nothing of who runs the test."""
    program = tmp_path / "bin" / "ampp"
    program.parent.mkdir()
    code = "import sys; sys.argv[0] = 'ampp'; from ampp_cli.main import main; sys.exit(main())"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    program.chmod(0o755)
    (tmp_path / "am.yml").write_text(CONFIG)
    root = Path(__file__).parents[2]
    return {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{root}:{root / 'cli'}",
        "HOME": str(tmp_path),
        "AMPP_URL": url,
        "TERM": "dumb",
        "LANG": "C.UTF-8",
    }


def need(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def bash(environment: dict[str, str], line: str) -> list[str]:
    need("bash")
    script = (
        'eval "$(ampp completion bash)"\n'
        'COMP_LINE="$1" COMP_POINT=${#1} COMP_CWORD=1\n'
        "complete -p ampp >/dev/null || exit 9\n"
        "_ampp_completion ampp\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", line],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment,
    )
    # compopt has something to say outside of a completion that is under way.
    return done.stdout.split()


def fish(environment: dict[str, str], line: str) -> list[str]:
    need("fish")
    script = "ampp completion fish | source; complete -C $argv[1]"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script, line],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment,
    )
    return [one.split("\t")[0] for one in done.stdout.splitlines()]


CASES = [
    ("ampp sile", ["silence"]),
    ("ampp silence exp", ["expire"]),
    ("ampp silence expire ", ["SILENCE"]),
    ("ampp silence expire SILENCE ", []),
    ("ampp silence query --id ", ["SILENCE"]),
    ("ampp alert query sev", ["severity="]),
    ("ampp alert query -r team-w", ["team-web"]),
    ("ampp receivers test --config.file am.yml team-d", ["team-db"]),
    ("ampp check-config -o ju", ["junit"]),
    ("ampp config routes test --ver", ["--verify.receivers"]),
    ("ampp run --web.listen", ["--web.listen-address"]),
    ("ampp completion z", ["zsh"]),
    ("ampp help config di", ["diff"]),
    ("ampp nonsense ", None),
    ("ampp --nonsense ", None),
    ("ampp silence expire 'unclosed ", []),
]


@pytest.mark.parametrize(("line", "expected"), CASES, ids=[line for line, _ in CASES])
@pytest.mark.parametrize("shell", [bash, fish], ids=lambda shell: shell.__name__)
def test_words(
    shell: object,
    line: str,
    expected: list[str] | None,
    environment: dict[str, str],
    silence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert callable(shell)
    found = shell(environment, line.replace("SILENCE", silence))
    if expected is not None:
        assert found == [word.replace("SILENCE", silence) for word in expected]


def test_bash_replaces_what_stands_behind_the_sign(environment: dict[str, str]) -> None:
    """It parts words at = and :, and so must the answers. A value that needs quotes is not offered."""
    assert bash(environment, "ampp alert query severity=p") == ["page"]
    assert bash(environment, "ampp alert query severity=") == ["page"]


def test_fish_replaces_the_whole_word(environment: dict[str, str]) -> None:
    assert fish(environment, "ampp alert query severity=p") == ["severity=page"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense://", "http://["])
def test_silent_without_an_answer(address: str, environment: dict[str, str]) -> None:
    program = Path(environment["PATH"].split(":")[0]) / "ampp"
    asked = {"_AMPP_COMPLETE": "zsh", "AMPP_WORDS": "ampp\nsilence\nexpire\n", "AMPP_URL": address}
    done = subprocess.run([program], capture_output=True, timeout=60, check=False, env=environment | asked)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_silent_with_defaults_that_cannot_be_read(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".config" / "ampp").mkdir(parents=True)
    (tmp_path / ".config" / "ampp" / "config.yml").write_text("[")
    program = Path(environment["PATH"].split(":")[0]) / "ampp"
    asked = {"_AMPP_COMPLETE": "zsh", "AMPP_WORDS": "ampp\nsilence\nexpire\n"}
    done = subprocess.run([program], capture_output=True, timeout=60, check=False, env=environment | asked)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_zsh(environment: dict[str, str], silence: str) -> None:
    """In a terminal, since zsh completes nowhere else: what was typed is completed as far as it can be."""
    need("zsh")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
    try:
        read(
            terminal,
            "PS1=READY; autoload -U compinit; compinit -u -D; eval \"$(ampp completion zsh)\"; echo DO''NE\n",
            "DONE",
        )
        typed = {
            "ampp sile\t": "ampp silence ",
            "ampp silence expire \t": f"ampp silence expire {silence}",
            "ampp alert query sev\t": "ampp alert query severity=",
            "ampp alert query severity=pa\t": "ampp alert query severity=page",
        }
        for text, whole in typed.items():
            read(terminal, "\x15" + text, whole)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def read(terminal: int, text: str, wanted: str) -> None:
    """Type, and wait until the terminal shows something."""
    os.write(terminal, text.encode())
    shown, end = "", time.monotonic() + 40
    while wanted not in shown.replace("\x07", ""):
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536).decode("utf-8", "replace")


def test_every_script_says_how_to_use_it() -> None:
    for shell, script in SCRIPTS.items():
        assert f"ampp completion {shell}" in "\n".join(script.splitlines()[:2])
