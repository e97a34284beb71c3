"""Live events from a real daemon, over server-sent events and WebSockets, through all that can befall a listener."""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.support.api import Api, rfc3339
from tests.support.daemon import Daemon, ampp_command
from tests.support.listener import Listener, Refused, WebSocket, close_all
from tests.support.sink import Sink

CONFIG = """
route: {{receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s}}
receivers: [{{name: hook, webhook_configs: [{{url: '{url}'}}]}}]
inhibit_rules:
- {{source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [cluster]}}
"""
DEAD = CONFIG.format(url="http://127.0.0.1:1/")


@pytest.fixture(autouse=True)
def hang_up() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon(ampp_command(), DEAD) as daemon:
        yield daemon


def listen(daemon: Daemon, path: str = "/api/v2/events/stream", **headers: str) -> Listener:
    return Listener(daemon.host, daemon.port, path, headers)


def alert(name: str, **more: Any) -> dict[str, Any]:
    labels = more.pop("labels", {})
    return {"labels": {"alertname": name, **labels}, **more}


def over() -> dict[str, str]:
    return {"startsAt": rfc3339(time.time() - 60), "endsAt": rfc3339(time.time() - 1)}


def until_alert(listener: Listener | WebSocket, kind: str, name: str) -> dict[str, Any]:
    while True:
        event = listener.until(kind)
        if event["data"]["alertname"] == name:
            return event


def metric(api: Api, name: str) -> float:
    text = api.request("GET", "/metrics").body.decode()
    [line] = [line for line in text.splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


def test_an_alert_s_life_is_told(daemon: Daemon) -> None:
    api, listener = daemon.api(), listen(daemon)
    assert listener.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert listener.headers["x-accel-buffering"] == "no"
    assert listener.headers["cache-control"] == "no-store"
    assert listener.next()["type"] == "ready"
    api.post_alerts([alert("Disk", labels={"severity": "warning", "cluster": "eu"})])
    created = listener.next()
    assert created["type"] == "alert_created"
    assert created["source"] == "alert_processor"
    data = created["data"]
    assert (data["status"], data["state"], data["severity"], data["receivers"]) == (
        "firing",
        "active",
        "warning",
        ["hook"],
    )
    assert data["am_fingerprint"] == api.alerts()[0]["fingerprint"]
    assert len(data["fingerprint"]) == 64
    assert listener.until("stats_updated")["data"]["firing_alerts"] == 1
    api.post_alerts([alert("Host", labels={"severity": "critical", "cluster": "eu"})])
    inhibited = listener.until("alert_inhibited")["data"]
    assert (inhibited["alertname"], inhibited["state"]) == ("Disk", "suppressed")
    assert inhibited["inhibited_by"]["fingerprint"]
    api.post_alerts([alert("Host", labels={"severity": "critical", "cluster": "eu"}, **over())])
    assert listener.until("alert_resolved")["data"]["alertname"] == "Host"
    assert listener.until("alert_unsuppressed")["data"]["alertname"] == "Disk"
    made = api.post_silence([("alertname", "=", "Disk")], time.time(), time.time() + 3600).json["silenceID"]
    assert listener.until("silence_created")["data"]["id"] == made
    assert listener.until("alert_silenced")["data"]["silenced_by"] == [made]
    api.expire_silence(made)
    assert listener.until("silence_expired")["data"]["status"] == "expired"
    assert listener.until("alert_unsuppressed")["data"]["alertname"] == "Disk"
    api.post_alerts([alert("Disk", labels={"severity": "warning", "cluster": "eu"}, **over())])
    assert listener.until("alert_resolved")["data"]["alertname"] == "Disk"
    assert listener.until("stats_updated")["data"]["firing_alerts"] == 0
    api.post_alerts([alert("Disk", labels={"severity": "warning", "cluster": "eu"})])
    assert listener.until("alert_firing", "alert_created")["data"]["alertname"] == "Disk"


def test_what_only_the_clock_changes_is_told(daemon: Daemon) -> None:
    api, listener = daemon.api(), listen(daemon)
    now = time.time()
    api.post_alerts([alert("Short", endsAt=rfc3339(now + 2)), alert("Long")])
    api.post_silence([("alertname", "=", "Long")], now + 1, now + 3)
    assert listener.until("silence_created")["data"]["status"] == "pending"
    assert listener.until("silence_active")["data"]["status"] == "active"
    assert until_alert(listener, "alert_silenced", "Long")
    assert until_alert(listener, "alert_resolved", "Short")
    assert listener.until("silence_expired")
    assert until_alert(listener, "alert_unsuppressed", "Long")


def test_repeats_of_known_alerts_are_no_events(daemon: Daemon) -> None:
    api, listener = daemon.api(), listen(daemon, "/events/stream?topics=alert")
    api.post_alerts([alert("A")])
    assert listener.until("alert_created")
    for _ in range(5):
        api.post_alerts([alert("A")])
    api.post_alerts([alert("B")])
    told = listener.next()
    assert (told["type"], told["data"]["alertname"]) == ("alert_created", "B")


def test_briefly_only_that_something_changed_is_told(daemon: Daemon) -> None:
    api, path = daemon.api(), "?topics=alert&brief=true"
    full, brief = listen(daemon), listen(daemon, "/events/stream" + path)
    socket = WebSocket(daemon.host, daemon.port, "/ws/dashboard" + path)
    api.post_alerts([alert(f"A{number}") for number in range(7)])
    last = [full.until("alert_created") for _ in range(7)][-1]
    for one in (brief, socket):
        assert one.next()["type"] == "ready"
        told = one.next()
        assert (told["type"], told["id"], told["data"]) == ("changed", last["id"], {"count": 7})
    api.post_alerts([alert("B")])
    resumed = listen(daemon, f"/events/stream{path}&since={last['id']}")
    assert resumed.until("changed")["id"] == full.until("alert_created")["id"]
    with pytest.raises(Refused) as refused:
        listen(daemon, "/events/stream?brief=perhaps")
    assert b"must be true or false" in refused.value.body


def test_groups_notifications_and_receivers_health_are_told() -> None:
    with Sink() as sink:
        sink.behave("/hook", 200)
        sink.always("/hook", 400)
        with Daemon(ampp_command(), CONFIG.format(url=sink.url("/hook"))) as daemon:
            api, listener = daemon.api(), listen(daemon, "/events/stream?topics=group,notification,health")
            api.post_alerts([alert("A")])
            flushed = listener.until("group_flushed")["data"]
            assert flushed["group_key"] == '{}:{alertname="A"}'
            assert flushed["decisions"][0]["reason"] == "first notification"
            sent = listener.until("notification_sent")["data"]
            assert (sent["group_key"], sent["receiver"], sent["integration"], sent["integration_index"]) == (
                '{}:{alertname="A"}', "hook", "webhook", 0,
            )  # fmt: skip
            assert listener.until("health_changed")["data"] == {
                "component": "receiver:hook/webhook/0", "status": "healthy", "message": "",
            }  # fmt: skip
            api.post_alerts([alert("B")])
            failed = listener.until("notification_failed")["data"]
            assert "400" in failed["error"]
            health = listener.until("health_changed")["data"]
            assert health["status"] == "failing"
            assert "400" in health["message"]


def test_reloads_are_told(daemon: Daemon) -> None:
    listener = listen(daemon, "/events/stream?topics=config")
    daemon.reload(DEAD.replace("group_wait: 1s", "group_wait: 2s"))
    assert listener.until("config_reloaded")["data"]["hash"]
    daemon.reload("route: {receiver: nobody}\n")
    assert "nobody" in listener.until("config_failed")["data"]["message"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("needs root, to mount a small file system")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=16m", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_is_told_and_so_is_that_it_heals(small_disk: Path) -> None:
    with Daemon(ampp_command(), DEAD, storage=small_disk / "data") as daemon:
        api, listener = daemon.api(), listen(daemon, "/events/stream?topics=health")
        assert listener.next()["type"] == "ready"
        assert api.request("GET", "/ready").status == 200
        filler = small_disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        n = 0
        while api.post_alerts([alert(f"A{n}", labels={"long": "x" * 5000})]).status == 200:
            n += 1
        store = listener.next(30)["data"]
        while store["component"] != "store":
            store = listener.next(30)["data"]
        assert store["status"] == "unhealthy"
        assert store["message"]
        answer = api.request("GET", "/ready")
        assert (answer.status, answer.json["checks"]["database"]) == (503, "unhealthy")
        assert api.request("GET", "/health").status == 200
        assert api.request("GET", "/api/dashboard/health").status == 503
        assert api.request("GET", "/-/ready").status == 200
        made = {"ids": ["00000000-0000-4000-8000-000000000000"]}
        assert api.post_json("/silences/bulk/delete", made).status == 400
        filler.unlink()
        while (store := listener.next(30)["data"])["component"] != "store":
            pass
        assert store["status"] == "healthy"
        assert api.request("GET", "/ready").status == 200


def test_who_comes_back_is_told_what_happened_meanwhile(daemon: Daemon) -> None:
    api, listener = daemon.api(), listen(daemon)
    api.post_alerts([alert("A")])
    known = listener.until("alert_created")["id"]
    listener.close()
    api.post_alerts([alert("B")])
    other = listen(daemon)
    other.next()
    api.post_alerts([alert("C")])
    until_alert(other, "alert_created", "C")
    for again in (
        listen(daemon, **{"Last-Event-ID": known}),
        listen(daemon, f"/events/stream?since={known}"),
        listen(daemon, "/events/stream?since=00000000-1", **{"Last-Event-ID": known}),
        WebSocket(daemon.host, daemon.port, f"/ws/dashboard?since={known}"),
    ):
        first = again.next()
        assert (first["type"], first["id"]) == ("ready", known)
        events = [again.next()]
        while events[-1]["type"] != "alert_created" or events[-1]["data"]["alertname"] != "C":
            events.append(again.next())
        sequence = [event["sequence"] for event in events]
        assert sequence == list(range(first["sequence"] + 1, first["sequence"] + 1 + len(sequence)))
        assert "B" in [event["data"].get("alertname") for event in events]


def test_the_place_of_the_overview_is_one_to_go_on_from(daemon: Daemon) -> None:
    api = daemon.api()
    known = api.request("GET", "/api/dashboard/overview").json["last_event_id"]
    api.post_alerts([alert("A")])
    listener = listen(daemon, f"/events/stream?since={known}")
    assert listener.next()["type"] == "ready"
    assert until_alert(listener, "alert_created", "A")


def test_a_gap_is_told(daemon: Daemon) -> None:
    api, listener = daemon.api(), listen(daemon, "/events/stream?topics=alert")
    old = listener.next()["id"]
    for first in range(0, 4800, 400):
        api.post_alerts([alert(f"A{first + n}") for n in range(400)])
        told = 0
        while told < 400:
            told += listener.until("alert_created", "alert_many")["data"].get("count", 1)
    late = listen(daemon, f"/events/stream?since={old}")
    reset = late.next()
    assert reset["type"] == "reset"
    api.post_alerts([alert("Last")])
    event = until_alert(late, "alert_created", "Last")
    assert event["sequence"] > reset["sequence"]
    daemon.kill()
    daemon.start()
    again = listen(daemon, f"/events/stream?since={event['id']}")
    assert again.next()["type"] == "reset"


def test_a_crowd_of_changes_is_told_as_one(daemon: Daemon) -> None:
    api, listener = daemon.api(), listen(daemon, "/events/stream?topics=alert")
    listener.next()
    api.post_alerts([alert(f"A{n}") for n in range(2000)])
    assert listener.next()["type"] == "alert_many"


def test_a_listener_that_takes_nothing_holds_up_nobody_and_is_hung_up_on(daemon: Daemon) -> None:
    api = daemon.api()
    stuck = Listener(daemon.host, daemon.port, read=False)
    stuck.line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    quick = listen(daemon, "/events/stream?topics=alert")
    quick.next()
    long = {"long": "x" * 15_000}
    deadline = time.monotonic() + 60
    n = 0
    while metric(api, "ampp_stream_dropped_total") == 0:
        assert time.monotonic() < deadline
        n += 1
        assert api.post_alerts([alert(f"A{n}-{k}", labels=long) for k in range(100)]).status == 200
        assert until_alert(quick, "alert_created", f"A{n}-99")
    stuck.read()
    assert stuck.ended.wait(20)
    assert not quick.ended.is_set()


def test_streams_take_no_slot_of_other_requests_and_outlive_the_time_limit() -> None:
    with Daemon(ampp_command(), DEAD, arguments=["--web.get-concurrency=2", "--web.timeout=1s"]) as daemon:
        api = daemon.api()
        listeners = [listen(daemon, "/events/stream?topics=alert") for _ in range(5)]
        socket_ = WebSocket(daemon.host, daemon.port, "/ws/dashboard?topics=alert")
        assert socket_.next()["type"] == "ready"
        for each in listeners:
            assert each.next()["type"] == "ready"
        time.sleep(1.5)
        assert len(api.alerts()) == 0
        api.post_alerts([alert("A")])
        for listener in [*listeners, socket_]:
            assert listener.next()["type"] == "alert_created"


def test_there_is_a_limit_of_streams(tmp_path: Path) -> None:
    settings = tmp_path / "ampp.yml"
    settings.write_text("limits: {streams: 2}\n")
    with Daemon(ampp_command(), DEAD, arguments=[f"--ampp.config.file={settings}"]) as daemon:
        first, second = listen(daemon), WebSocket(daemon.host, daemon.port, "/ws/silences")
        assert (first.next()["type"], second.next()["type"]) == ("ready", "ready")
        with pytest.raises(Refused) as refused:
            listen(daemon)
        assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "5")
        with pytest.raises(Refused) as refused:
            WebSocket(daemon.host, daemon.port, "/ws/dashboard")
        assert refused.value.status == 503
        first.close()
        deadline = time.monotonic() + 10
        while True:
            try:
                assert listen(daemon).next()["type"] == "ready"
                break
            except Refused:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_the_end_of_the_daemon_is_the_end_of_its_streams(daemon: Daemon) -> None:
    api = daemon.api()
    listeners = [listen(daemon), WebSocket(daemon.host, daemon.port, "/ws/dashboard")]
    silences = WebSocket(daemon.host, daemon.port, "/ws/silences")
    assert {each.next()["type"] for each in [*listeners, silences]} == {"ready"}
    api.post_alerts([alert("A")])
    for each in listeners:
        until_alert(each, "alert_created", "A")
    assert daemon.stop() == 0
    for each in [*listeners, silences]:
        assert each.ended.wait(10)
    assert (listeners[1].closed, silences.closed) == (1001, 1001)  # type: ignore[union-attr]
    assert "Traceback" not in daemon.log


def test_the_end_of_the_daemon_waits_for_nobody_who_takes_nothing(daemon: Daemon) -> None:
    api = daemon.api()
    stuck = Listener(daemon.host, daemon.port, read=False)
    stuck.line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for n in range(8):
        api.post_alerts([alert(f"A{n}-{k}", labels={"long": "x" * 15_000}) for k in range(400)])
        time.sleep(0.3)
    # And one that asks for a large answer and does not read it.
    lazy = socket.create_connection((daemon.host, daemon.port))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.sendall(b"GET /api/v2/alerts HTTP/1.1\r\nHost: h\r\n\r\n")
    time.sleep(1)
    assert daemon.stop(timeout=20) == 0
    lazy.close()
    stuck.close()


@pytest.mark.parametrize("path", ["/api/v2/events/stream", "/ws/dashboard", "/ws/silences", "/api/v2/ws/dashboard"])
def test_foreign_pages_get_no_stream(daemon: Daemon, path: str) -> None:
    kind = WebSocket if "/ws/" in path else Listener
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        with pytest.raises(Refused) as refused:
            kind(daemon.host, daemon.port, path, headers)
        assert refused.value.status == 403
        assert json.loads(refused.value.body)["error"]["code"] == "AUTHORIZATION_ERROR"
        assert "access-control-allow-origin" not in refused.value.headers
    assert kind(daemon.host, daemon.port, path, {"Origin": daemon.url}).next()["type"] == "ready"


def test_wrong_parameters_and_methods_are_refused(daemon: Daemon) -> None:
    for query, field in (("since=x", "since"), ("topics=alert,nothing", "topics")):
        for kind, path in ((Listener, "/events/stream"), (WebSocket, "/ws/dashboard")):
            with pytest.raises(Refused) as refused:
                kind(daemon.host, daemon.port, f"{path}?{query}", {})  # type: ignore[operator]
            assert refused.value.status == 400
            assert json.loads(refused.value.body)["error"]["details"][0]["field"] == field
    with pytest.raises(Refused) as refused:
        WebSocket(daemon.host, daemon.port, "/ws/silences?topics=alert")
    assert refused.value.status == 400
    assert daemon.api().request("POST", "/api/v2/events/stream").status == 405
    with pytest.raises(Refused) as refused:
        WebSocket(daemon.host, daemon.port, "/ws/nothing")
    assert refused.value.status == 404
    assert daemon.api().request("GET", "/ws/dashboard").status == 404


def test_streams_stand_behind_the_prefix_and_the_password(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    web.write_text(f"basic_auth_users: {{ops: '{hashed}'}}\n")
    arguments = [f"--web.config.file={web}", "--web.route-prefix=/am"]
    with Daemon(ampp_command(), DEAD, arguments=arguments) as daemon:
        known = {"Authorization": "Basic " + base64.b64encode(b"ops:secret").decode()}
        for kind, path in ((Listener, "/api/v2/events/stream"), (WebSocket, "/ws/dashboard")):
            for headers in ({}, {"Authorization": "Basic " + base64.b64encode(b"ops:wrong").decode()}):
                with pytest.raises(Refused) as refused:
                    kind(daemon.host, daemon.port, f"/am{path}", headers)  # type: ignore[operator]
                assert (refused.value.status, refused.value.headers["www-authenticate"]) == (401, "Basic")
            with pytest.raises(Refused) as refused:
                kind(daemon.host, daemon.port, path, known)  # type: ignore[operator]
            assert refused.value.status == 404
            assert kind(daemon.host, daemon.port, f"/am{path}", known).next()["type"] == "ready"  # type: ignore[operator]


def test_what_a_client_says_on_a_socket_is_not_listened_to(daemon: Daemon) -> None:
    api = daemon.api()
    talker = WebSocket(daemon.host, daemon.port, "/ws/dashboard?topics=alert")
    assert talker.next()["type"] == "ready"
    for _ in range(200):
        talker.send("x" * 1000)
    api.post_alerts([alert("A")])
    assert talker.next()["type"] == "alert_created"
    talker.send("x" * 100_000)
    assert talker.ended.wait(10)
    assert talker.closed == 1009
    assert api.request("GET", "/-/ready").status == 200
