"""`template render`: by itself, and to the byte beside the real amtool where it is installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ampp_cli import own

ROOT = Path(__file__).parents[2]

DATA = {
    "receiver": "team",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "<Disk>", "severity": "page"},
            "annotations": {"summary": 'full & "bad"'},
            "startsAt": "2026-11-22T04:56:44.123+02:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prom/graph?a=b&c=d",
            "fingerprint": "0123456789abcdef",
        }
    ],
    "groupLabels": {"alertname": "<Disk>"},
    "commonLabels": {"alertname": "<Disk>", "severity": "page"},
    "commonAnnotations": {"summary": 'full & "bad"'},
    "externalURL": "http://am",
}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.tmpl").write_text('{{ define "mine" }}mine: {{ .Status | toUpper }}{{ end }}outer {{ .Receiver }}')
    (tmp_path / "two.tmpl").write_text('{{ define "mine" }}later \u00fc{{ end }}')
    (tmp_path / "broken.bad").write_text("{{ define")
    (tmp_path / "data.json").write_text(json.dumps(DATA))
    (tmp_path / "number.json").write_text('{"receiver": 1}')
    (tmp_path / "null.json").write_text("null")
    monkeypatch.chdir(tmp_path)


def amtool(*words: str) -> tuple[int, bytes, bytes]:
    """As a process, since bytes that are no UTF-8 matter."""
    code = "import sys; sys.argv[0] = 'amtool'; from ampp_cli.main import main; sys.exit(main())"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"}
    command = [sys.executable, "-c", code, "template", "render", *words]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr


# What does not tell the time, which differs between two runs.
LINES = [
    ["--template.glob=one.tmpl", '--template.text={{ template "mine" . }}'],
    ["--template.glob=*.tmpl", '--template.text={{ template "mine" . }}'],
    ["--template.glob=*.tmpl", '--template.text={{ template "one.tmpl" . }}'],
    ["--template.glob=two.tmpl", "--template.glob=one.tmpl", '--template.text={{ template "mine" . }}'],
    ["--template.glob=one.tmpl", "--template.text={{ . | len }}"],
    ["--template.glob=one.tmpl", "--template.text={{ .Nope }}"],
    ["--template.glob=one.tmpl", "--template.text={{ range .Alerts }}{{ .Labels.SortedPairs.Values }}{{ end }}"],
    ["--template.glob=one.tmpl", '--template.text=<a title="{{ .Receiver }}">', "--template.type=html"],
    ["--template.glob=*.tmpl", "--template.text={{ .CommonLabels.alertname }}", "--template.data=data.json"],
    [
        "--template.glob=*.tmpl",
        "--template.text=<a href={{ (index .Alerts 0).GeneratorURL }} onclick='x({{ .CommonAnnotations.summary }})'>",
        "--template.type=html",
        "--template.data=data.json",
    ],
    ["--template.glob=*.tmpl", "--template.text={{ (index .Alerts 0).StartsAt }}", "--template.data=data.json"],
    ["--template.glob=*.tmpl", "--template.text={{ .Alerts.Firing | len }}", "--template.data=null.json"],
    ["--template.glob=nope*", '--template.text={{ template "nope" . }}'],
    ["--template.glob=nope*", "--template.text="],
    ["--template.glob=nope*", "--template.text={{ .Receiver"],
    ["--template.glob=[", "--template.text=x"],
    ["--template.glob=*.bad", "--template.text=x"],
    ["--template.glob=*.bad", "--template.text=x", "--template.data=nope"],
    ["--template.glob=one.tmpl", "--template.text=x", "--template.type=xml"],
    ["--template.glob=one.tmpl", "--template.text=x", "--template.data=."],
    ["--template.glob=one.tmpl", "--template.text=x", "--template.data="],
    ["--template.glob=one.tmpl", "--template.text=x", "--template.data=number.json"],
    ["--template.glob=one.tmpl", "--template.text=x", "--template.text=y"],
    ["--template.glob=one.tmpl", "--template.text=x", "y"],
]

# The built-in templates came into amtool after 0.25, and the way label sets are printed.
LATER = [
    ["--template.glob=one.tmpl", "--template.text=<p>{{ .CommonLabels }}{{ .GroupLabels }}", "--template.type=html"],
] + [
    [
        "--template.glob=one.tmpl",
        f'--template.text={{{{ template "{name}" . }}}}',
        f"--template.type={kind}",
        "--template.data=data.json",
    ]
    for name, kind in (
        ("default.title", "text"),
        ("slack.default.text", "text"),
        ("email.default.subject", "text"),
        ("email.default.html", "html"),
        ("pushover.default.message", "text"),
    )
]


def installed() -> list[tuple[str, str]]:
    """Real amtools and their versions: the system's, and one that AMPP_TEST_AMTOOL names."""
    found = []
    for path in {shutil.which("amtool", path="/usr/bin:/usr/local/bin"), os.environ.get("AMPP_TEST_AMTOOL")} - {
        None,
        "",
    }:
        assert path is not None
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        if said.startswith(f"{os.path.basename(path)}, version "):
            version = said.split()[2].split(".")
            # A build without version information is a new one.
            found.append((path, "0.25" if version[:2] == ["0", "25"] else "newer"))
    return sorted(found)


CASES = [
    pytest.param(path, line, id=f"{version}-{' '.join(line)}")
    for path, version in installed()
    for line in (LINES if version == "0.25" else LINES + LATER)
]


@pytest.mark.skipif(not CASES, reason="no real amtool is installed")
@pytest.mark.parametrize(("path", "line"), CASES)
def test_as_the_real_one(path: str, line: list[str]) -> None:
    done = subprocess.run([path, "template", "render", *line], capture_output=True, timeout=30, check=False)
    said = done.stderr.replace(os.path.basename(path).encode() + b": ", b"amtool: ", 1)
    assert amtool(*line) == (done.returncode, done.stdout, said)


def test_nothing_is_added() -> None:
    text = '--template.text={{ template "mine" . }}'
    assert amtool("--template.glob=one.tmpl", text) == (0, b"mine: ALERTSTATUS", b"")
    assert amtool("--template.glob=*.tmpl", text) == (0, "later \u00fc".encode(), b"")
    assert amtool("--template.glob=nope", "--template.text={{ template `x` }}") == (
        1,
        b"",
        b'amtool: error: template: :1:12: executing "" at <{{template "x"}}>: template "x" not defined\n\n',
    )


def ampp(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(own._ampp, ["template", "render", *words], prog_name="ampp")
    return done.exit_code, done.output


def test_our_own_command_does_the_same() -> None:
    """Where the two differ: no glob is needed, and a broken file is placed."""
    text = '--template.text={{ template "mine" . }}'
    assert ampp("--template.glob=one.tmpl", text, "--template.data=data.json") == (0, "mine: FIRING")
    assert ampp('--template.text={{ template "__subject" . }}', "--template.data=data.json") == (
        0,
        "[FIRING:1] <Disk> (page)",
    )
    html = ("--template.text={{ .GroupLabels.alertname }}", "--template.data=data.json", "--template.type=html")
    assert ampp(*html) == (0, "&lt;Disk&gt;")
    status, output = ampp("--template.glob=*.bad", "--template.text=x")
    assert (status, output) == (1, "Error: template: broken.bad:1: unclosed action\n  at broken.bad:1:1\n")
    assert ampp("--template.text=x", "--template.data=nope")[0] == 1
