"""A machine that is against the daemon: configurations that make no sense, full disks, closed streams, signals."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api, rfc3339
from tests.support.daemon import Daemon, DaemonError, ampp_command, ampp_environment
from tests.support.sink import Delivery, Sink

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def hook(url: str) -> str:
    return (
        "route: {receiver: hook, group_by: [alertname], group_wait: 50ms, group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{url}'}}]}}]\n"
    )


def firing(name: str, **annotations: str) -> dict[str, Any]:
    return {"labels": {"alertname": name}, "annotations": annotations}


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def metric(api: Api, name: str) -> float:
    text = api.request("GET", "/metrics").body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def ended(*words: str, environment: dict[str, str] | None = None) -> tuple[int, list[str]]:
    """Exit status and what was said, of a daemon that is expected not to start."""
    done = subprocess.run(
        [*ampp_command(), "--cluster.listen-address=", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment or ampp_environment(),
    )
    return done.returncode, done.stderr.splitlines()


def bomb() -> str:
    lines = ["receivers: [{name: a}]", "route:", "  receiver: a", "  routes:", "  - &r0 {receiver: a}"]
    lines += [f"  - &r{n}\n    routes: [{', '.join([f'*r{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines)


UNUSABLE: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "no route provided in config", "hint: "),
    "noise": (bytes(range(256)) * 100, "control characters are not allowed", "am.yml:1:1"),
    "invalid UTF-8": (b'route: {receiver: "a\xff"}\n', "UTF-8", "am.yml:1:21"),
    "no YAML": (b"route: {receiver: a\n", "did not find expected", "am.yml:2:1"),
    "a tab": (b"route:\n\treceiver: a\n", "cannot start any token", "hint: indent with spaces"),
    "an unknown receiver": (b"route: {receiver: b}\nreceivers: [{name: a}]\n", "undefined receiver", "am.yml:1:19"),
    "an unknown type": (
        b"route: {receiver: a}\nreceivers: [{name: a, webhook_config: []}]\n",
        "field webhook_config not found",
        "hint: did you mean webhook_configs?",
    ),
    "no unit": (b"route: {receiver: a, group_wait: 5}\nreceivers: [{name: a}]\n", "duration", "am.yml:1:34"),
    "itself inside": (b"route: &r\n  receiver: a\n  routes: [*r]\n", "contains itself", "am.yml:3:12"),
    "aliases of aliases": (bomb().encode(), "excessive aliasing", "hint: "),
    "200,000 brackets": (b"[" * 200_000, "exceeded max depth", "am.yml:1:"),
    "50 MB": (b"#" * 50_000_000, "larger than 20 MiB", "am.yml"),
    "an object of Python": (b'!!python/object/apply:os.system ["exit"]\n', "cannot unmarshal", "am.yml:1:1"),
}


@pytest.mark.parametrize("name", ["an unknown type", "aliases of aliases", "50 MB"])
def test_an_unusable_configuration_is_told_once(tmp_path: Path, name: str) -> None:
    text, said, where = UNUSABLE[name]
    (tmp_path / "am.yml").write_bytes(text)
    status, lines = ended(f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'data'}")
    errors = [line for line in lines if "level=ERROR" in line]
    assert (status, len(errors)) == (1, 1)
    assert said in errors[0]
    assert where in errors[0]
    assert "Traceback" not in errors[0]


def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.yml", "no such file or directory"), (tmp_path, "is a directory")):
        status, lines = ended(f"--config.file={path}", f"--storage.path={tmp_path / 'data'}")
        assert status == 1
        assert [line for line in lines if "level=ERROR" in line and f"open {path}: {reason}" in line] == lines[-1:]


def test_a_bad_reload_changes_nothing() -> None:
    with Sink() as sink, Daemon(ampp_command(), hook(sink.url("/a"))) as daemon:
        api = daemon.api()
        good = api.request("GET", "/api/v2/status").json["config"]
        for name, (text, said, where) in UNUSABLE.items():
            before = len(daemon.log)
            daemon.config_file.write_bytes(text)
            answer = api.request("POST", "/-/reload")
            assert (answer.status, name) == (500, name)
            assert said.encode() in answer.body
            daemon.wait_log(where.replace("am.yml", "alertmanager.yml"), after=before)
            assert metric(api, "alertmanager_config_last_reload_successful ") == 0
        daemon.config_file.unlink()
        assert api.request("POST", "/-/reload").status == 500
        missing = hook(sink.url("/b")).replace("{url:", "{http_config: {tls_config: {ca_file: /nonexistent}}, url:")
        daemon.config_file.write_text(missing)
        answer = api.request("POST", "/-/reload")
        assert answer.status == 500
        assert b"/nonexistent" in answer.body
        assert api.request("GET", "/api/v2/status").json["config"] == good
        api.post_alerts([firing("still")])
        sink.wait(1, path="/a")
        daemon.config_file.write_text(hook(sink.url("/b")))
        assert api.request("POST", "/-/reload").status == 200
        assert metric(api, "alertmanager_config_last_reload_successful ") == 1
        assert "Traceback" not in daemon.log


def test_a_missing_url_file_fails_the_send_and_not_the_daemon(tmp_path: Path) -> None:
    with Sink() as sink:
        text = hook("x").replace("url: 'x'", f"url_file: {tmp_path / 'url'}")
        with Daemon(ampp_command(), text) as daemon:
            daemon.api().post_alerts([firing("a")])
            daemon.wait_log(str(tmp_path / "url"), 20)
            (tmp_path / "url").write_text(sink.url("/late"))
            sink.wait(1, 30, path="/late")


def test_a_burst_of_sighups(tmp_path: Path) -> None:
    with Sink() as sink, Daemon(ampp_command(), hook(sink.url("/a"))) as daemon:
        daemon.api().post_alerts([firing("a")])
        # A reload breaks off what is under way, to be told again: only what was told before is told once.
        wait_for(
            lambda: metric(daemon.api(), 'alertmanager_notification_latency_seconds_count{integration="webhook"}') == 1
        )
        for number in range(100):
            daemon.config_file.write_text(hook(sink.url(f"/{number}")))
            daemon.signal(signal.SIGHUP)
        daemon.config_file.write_text(hook(sink.url("/last")))
        daemon.signal(signal.SIGHUP)
        wait_for(lambda: _settled(daemon))
        daemon.api().post_alerts([firing("b")])
        sink.wait(1, path="/last")
        told = [d for d in sink.deliveries() if d.payload["groupLabels"] == {"alertname": "a"}]
        assert len(told) == 1
        assert daemon.stop() == 0


def _settled(daemon: Daemon) -> bool:
    """Whether every reload begun has ended, some of them having met a file half written, and no other begins."""
    time.sleep(0.3)
    log = daemon.log
    ends = log.count('msg="Completed loading of') + log.count('msg="Loading configuration file failed"')
    return ends == log.count('msg="Loading configuration file"')


@pytest.mark.parametrize("behaviour", ["hang", ("slow", 1.0), 500])
def test_sigterm_while_sending(behaviour: Any) -> None:
    with Sink() as sink:
        sink.always("/x", behaviour)
        with Daemon(ampp_command(), hook(sink.url("/x"))) as daemon:
            daemon.api().post_alerts([firing("a")])
            sink.wait(1)
            assert daemon.stop() == 0
            sink.always("/x", 200)
            daemon.start()
            # What was answered while the daemon waited for it is not told again; everything else is.
            if behaviour != ("slow", 1.0):
                sink.wait(2)
            daemon.api().post_alerts([firing("b")])
            sink.wait(lambda all_: any(d.payload["groupLabels"]["alertname"] == "b" for d in all_))
            assert "Traceback" not in daemon.log
            told = [d for d in sink.deliveries() if d.ok and d.payload["groupLabels"]["alertname"] == "a"]
            assert len(told) == 1


def test_sigterm_at_any_moment_of_the_start(tmp_path: Path) -> None:
    (tmp_path / "am.yml").write_text(CONFIG)
    for tenths in range(1, 12, 4):
        process = subprocess.Popen(
            [
                *ampp_command(),
                f"--config.file={tmp_path / 'am.yml'}",
                f"--storage.path={tmp_path / 'data'}",
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",
            ],
            stderr=subprocess.PIPE,
            text=True,
            env=ampp_environment(),
        )
        time.sleep(tenths / 10)
        process.terminate()
        _, said = process.communicate(timeout=30)
        assert process.returncode in (0, -signal.SIGTERM)
        assert "Traceback" not in said
    with Daemon(ampp_command(), CONFIG, storage=tmp_path / "data") as daemon:
        assert "damaged" not in daemon.log


def test_killed_and_restarted_it_tells_nobody_twice() -> None:
    with Sink() as sink, Daemon(ampp_command(), hook(sink.url("/x"))) as daemon:
        ends = rfc3339(time.time() + 3600)
        for number in range(3):
            assert daemon.api().post_alerts([{**firing(f"a{number}"), "endsAt": ends}]).status == 200
            sink.wait(number + 1)
            daemon.kill()
            daemon.start()
        api = daemon.api()
        assert len(api.alerts()) == 3
        # One that dies before it has noted the answer tells once more; after that it is noted.
        wait_for(lambda: {d.payload["groupLabels"]["alertname"] for d in sink.deliveries()} == {"a0", "a1", "a2"})
        time.sleep(1)
        sink.clear()
        daemon.kill()
        daemon.start()
        time.sleep(2.5)
        assert sink.deliveries() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("needs root, to mount a small file system")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=6m", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def own_alert(delivery: Delivery, status: str) -> bool:
    """Whether this tells of ampp's own alert about its store."""
    told = delivery.payload
    return bool(told["groupLabels"]["alertname"] == "AmppStorageFailing" and told["status"] == status)


def test_a_full_disk_stops_no_notification_and_heals(small_disk: Path) -> None:
    with Sink() as sink, Daemon(ampp_command(), hook(sink.url("/x")), storage=small_disk / "data") as daemon:
        api = daemon.api()
        assert api.post_alerts([firing("before")]).status == 200
        sink.wait(1)
        with (small_disk / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass
        refused = None
        for number in range(200):
            answer = api.post_alerts([firing(f"full-{number}", text="x" * 20_000)])
            if answer.status != 200:
                refused = answer
                break
        assert refused is not None
        assert refused.status == 503
        assert b"alerts.db" in refused.body
        assert b"full" in refused.body
        assert api.post_alerts([firing("routed")]).status == 503
        sink.wait(lambda all_: any(d.payload["groupLabels"]["alertname"] == "routed" for d in all_), 20)
        sink.wait(lambda all_: any(own_alert(d, "firing") for d in all_), 20)
        assert metric(api, "ampp_store_writable") < 1
        daemon.wait_log('msg="State is not being stored; alerts are routed all the same"')
        assert api.request("GET", "/-/ready").status == 200

        (small_disk / "filler").unlink()
        wait_for(lambda: api.post_alerts([firing("after")]).status == 200, 30)
        wait_for(lambda: metric(api, "ampp_store_writable") >= 1)
        daemon.wait_log('msg="State is being stored again"')
        sink.wait(lambda all_: any(d.payload["groupLabels"]["alertname"] == "after" for d in all_), 20)
        sink.wait(lambda all_: any(own_alert(d, "resolved") for d in all_), 20)
        # What has arrived is not yet what is known to have arrived; a kill in between may tell it twice.
        time.sleep(0.5)
        daemon.kill()
        sink.clear()
        daemon.start()
        names = {each["labels"]["alertname"] for each in daemon.api().alerts()}
        assert {"before", "routed", "after"} <= names
        time.sleep(1.5)
        assert sink.deliveries() == []
        assert "Traceback" not in daemon.log


def test_a_flood_of_changes_on_a_small_disk_is_taken_in(small_disk: Path) -> None:
    """Several times what the volume holds goes through the journal: it and the history give way, routing does not."""
    with Daemon(ampp_command(), CONFIG, storage=small_disk / "data") as daemon:
        api = daemon.api()
        for turn in range(7):
            end = {"endsAt": rfc3339(time.time() - 1)} if turn % 2 else {}
            for first in range(0, 2000, 100):
                some = [{**firing(f"a{number}", text="x" * 400), **end} for number in range(first, first + 100)]
                assert api.post_alerts(some).status == 200
        wait_for(lambda: metric(api, "ampp_history_behind_records") == 0)
        daemon.kill()
        daemon.start()
        assert {each["labels"]["alertname"] for each in daemon.api().alerts()} == {f"a{n}" for n in range(2000)}
        assert "Traceback" not in daemon.log


def test_files_that_vanish_while_it_runs() -> None:
    """The maintenance, which opens them anew, must not end the daemon."""
    arguments = ["--data.maintenance-interval=300ms"]
    with Sink() as sink, Daemon(ampp_command(), hook(sink.url("/x")), arguments=arguments) as daemon:
        api = daemon.api()
        api.post_alerts([firing("a")])
        sink.wait(1)
        for file in daemon.storage.iterdir():
            file.unlink()
        time.sleep(1)
        api.post_alerts([firing("b")])
        sink.wait(2)
        assert api.request("GET", "/-/healthy").status == 200
        assert "Traceback" not in daemon.log


# A daemon whose wall clock is set forward an hour by SIGUSR1 and back by SIGUSR2; its monotonic clock goes on.
SHIFTED = (
    "import signal, sys, time\n"
    "read, shift = time.time_ns, [0]\n"
    "time.time_ns = lambda: read() + shift[0]\n"
    "def move(by):\n"
    "    shift[0] += by * 3_600_000_000_000\n"
    "signal.signal(signal.SIGUSR1, lambda *_: move(1))\n"
    "signal.signal(signal.SIGUSR2, lambda *_: move(-1))\n"
    "from ampp_cli.main import main\n"
    "sys.exit(main())"
)


@pytest.mark.parametrize("jump", [signal.SIGUSR1, signal.SIGUSR2])
def test_the_clock_jumps_an_hour(jump: signal.Signals) -> None:
    with Sink() as sink:
        text = hook(sink.url("/x")).replace("repeat_interval: 1h", "repeat_interval: 1d")
        with Daemon([sys.executable, "-c", SHIFTED, "run"], text) as daemon:
            api = daemon.api()
            ends = rfc3339(time.time() + 86400)
            api.post_silence([("alertname", "=", "quiet")], time.time() - 10, time.time() + 30 * 60)
            api.post_alerts([{**firing(name), "endsAt": ends} for name in ("loud", "quiet")])
            sink.wait(1)
            daemon.signal(jump)
            forward = jump == signal.SIGUSR1
            if forward:
                # The silence is over, and only then is the alert told.
                sink.wait(2)
            state = {True: "expired", False: "pending"}[forward]
            wait_for(lambda: api.silences()[0]["status"]["state"] == state)
            assert api.post_alerts([{**firing("later"), "endsAt": ends}]).status == 200
            sink.wait(lambda told: "later" in names(told))
            time.sleep(1.3)
            assert sorted(names(sink.deliveries())) == ["later", "loud", "quiet"]
            daemon.kill()
            daemon.start()
            time.sleep(1.3)
            told = [(d.payload["groupLabels"]["alertname"], d.payload["status"]) for d in sink.deliveries()]
            assert len(told) == len(set(told)), told
            assert "Traceback" not in daemon.log


def names(deliveries: list[Delivery]) -> list[str]:
    return [each.payload["groupLabels"]["alertname"] for each in deliveries]


def test_a_second_daemon_is_kept_out() -> None:
    with Daemon(ampp_command(), CONFIG) as first:
        status, lines = ended(f"--config.file={first.config_file}", f"--storage.path={first.storage}")
        assert status == 1
        assert f"is in use by process {first.pid}" in lines[-1]
        status, lines = ended(
            f"--config.file={first.config_file}",
            f"--storage.path={first.folder / 'other'}",
            f"--web.listen-address={first.address}",
        )
        assert status == 1
        assert f"listen tcp {first.address}: bind: address already in use" in lines[-1]


@pytest.mark.parametrize("name", ["alerts.db", "silences.db"])
def test_a_damaged_database_is_set_aside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(os.urandom(50_000))
    with Daemon(ampp_command(), CONFIG, storage=tmp_path) as daemon:
        assert "level=WARN" in daemon.log
        assert f"{name} is damaged" in daemon.log
        assert daemon.api().post_alerts([firing("a")]).status == 200
        assert [each.name for each in tmp_path.glob(f"{name}.broken-*")]


@pytest.mark.parametrize("name", ["nflog", "silences"])
def test_a_damaged_snapshot_stops_the_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "am.yml").write_text(CONFIG)
    (tmp_path / name).write_bytes(b"\xff" * 5000)
    status, lines = ended(f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path}")
    assert status == 1
    assert f"{tmp_path / name} is not a snapshot of Alertmanager" in lines[-1]


def test_closed_streams_take_no_log_lines() -> None:
    """Without a descriptor 2 the first thing opened would get the number, and then every log line."""
    with Daemon(ampp_command(), CONFIG) as daemon:
        command = [*ampp_command(), "--cluster.listen-address=", f"--config.file={daemon.config_file}"]
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command += [f"--storage.path={daemon.folder / 'closed'}", f"--web.listen-address=127.0.0.1:{port}"]
        shell = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
        process = subprocess.Popen(shell, env=ampp_environment())
        try:
            api = Api("127.0.0.1", port)
            api.wait_ready()
            for number in range(3):
                assert os.readlink(f"/proc/{process.pid}/fd/{number}") == os.devnull
            assert api.post_alerts([firing("a")]).status == 200
            api.close()
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_an_empty_environment_and_an_unknown_user(tmp_path: Path) -> None:
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("needs root and setpriv, to become somebody else")
    storage = tmp_path / "data"
    storage.mkdir()
    os.chown(storage, 54321, 54321)
    # Python may lie where only root looks: reading everything is allowed, writing is not.
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--bounding-set=-dac_override"]
    prefix = [setpriv, "--reuid=54321", "--regid=54321", "--clear-groups", *reading]
    bare = {"PYTHONPATH": ampp_environment()["PYTHONPATH"], "LANG": "C", "LC_ALL": "C", "TMPDIR": "/nonexistent"}
    daemon = Daemon(ampp_command(), CONFIG, storage=storage, prefix=prefix, environment=bare)
    try:
        try:
            daemon.start()
        except DaemonError as error:
            if "Permission denied" in str(error) and "ampp" not in str(error).partition("\n")[2]:
                pytest.skip("an unknown user cannot run this Python")
            raise
        api = daemon.api()
        assert api.post_alerts([firing("é")]).status == 200
        assert api.alerts()[0]["labels"] == {"alertname": "é"}
        assert daemon.stop() == 0
    finally:
        daemon.close()
    denied = tmp_path / "denied"
    denied.mkdir(mode=0o755)
    (tmp_path / "am.yml").write_text(CONFIG)
    done = subprocess.run(
        [
            *prefix,
            *ampp_command(),
            "--cluster.listen-address=",
            f"--config.file={tmp_path / 'am.yml'}",
            f"--storage.path={denied}",
        ],
        capture_output=True,
        text=True,
        env=bare,
        timeout=60,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert str(denied) in last
    assert "ermission denied" in last
    assert "Traceback" not in last


def test_a_listener_for_everything_is_on_both_families() -> None:
    with Daemon(ampp_command(), CONFIG, arguments=[]) as daemon:
        daemon.kill()
        daemon.address = ":0"
        daemon.start()
        port = daemon.port
        hosts = ["127.0.0.1"] + (["::1"] if daemon.address.startswith("[") else [])
        for host in hosts:
            with socket.create_connection((host, port), timeout=10) as sock:
                sock.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
                assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
