"""amtool's commands that need no server: to the byte, and side by side with the real one where it is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ampp_cli import amtool

ROOT = Path(__file__).parents[2]

GOOD = """\
route:
  receiver: team-X
  routes:
  - matchers: ['service=~"db|web"']
    continue: true
    receiver: team-Y
    routes:
    - matchers: ['severity="critical"']
      receiver: team-Y-pager
  - matchers: [owner="z"]
    receiver: team-Z
receivers:
- name: team-X
- name: team-Y
- name: team-Y-pager
- name: team-Z
inhibit_rules:
- source_matchers: [a="b"]
  target_matchers: [c="d"]
"""
BAD = "bad: 1\n"


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "bad.yml").write_text(BAD)
    monkeypatch.chdir(tmp_path)


def run(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = amtool.main("amtool", list(words))
    out, err = capsys.readouterr()
    return status, out, err


SOUND = """\
Checking 'good.yml'  SUCCESS
Found:
 - global config
 - route
 - 1 inhibit rules
 - 4 receivers
 - 0 templates

"""
TREE = """\
Routing tree:
.
└── default-route  receiver: team-X
    ├── {service=~"db|web"}  continue: true  receiver: team-Y
    │   └── {severity="critical"}  receiver: team-Y-pager
    └── {owner="z"}  receiver: team-Z

"""
MATCHING = """\
Matching routes:
.
└── default-route
    ├── {service=~"db|web"}  receiver: team-Y
    └── {owner="z"}  receiver: team-Z


team-Y,team-Z
"""


def test_check_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check-config", "good.yml", capsys=capsys) == (0, SOUND, "")
    status, out, err = run("check-config", "bad.yml", "good.yml", capsys=capsys)
    assert status == 1
    assert out.startswith("Checking 'bad.yml'  FAILED: yaml: unmarshal errors:\n  line 1: field bad not found in type")
    assert out.endswith("\n\n" + SOUND)
    assert err == "amtool: error: failed to validate 1 file(s)\n\n"


def test_routes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "routes", "--config.file=good.yml", capsys=capsys) == (0, TREE, "")
    assert run("config", "routes", "show", "--config.file=good.yml", capsys=capsys) == (0, TREE, "")


def test_an_unusable_configuration_has_no_routes(capsys: pytest.CaptureFixture[str]) -> None:
    """The odd one out: this command ends its error with one newline."""
    status, out, err = run("config", "routes", "--config.file=bad.yml", capsys=capsys)
    assert (status, out) == (1, "")
    assert err.startswith("amtool: error: yaml: unmarshal errors:\n  line 1: field bad not found")
    assert not err.endswith("\n\n")
    assert run("config", "routes", "test", "--config.file=bad.yml", capsys=capsys)[2] == err + "\n"


def test_where_an_alert_goes(capsys: pytest.CaptureFixture[str]) -> None:
    base = ("config", "routes", "test", "--config.file=good.yml")
    assert run(*base, capsys=capsys) == (0, "team-X\n", "")
    assert run(*base, "--tree", "service=db", "owner=z", capsys=capsys) == (0, MATCHING, "")
    critical = ("service=web", "severity=critical", "owner=z")
    assert run(*base, "--verify.receivers=team-Y-pager,team-Z", *critical, capsys=capsys)[0] == 0
    assert run(*base, "--verify.receivers=team-Z,team-Y-pager", *critical, capsys=capsys) == (
        1,
        "team-Y-pager,team-Z\nWARNING: Expected receivers did not match resolved receivers.\n",
        "",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{foo=bar}"], "Failed to parse labels: unexpected open or close brace: {foo=bar}"),
        (["a"], "Failed to parse labels: bad matcher format: a"),
        (["a!=b"], "Labels must be specified as key=value pairs"),
        (["--enable-feature=x", "a=b"], "error parsing the feature flag list: unknown option 'x' for --enable-feature"),
    ],
)
def test_what_is_no_label(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run("config", "routes", "test", "--config.file=good.yml", *words, capsys=capsys)
    assert (status, out, err) == (1, "", f"amtool: error: {message}\n\n")


def test_no_file_given(capsys: pytest.CaptureFixture[str]) -> None:
    message = "amtool: error: You have to specify one of --config.file or --alertmanager.url flags.\n"
    assert run("config", "routes", capsys=capsys) == (1, "", message)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys=capsys)
    assert (status, err) == (0, "")
    assert out.startswith("usage: amtool [<flags>] <command>")
    assert run("--help", capsys=capsys) == (0, out, "")
    assert run("help", capsys=capsys) == (0, out, "")
    assert run("help", "config", "routes", capsys=capsys)[1].startswith("usage: amtool config routes [<flags>]")
    assert run("help", "bogus", capsys=capsys) == (1, "", 'amtool: error: expected command but got "bogus"\n')
    assert run("bogus", capsys=capsys) == (1, "", 'amtool: error: expected command but got "bogus"\n\n')


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run("--version", capsys=capsys)
    assert status == 0
    assert out.startswith("amtool, version 0.34.0 (branch: ")


def test_stdin_is_checked_when_no_file_is_named() -> None:
    code = "import sys; sys.argv[0] = 'amtool'; from ampp_cli.main import main; sys.exit(main())"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"}
    command = [sys.executable, "-c", code, "check-config"]
    for text, status, begin in ((GOOD, 0, "SUCCESS"), (BAD, 1, "FAILED")):
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=60, check=False, env=environment
        )
        assert done.returncode == status
        assert done.stdout.startswith(f"Checking '/dev/stdin'  {begin}")
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (1, "amtool: error: Failed to read from standard input\n")


def real_amtool() -> str | None:
    path = shutil.which("amtool", path="/usr/bin:/usr/local/bin")
    if path is None:
        return None
    version = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    return path if version.startswith("amtool, version 0.25.") else None


REAL = real_amtool()


@pytest.mark.skipif(REAL is None, reason="amtool 0.25 is not installed")
@pytest.mark.parametrize(
    "line",
    [
        "check-config good.yml",
        "check-config good.yml bad.yml",
        "check-config bad.yml /nonexist",
        "check-config .",
        "config routes --config.file=good.yml",
        "config routes show --config.file=good.yml",
        "config routes show --config.file=bad.yml",
        "config routes show --config.file=/nonexist",
        "config routes show --config.file=",
        "config routes bogus",
        "config routes test --config.file=good.yml",
        "config routes test --config.file=bad.yml",
        "config routes test --config.file=good.yml --tree service=db owner=z",
        "config routes test --config.file=good.yml --tree severity=critical service=web",
        "config routes test --config.file=good.yml --verify.receivers=team-Y service=db",
        "config routes test --config.file=good.yml --verify.receivers=team-Z service=db",
        "config routes test --config.file=good.yml a",
        "--config.file=good.yml config routes",
        "bogus",
        "--bogus",
        "-x",
        "-o",
        "-o bad",
        "--output=json --output=simple check-config good.yml",
    ],
)
def test_as_the_real_one(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert REAL is not None
    done = subprocess.run(
        [REAL, *line.split()], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
    )
    # Debian's build always has a server URL, and says that the file is preferred to it.
    said = done.stderr.replace("Warning: --config.file flag overrides the --alertmanager.url.\n", "")
    # 0.25 draws its trees with other blanks.
    drawn = done.stdout.replace("\u00a0", " ")
    assert run(*line.split(), capsys=capsys) == (done.returncode, drawn, said)


def test_a_reader_that_leaves_early() -> None:
    code = "import sys; sys.argv[0] = 'amtool'; from ampp_cli.main import main; sys.exit(main())"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"}
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-c", code, "--help"],
            stdout=gone,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            env=environment,
        )
    assert (done.returncode, done.stderr) == (1, b"")
