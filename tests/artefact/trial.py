"""Run a built artefact where there is next to nothing, and see that it takes alerts in and sends webhooks out.

    python -m tests.artefact.trial bare FOLDER/ampp      a program that needs no Python
    python -m tests.artefact.trial python ampp.pyz       one that does

Root only, on Linux: the whole trial runs in network, mount and process namespaces of its own. The network has a
loopback interface and no route to anywhere. `bare` moreover runs in a root folder that holds glibc, zlib, the artefact
and nothing else: no shell, no Python, no /etc, no home, no zone files; it is mounted read-only, the user id is unknown,
the environment empty. One-dir programs get no /tmp either. Every process is denied writable code (as the unit's
MemoryDenyWriteExecute does).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SHARED = "/mnt"
"""A folder of the same name inside and outside: configuration, state and the notify socket lie there."""

USER = 54321
LIBRARIES = ("ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1",
             "libutil.so.1", "libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2", "libz.so.1")  # fmt: skip

CONFIG = """
time_intervals:
- name: never
  time_intervals: [{location: Europe/Berlin, years: ['1999']}]
route:
  receiver: hook
  group_wait: 0s
  group_interval: 1s
  routes: [{receiver: hook, mute_time_intervals: [never]}]
receivers:
- name: hook
  webhook_configs: [{url: URL}]
"""

_PLUGIN = """
route: {receiver: phones}
receivers:
- name: phones
  ntfy_configs: [{url: "http://127.0.0.1:1/"}]
"""

_MDWE = 65, 1
"""prctl's PR_SET_MDWE and its PR_MDWE_REFUSE_EXEC_GAIN."""


def main(kind: str, given: str) -> None:
    artefact = Path(given).resolve()
    enclose()
    root = bare_root(artefact) if kind == "bare" else None
    inside = f"/opt/{artefact.parent.name}/{artefact.name}"
    command = (
        [shutil.which("chroot") or "/usr/sbin/chroot", f"--userspec={USER}:{USER}", str(root), inside]
        if root
        else [sys.executable, str(artefact)]
    )
    environment = {} if root else {"AMPP_CACHE": f"{SHARED}/cache", "PATH": os.environ["PATH"]}
    if root and artefact.is_file() and not (artefact.parent / "_internal").is_dir():
        # One file unpacks itself somewhere at every start.
        Path(SHARED, "unpacked").mkdir(mode=0o1777)
        Path(SHARED, "unpacked").chmod(0o1777)
        environment["TMPDIR"] = f"{SHARED}/unpacked"
    names(command, environment, root, artefact)
    subcommands(command, environment)
    daemon(command, environment)


def enclose() -> None:
    """Nothing but loopback from here on, and the shared folder empty and only ours."""
    with socket.socket() as sock:
        request = struct.pack("16sh", b"lo", 1)  # IFF_UP
        fcntl.ioctl(sock.fileno(), 0x8914, request)  # SIOCSIFFLAGS
    interfaces = [line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    assert "eth0" not in interfaces
    assert len(Path("/proc/net/route").read_text().splitlines()) == 1, "there is a way out"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", SHARED], check=True)
    tempfile.tempdir = SHARED
    assert ctypes.CDLL(None, use_errno=True).prctl(*_MDWE, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())


def bare_root(artefact: Path) -> Path:
    """A root folder with the artefact in /opt, glibc and zlib; read-only but for the shared folder."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    for name in ("lib64", "lib/x86_64-linux-gnu", "proc", "dev", "opt", SHARED.strip("/")):
        (root / name).mkdir(parents=True)
    found = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for line in found.splitlines():
        name, _, path = line.strip().partition(" => ")
        if name.split(" ")[0] in LIBRARIES and "x86-64" in name:
            shutil.copy(path, root / "lib" / "x86_64-linux-gnu" / name.split(" ")[0])
    shutil.copy(root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", root / "lib64")
    target = root / "opt" / artefact.parent.name
    if (artefact.parent / "_internal").is_dir():
        shutil.copytree(artefact.parent, target, symlinks=True)
        plug_in(target / "_internal")
    else:
        target.mkdir()
        shutil.copy(artefact, target)
        for name in ("amtool", "alertmanager", "prometheus-alertmanager"):
            (target / name).symlink_to(artefact.name)
    for name in ("null", "urandom"):
        (root / "dev" / name).touch()
        subprocess.run(["mount", "--bind", f"/dev/{name}", root / "dev" / name], check=True)
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    subprocess.run(["mount", "--rbind", SHARED, root / SHARED.strip("/")], check=True)
    return root


def plug_in(site: Path) -> None:
    """The example plug-in, as pip would leave it."""
    text = Path(__file__).parents[1] / "plugins" / "example" / "ampp_ntfy.py"
    shutil.copy(text, site)
    info = site / "ampp_ntfy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ampp-ntfy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ampp.receivers]\nntfy = ampp_ntfy:receiver\n")


def say(command: list[str], environment: dict[str, str], *arguments: str, status: int = 0, text: str = "") -> str:
    """What a command answers, on both its streams."""
    done = subprocess.run(
        [*command, *arguments], env=environment, input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status, f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def names(command: list[str], environment: dict[str, str], root: Path | None, artefact: Path) -> None:
    """By its other names it is another program."""
    assert say(command, environment, "--version").startswith("ampp ")
    for name in ("amtool", "alertmanager", "prometheus-alertmanager"):
        if root:
            called = [*command[:-1], f"{os.path.dirname(command[-1])}/{name}"]
        else:
            link = Path(SHARED, name)
            link.symlink_to(artefact)
            called = [command[0], str(link)]
        assert say(called, environment, "--version").startswith(f"{name.removeprefix('prometheus-')}, version ")


def subcommands(command: list[str], environment: dict[str, str]) -> None:
    """Every command can be imported; templates, zones and plug-ins are where they should be."""
    from ampp_cli.own import _COMMANDS

    for name in _COMMANDS:
        assert "--help" in say(command, environment, name, "--help")
    file = Path(SHARED, "alertmanager.yml")
    file.write_text(CONFIG.replace("URL", "http://127.0.0.1:1/"))
    assert ": valid:" in say(command, environment, "check-config", str(file))
    plugin = Path(SHARED, "plugin.yml")
    plugin.write_text(_PLUGIN)
    if command[0] == sys.executable:
        site = Path(SHARED, "plugins")
        site.mkdir()
        plug_in(site)
        assert ": valid:" in say(command, {**environment, "PYTHONPATH": str(site)}, "check-config", str(plugin))
    elif "TMPDIR" not in environment:
        assert ": valid:" in say(command, environment, "check-config", str(plugin))


def daemon(command: list[str], environment: dict[str, str]) -> None:
    """Alerts in, webhooks out; systemd is told; `kill -9` loses nothing."""
    from tests.support import Daemon, DaemonError, Sink

    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(f"{SHARED}/notify")
    os.chmod(f"{SHARED}/notify", 0o777)
    manager.settimeout(30)
    environment = {**environment, "NOTIFY_SOCKET": f"{SHARED}/notify", "WATCHDOG_USEC": "500000"}
    fires = {"labels": {"alertname": "Disk", "instance": "a"}, "annotations": {"summary": "full"}}
    with Sink() as sink:
        running = Daemon([*command, "run"], CONFIG.replace("URL", sink.url("/hook")), environment=environment)
        for path in (running.folder, running.config_file):
            os.chown(path, USER, USER)
        try:
            running.start(60)
            waited = {b"READY=1", b"WATCHDOG=1"}
            while waited:
                waited.discard(manager.recv(999).split(b"\n")[0])
            api = running.api()
            assert api.post_alerts([fires]).status == 200
            told = sink.wait(1, 30, "/hook")[0].payload
            assert told["alerts"][0]["labels"] == fires["labels"]
            assert [alert["labels"] for alert in api.alerts()] == [fires["labels"]]
            assert b"alertmanager_build_info" in api.request("GET", "/metrics").body
            assert api.request("GET", "/").status == 200
            amtool(command, environment, running.url)
            kill(running.pid)
            running.kill()
            running.start(60)
            api = running.api()
            assert [alert["labels"] for alert in api.alerts()] == [fires["labels"]]
            ends = {**fires, "startsAt": "2019-12-31T00:00:00Z", "endsAt": "2020-01-01T00:00:00Z"}
            assert api.post_alerts([ends]).status == 200
            sink.wait(lambda sent: sent[-1].payload["status"] == "resolved", 30, "/hook")
            running.signal(signal.SIGHUP)
            assert running.stop() == 0
            assert len([d for d in sink.deliveries() if d.payload["status"] == "firing"]) == 1, "told twice"
        finally:
            with contextlib.suppress(DaemonError):
                kill(running.pid)
            running.close()
            manager.close()


def kill(pid: int) -> None:
    """SIGKILL, for what it started too: of a one-file program's two processes the second is the daemon."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if Path(f"/proc/{pid}").exists() else ():
        os.kill(int(child), signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def amtool(command: list[str], environment: dict[str, str], url: str) -> None:
    """It reads and writes over HTTP too."""
    called = command if command[0] == sys.executable else [*command[:-1], f"{os.path.dirname(command[-1])}/amtool"]
    if command[0] == sys.executable:
        called = [command[0], f"{SHARED}/amtool"]
    shown = json.loads(say(called, environment, f"--alertmanager.url={url}", "alert", "query", "-o", "json"))
    assert shown[0]["labels"]["alertname"] == "Disk"


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("as it should be")  # noqa: T201
