"""The same command lines to a real amtool and to ours, against one server: what they print, their status, their effect.

`AMTOOL_REFERENCE` names another amtool to compare with than the one that is installed.
"""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.differential.amtool_lines import ALERTS, CONFIG, FILES, LINES, NEW, SILENCES, STUBS, Line
from tests.support import Api, Daemon, ampp_command, ampp_missing, real_binary
from tests.support.daemon import ampp_environment

REFERENCE = os.environ.get("AMTOOL_REFERENCE") or real_binary("amtool")
OURS = [sys.executable, "-c", "import sys; sys.argv[0] = 'amtool'; from ampp_cli.main import main; sys.exit(main())"]

pytestmark = [
    pytest.mark.skipif(REFERENCE is None, reason="amtool is not installed"),
    pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}"),
]

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class _Stub(BaseHTTPRequestHandler):
    """Answers as `STUBS` says for the first part of the path."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, kind, body = STUBS[self.path.split("/")[1]]
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET
    do_DELETE = do_GET


@dataclass
class World:
    """What the lines speak to."""

    api: Api
    folder: Path
    places: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("amtool")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    stub = ThreadingHTTPServer(("127.0.0.1", 0), _Stub)
    threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    with socket.socket() as unused, Daemon(ampp_command(), CONFIG) as daemon:
        unused.bind(("127.0.0.1", 0))
        api = daemon.api()
        api.wait_ready()
        for silence in SILENCES:
            made = api.post_json("/api/v2/silences", silence)
            assert made.status == 200, made.body
            lasting = made.json["silenceID"]
        gone = api.post_silence([("gone", "=", "yes")], time.time(), time.time() + 3600, createdBy="old")
        api.expire_silence(gone.json["silenceID"])
        assert api.post_alerts(ALERTS).status == 200
        yield World(
            api,
            folder,
            {
                "$URL": daemon.url,
                "$STUB": f"http://127.0.0.1:{stub.server_address[1]}",
                "$DEAD": f"http://127.0.0.1:{unused.getsockname()[1]}",
                "$LASTING": lasting,
            },
        )
    stub.shutdown()
    stub.server_close()


@dataclass
class Outcome:
    status: int
    out: str
    err: str
    effect: list[dict[str, Any]]


def outcome(world: World, command: list[str], line: Line) -> Outcome:
    """Run the line, put constants in the place of what differs from run to run, and tidy up."""
    places = dict(world.places)
    for number in range(line.text.count("$NEW")):
        made = world.api.post_silence([("new", "=", "yes")], 3_944_678_400, 3_976_214_400)
        places[f"$NEW{number or ''}"] = made.json["silenceID"]
    before = {silence["id"] for silence in world.api.silences()}
    text = line.text
    for number in range(text.count("$NEW")):
        text = text.replace("$NEW", places[f"$NEW{number or ''}"], 1)
    for name, place in places.items():
        text = text.replace(name, place)
    words = shlex.split(text)
    if not line.bare and not any(word.startswith("--alertmanager.url=") for word in words):
        words.insert(0, f"--alertmanager.url={places['$URL']}")
    home = world.folder / "home"
    settings = home / ".config/amtool/config.yml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(line.settings)
    done = subprocess.run(
        [*command, *words],
        input=(line.stdin or "").encode(),
        capture_output=True,
        timeout=60,
        check=False,
        cwd=world.folder,
        env=ampp_environment() | {"HOME": str(home), "TZ": "UTC"},
    )
    effect = []
    for silence in world.api.silences():
        if silence["id"] not in world.places.values() and (
            silence["id"] not in before or silence["id"] in places.values()
        ):
            if silence["status"]["state"] != "expired":
                world.api.expire_silence(silence["id"])
            if line.effect:
                effect.append({name: value for name, value in silence.items() if name not in ("id", "updatedAt")})
    return Outcome(done.returncode, _steady(done.stdout, line), _steady(done.stderr, line), effect)


@dataclass(frozen=True)
class Change:
    """A difference that is known: why, and what is put in both outputs in the place of a regular expression."""

    why: str
    pattern: str
    instead: str | Callable[[re.Match[str]], str] = ""

    def apply(self, to: Outcome) -> Outcome:
        out, err = (re.sub(self.pattern, self.instead, text, flags=re.MULTILINE) for text in (to.out, to.err))
        return Outcome(to.status, out, err, to.effect)


def _plain(match: re.Match[str]) -> str:
    text = match[2].strip()
    if text.startswith('"'):
        text = json.loads(text)
    return f"{match[1]} {text}"


CHANGES = (
    Change("the server is of another version", r"^Warning: amtool version \(0\.25.*different\.\n?"),
    Change("trees are drawn with common blanks", "\u00a0", " "),
    Change("alerts say which time interval mutes them", r'"mutedBy":\[[^]]*\],'),
    Change(
        "bad requests for silences have a text", r"\[GET /silences\]\[400\] getSilencesBadRequest.*", "(status 400): {}"
    ),
    Change("unknown silences are declared", r"\[DELETE \S+\]\[404\] deleteSilenceNotFound", "(status 404): {}"),
    Change(
        "errors that are not declared name the operation",
        r"response status code does not match any response statuses defined for this endpoint in the swagger spec "
        r"|\[[A-Z]+ /[^]]*\] \w+ (?=\(status)",
    ),
    Change("an error's text is shown as JSON", r"(BadRequest|NotFound|InternalServerError)(.*)$", _plain),
    Change("durations are told of by their units", 'not a valid duration string: "1x"|unknown unit "x" in .*', "?"),
    Change("annotations are called annotations", "(labels|annotations) must be", "they must be"),
    Change("a bare word for an alert's name is quoted", "%22"),
)
"""What 0.34 prints where 0.25 printed something else."""

OWN = (
    Change("what may be meant by a matcher is said on stderr, in other words", r"^time=\S+ level=WARN .*\n"),
    Change("the same", r"^amtool: warning: .*\n"),
)
"""Where we differ from every amtool."""


def _version(program: str | None) -> str:
    if program is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.split()[2]


OLD = _version(REFERENCE).startswith("0.25.")


def _steady(raw: bytes, line: Line) -> str:
    text = _ID.sub("00000000-0000-0000-0000-000000000000", raw.decode())
    text = re.sub(r'"(updatedAt|uptime)":"[^"]*"', r'"\1":"2026"', text)
    return "".join(sorted(text.splitlines(keepends=True))) if line.unordered else text


@pytest.mark.parametrize("line", LINES, ids=[f"{n}: {line.text}" for n, line in enumerate(LINES)])
def test_as_the_real_one(world: World, line: Line) -> None:
    if OLD and line.text in NEW:
        pytest.skip(f"new since 0.25: {NEW[line.text]}")
    theirs, ours = outcome(world, [str(REFERENCE)], line), outcome(world, OURS, line)
    for change in (*CHANGES, *OWN) if OLD else OWN:
        theirs, ours = change.apply(theirs), change.apply(ours)
    assert ours == theirs


def test_the_effects_are_seen(world: World) -> None:
    """That two tools do the same is only worth something if they do something."""
    line = next(line for line in LINES if line.effect)
    (made,) = outcome(world, OURS, line).effect
    assert json.dumps(made["matchers"]).count('"name"') == 2
