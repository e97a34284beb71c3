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
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.differential.amtool_lines import ALERTS, CONFIG, FILES, LINES, SILENCES, STUBS, Line
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
        if silence["id"] not in before or silence["id"] in places.values():
            if silence["id"] not in world.places.values() and silence["status"]["state"] != "expired":
                world.api.expire_silence(silence["id"])
            if line.effect:
                effect.append({name: value for name, value in silence.items() if name not in ("id", "updatedAt")})
    return Outcome(done.returncode, _steady(done.stdout, line), _steady(done.stderr, line), effect)


def _steady(raw: bytes, line: Line) -> str:
    text = _ID.sub("00000000-0000-0000-0000-000000000000", raw.decode())
    text = re.sub(r'"(updatedAt|uptime)":"[^"]*"', r'"\1":"2026"', text)
    return "\n".join(sorted(text.split("\n"))) if line.unordered else text


@pytest.mark.parametrize("line", LINES, ids=[f"{n}: {line.text}" for n, line in enumerate(LINES)])
def test_as_the_real_one(world: World, line: Line) -> None:
    theirs, ours = outcome(world, [str(REFERENCE)], line), outcome(world, OURS, line)
    assert ours == theirs


def test_the_effects_are_seen(world: World) -> None:
    """That two tools do the same is only worth something if they do something."""
    line = next(line for line in LINES if line.effect)
    (made,) = outcome(world, OURS, line).effect
    assert json.dumps(made["matchers"]).count('"name"') == 2
