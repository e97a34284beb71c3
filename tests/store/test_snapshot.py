"""The snapshot files against upstream's field tables and, when it is installed, against the real Alertmanager."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from store_rows import T0, YEAR_9999, entry, silence

from ampp.core.clock import HOUR, SECOND, ZERO
from ampp.core.matcher import Matcher, Op
from ampp.core.silence import Silence
from ampp.store import SnapshotError, snapshot, wire

ALERTMANAGER = shutil.which("prometheus-alertmanager")
FOO_HASH = 0xF7E8145E0DABAB62


def test_an_entry_that_0_25_wrote(tmp_path: Path) -> None:
    stamp = "0880d2c5d506" + "10a08d06"
    message = (
        "0a3c" + "0a14" + b'{}:{alertname="Foo"}'.hex() + "120c0a0161" + "1207" + b"webhook".hex()
        + "2a0a" + stamp + "320ae2d6aeede08b85f4f701" + "120a" + stamp
    )  # fmt: skip
    (tmp_path / "nflog").write_bytes(bytes.fromhex("4a" + message))
    (read,) = snapshot.read_log(tmp_path / "nflog")
    assert read.key == '{}:{alertname="Foo"}:a/webhook/0'
    assert read.firing == (FOO_HASH,)
    assert read.resolved == ()
    assert read.timestamp == read.expires == 1_790_011_648 * SECOND + 100_000
    assert snapshot.encode_log_entry(read).hex() == message


def test_log_entries_come_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "nflog"
    entries = [
        entry(),
        entry(receiver="é/x", firing=()),
        msgspec.structs.replace(entry(receiver="c"), idx=3, data={"f": 0.25, "neg": -7, "zero": 0, "": ""}),
    ]
    assert snapshot.write_log(path, entries) == path.stat().st_size
    assert snapshot.read_log(path) == entries


def test_unpacked_hashes_are_read() -> None:
    receiver = wire.blob(2, wire.text(1, "a"))
    data = wire.blob(1, receiver + wire.number(6, 5) + wire.number(6, 6)) + wire.blob(2, b"")
    assert snapshot.decode_log_entry(data).firing == (5, 6)


@pytest.mark.parametrize("at", [ZERO, -1, 0, 1, T0 + 1, YEAR_9999 + 999_999_999])
def test_any_instant_survives(at: int) -> None:
    made = silence(starts=at, ends=at, updated=at, expires=at)
    assert snapshot.decode_silence(snapshot.encode_silence(made)) == made


def test_several_matcher_sets_survive() -> None:
    sets = (
        (Matcher("a", Op.EQ, ""), Matcher("b", Op.NE, "x")),
        (Matcher("c", Op.RE, "y.*"),),
        (Matcher("d", Op.NRE, "z"),),
    )
    made = silence(matcher_sets=sets)
    assert snapshot.decode_silence(snapshot.encode_silence(made)) == made


def _old_silence() -> bytes:
    """What a version before sets and single comments wrote, with a field that no version knows."""
    matcher = wire.number(1, 1) + wire.text(2, "a") + wire.text(3, "x|y")
    comments = [wire.text(1, "ann") + wire.text(2, "first"), wire.text(1, "bob") + wire.text(2, "second")]
    moment = wire.number(1, 5) + wire.number(2, 7)
    message = (
        wire.text(1, "id-1")
        + wire.blob(2, matcher)
        + b"".join(wire.blob(field, moment) for field in (3, 4, 5))
        + b"".join(wire.blob(7, comment) for comment in comments)
        + wire.text(99, "whatever")
        + wire.number(98, 3)
    )
    return wire.blob(1, message) + wire.blob(2, moment) + wire.number(50, 1)


def test_a_silence_of_old() -> None:
    at = 5 * SECOND + 7
    assert snapshot.decode_silence(_old_silence()) == Silence(
        id="id-1",
        matcher_sets=((Matcher("a", Op.RE, "x|y"),),),
        starts=at,
        ends=at,
        updated=at,
        created_by="ann",
        comment="first",
        expires=at,
    )


def test_what_we_write_older_readers_find_in_field_2() -> None:
    fields = dict(wire.fields(snapshot.encode_silence(silence())))
    assert isinstance(fields[1], bytes)
    numbers = [field for field, _ in wire.fields(fields[1])]
    assert numbers == [1, 2, 2, 3, 4, 5, 8, 9, 10, 10, 11]


def test_size_leaves_the_copy_for_older_readers_out() -> None:
    made = Silence(id="x", matcher_sets=((Matcher("a", Op.EQ, "b"),),), starts=SECOND, ends=SECOND, updated=SECOND,
                   expires=SECOND)  # fmt: skip
    # id 3, three times 4 each, one set of one matcher: 2 + (2 + (3 + 3)); around it 2, and the expiry 4.
    assert snapshot.size_of(made) == 2 + (3 + 3 * 4 + 10) + 4


def test_empty_files_are_empty_logs(tmp_path: Path) -> None:
    for name in ("nflog", "silences"):
        (tmp_path / name).touch()
    assert snapshot.read_log(tmp_path / "nflog") == []
    assert snapshot.read_silences(tmp_path / "silences") == ([], [])


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_truncated_file_is_told_with_its_name(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "silences"
    snapshot.write_silences(path, [silence(), silence("2" * 36)])
    os.truncate(path, path.stat().st_size - cut)
    with pytest.raises(SnapshotError, match=r"silences is not a snapshot .* cut short at byte"):
        snapshot.read_silences(path)


@pytest.mark.parametrize("junk", [b"garbage, not a snapshot\n", b"\x00", b"\x02\x12\x00", b"\x04\x0a\x02\x0a\xff"])
def test_junk_is_told(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "nflog").write_bytes(junk)
    (tmp_path / "silences").write_bytes(junk)
    with pytest.raises(SnapshotError, match="nflog is not a snapshot"):
        snapshot.read_log(tmp_path / "nflog")
    with pytest.raises(SnapshotError, match="silences is not a snapshot"):
        snapshot.read_silences(tmp_path / "silences")


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "silences"
    snapshot.write_silences(path, [silence()])

    def breaking() -> Iterator[Silence]:
        yield silence("2" * 36)
        raise OSError("disk trouble")

    with pytest.raises(OSError, match="disk trouble"):
        snapshot.write_silences(path, breaking())
    assert snapshot.read_silences(path)[0] == [silence()]
    assert [each.name for each in tmp_path.iterdir()] == ["silences"]


def test_files_are_private(tmp_path: Path) -> None:
    snapshot.write_log(tmp_path / "nflog", [])
    assert (tmp_path / "nflog").stat().st_mode & 0o777 == 0o600


def test_newer_is_later_than_our_own_export(tmp_path: Path) -> None:
    path = tmp_path / "nflog"
    assert not snapshot.newer(path, 0)
    path.touch()
    ours = path.stat().st_mtime_ns
    assert snapshot.newer(path, 0)
    assert not snapshot.newer(path, ours)
    os.utime(path, ns=(ours, ours + 1))
    assert snapshot.newer(path, ours)


class _Real:
    """A running Alertmanager over a storage directory, and the webhook bodies it sent."""

    def __init__(self, port: int, bodies: list[dict[str, object]]) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v2"
        self.bodies = bodies

    def call(self, path: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def _until(condition: object, what: str) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.05)
    pytest.fail(f"waited 20 s in vain for {what}")


@contextmanager
def real_alertmanager(directory: Path) -> Iterator[_Real]:
    bodies: list[dict[str, object]] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    config = directory.parent / "alertmanager.yml"
    config.write_text(
        "route: {receiver: a, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 4h}\n"
        f"receivers: [{{name: a, webhook_configs: [{{url: 'http://127.0.0.1:{hook.server_port}/'}}]}}]\n"
    )
    log = directory.parent / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [ALERTMANAGER, f"--config.file={config}", f"--storage.path={directory}", "--cluster.listen-address=",
             "--web.listen-address=127.0.0.1:0"],
            stderr=out,
        )  # fmt: skip
    try:
        _until(lambda: "Listening on" in log.read_text() or process.poll() is not None, "Alertmanager to listen")
        (line,) = [line for line in log.read_text().splitlines() if "Listening on" in line]
        yield _Real(int(line.rsplit(":", 1)[1].strip('"')), bodies)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        hook.shutdown()
        hook.server_close()


def _rfc3339(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


needs_alertmanager = pytest.mark.skipif(ALERTMANAGER is None, reason="prometheus-alertmanager is not installed")


@needs_alertmanager
def test_we_read_what_the_real_one_wrote(tmp_path: Path) -> None:
    now = int(time.time())
    directory = tmp_path / "data"
    with real_alertmanager(directory) as real:
        made = real.call(
            "/silences",
            {
                "matchers": [
                    {"name": "alertname", "value": "Bar.*", "isRegex": True, "isEqual": True},
                    {"name": "job", "value": "x", "isRegex": False, "isEqual": False},
                ],
                "startsAt": _rfc3339(now + 100),
                "endsAt": "9999-12-01T00:00:00Z",
                "createdBy": "ann",
                "comment": "é",
            },
        )
        real.call("/alerts", [{"labels": {"alertname": "Foo"}}])
        _until(lambda: real.bodies, "the webhook")
    (found,), warnings = snapshot.read_silences(directory / "silences")
    assert warnings == []
    assert found.id == made["silenceID"]  # type: ignore[index]
    assert found.matcher_sets == ((Matcher("alertname", Op.RE, "Bar.*"), Matcher("job", Op.NE, "x")),)
    assert (found.starts, found.ends) == ((now + 100) * SECOND, YEAR_9999 + SECOND - 31 * 24 * HOUR)
    assert (found.created_by, found.comment) == ("ann", "é")
    assert found.expires == found.ends + 120 * HOUR
    (told,) = snapshot.read_log(directory / "nflog")
    assert told.key == '{}:{alertname="Foo"}:a/webhook/0'
    assert told.firing == (FOO_HASH,)


@needs_alertmanager
def test_the_real_one_reads_what_we_wrote(tmp_path: Path) -> None:
    now = int(time.time()) * SECOND
    directory = tmp_path / "data"
    directory.mkdir()
    ours = silence(starts=now - HOUR, ends=YEAR_9999, updated=now, expires=YEAR_9999 + 120 * HOUR)
    told = msgspec.structs.replace(
        entry(now), group_key='{}:{alertname="Foo"}', receiver="a", firing=(FOO_HASH,), resolved=()
    )
    snapshot.write_silences(directory / "silences", [ours])
    snapshot.write_log(directory / "nflog", [told])
    with real_alertmanager(directory) as real:
        (listed,) = real.call("/silences")  # type: ignore[misc]
        assert listed["id"] == ours.id
        assert listed["comment"] == ours.comment
        assert listed["endsAt"] == "9999-12-31T23:59:59.000Z"
        assert [(m["name"], m["value"], m["isRegex"], m["isEqual"]) for m in listed["matchers"]] == [
            ("alertname", "Foo", False, True),
            ("job", "node|x", True, False),
        ]
        # Foo was told; Bar was not, and its notification shows that Foo's turn has come and gone as well.
        for name in ("Foo", "Bar"):
            real.call("/alerts", [{"labels": {"alertname": name, **({"job": "node"} if name == "Bar" else {})}}])
        _until(lambda: real.bodies, "the webhook")
        time.sleep(0.5)
        assert [body["groupLabels"] for body in real.bodies] == [{"alertname": "Bar"}]
