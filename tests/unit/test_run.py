"""The daemon's command line: flags to options, and how wrong ones are told."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ampp.core.clock import HOUR, MILLISECOND, MINUTE, SECOND
from ampp.core.matcher import Mode
from ampp.external import ExternalError, resolve
from ampp.options import ClusterOptions, Features, Options, StartError
from ampp_cli import peer
from ampp_cli.kingpin import parse
from ampp_cli.run import FEATURES, PROGRAM, main, options_from

ROOT = Path(__file__).parents[2]


def options(*words: str) -> Options:
    return options_from(parse(PROGRAM, list(words)), Features(), 1, 2)


def error(*words: str) -> str:
    with pytest.raises(StartError) as caught:
        options(*words)
    return str(caught.value)


def test_the_defaults_are_those_of_the_struct() -> None:
    """One truth: what the parser fills in is what `Options()` has."""
    found = options()
    assert found.cluster is not None
    plain = Options(started_wall=1, started_mono=2, get_concurrency=found.get_concurrency)
    assert msgspec.structs.replace(found, cluster=None) == plain
    assert found.cluster == ClusterOptions(name=found.cluster.name, address=found.cluster.address)


def test_values() -> None:
    found = options(
        "--config.file=/etc/am.yml",
        "--storage.path=/var/lib/am",
        "--data.retention=1h30m",
        "--web.listen-address=127.0.0.1:0",
        "--web.listen-address=[::1]:0",
        "--web.timeout=1.5s",
        "--web.get-concurrency=3",
        "--silences.max-silences=-1",
        "--alerts.per-alertname-limit=7",
        "--dispatch.start-delay=5s",
        "--log.level=WARN",
        "--log.silences",
        "--web.external-url=https://ext/am/",
        "--ampp.config.file=/etc/ampp.yml",
    )
    assert found.config_file == "/etc/am.yml"
    assert found.storage_path == "/var/lib/am"
    assert found.retention == HOUR + 30 * MINUTE
    assert found.listen_addresses == ("127.0.0.1:0", "[::1]:0")
    assert found.http_timeout == 1500 * MILLISECOND
    assert found.get_concurrency == 3
    assert found.max_silences == 0
    assert found.per_alertname_limit == 7
    assert found.dispatch_start_delay == 5 * SECOND
    assert found.log_level == "warn"
    assert found.log_silences is True
    assert found.external_url == "https://ext/am/"
    assert found.ampp_config_file == "/etc/ampp.yml"


def test_what_operators_pass() -> None:
    assert options("--silences.max-per-silence-bytes=2048").max_silence_size == 2048
    assert options("--silences.max-silence-size-bytes=9", "--silences.max-per-silence-bytes=2048").max_silence_size == 9
    assert options("--web.timeout=30").http_timeout == 30 * SECOND
    assert options("--web.ui-path=/usr/share/x").http_timeout == 0


def test_get_concurrency_is_never_less_than_eight_by_default() -> None:
    assert options().get_concurrency >= 8
    assert options("--web.get-concurrency=-5").get_concurrency >= 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config.file="], "--config.file must not be empty"),
        (["--storage.path="], "--storage.path must not be empty"),
        (["--data.retention=0"], "--data.retention must be positive"),
        (["--alerts.gc-interval=-1s"], "--alerts.gc-interval must be positive"),
        (["--cluster.peer-timeout=0s"], "--cluster.peer-timeout must be positive when clustering is enabled"),
        (
            ["--cluster.tls-config=/nonexist"],
            "unable to initialize TLS transport configuration for gossip mesh:"
            " open /nonexist: no such file or directory",
        ),
        (
            ["--cluster.listen-address=nowhere"],
            "unable to initialize gossip mesh: address nowhere: missing port in address",
        ),
        (
            ["--web.external-url=ftp://x"],
            "failed to determine external URL:"
            " \"ftp://x\": invalid \"ftp\" scheme, only 'http' and 'https' are supported",
        ),
        (["--web.external-url=:x"], 'failed to determine external URL: parse ":x": missing protocol scheme'),
    ],
)
def test_values_that_make_no_sense(words: list[str], message: str) -> None:
    assert error(*words) == message


def test_cluster_durations_matter_only_in_a_cluster() -> None:
    assert options("--cluster.listen-address=", "--cluster.peer-timeout=0s").cluster is None
    assert options("--cluster.settle-timeout=0s").cluster is not None


def test_features() -> None:
    assert Features().mode is Mode.FALLBACK
    assert Features(classic_mode=True).mode is Mode.CLASSIC
    assert Features(utf8_strict_mode=True).mode is Mode.UTF8
    assert {name.replace("-", "_") for name in FEATURES} == set(Features.__struct_fields__)


def run_command(*words: str, program: str = "alertmanager") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.argv[0] = '/usr/bin/{program}'; from ampp_cli.main import main; sys.exit(main())"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.mark.parametrize("program", ["alertmanager", "prometheus-alertmanager"])
def test_called_by_the_name_it_stands_in_for(program: str) -> None:
    done = run_command("--version", program=program)
    assert done.returncode == 0
    assert re.match(r"alertmanager, version 0\.34\.0 \(branch: \S+, revision: \S+\)\n  build user: ", done.stdout)
    done = run_command("--bogus", program=program)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{program}: error: unknown long flag '--bogus', try --help\n"


def test_our_own_name() -> None:
    done = run_command("--version", program="ampp")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"ampp \d+\.\d+\.\d+ \(Alertmanager 0\.34\.0\)\n", done.stdout)
    done = run_command("run", "--bogus", program="ampp")
    assert done.returncode == 1
    assert done.stderr == "ampp run: error: unknown long flag '--bogus', try --help\n"
    done = run_command("run", "--help", program="ampp")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: ampp run [<flags>]\n")
    done = run_command("bogus", program="ampp")
    assert done.returncode == 2
    assert "no such command 'bogus'" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--log.level=bad"], "unrecognized log level bad"),
        (["--log.format=bad"], "unrecognized log format bad"),
        (["--data.retention=5y"], 'time: unknown unit "y" in duration "5y"'),
        (["extra"], "unexpected extra"),
        (["-"], "unexpected "),
    ],
)
def test_wrong_flags(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("alertmanager", words) == 1
    assert capsys.readouterr() == ("", f"alertmanager: error: {message}, try --help\n")


REAL = shutil.which("prometheus-alertmanager", path="/usr/bin:/usr/local/bin")


@pytest.mark.skipif(REAL is None, reason="prometheus-alertmanager is not installed")
@pytest.mark.parametrize(
    "line",
    [
        "--bogus",
        "extra",
        "-- x",
        "-x",
        "-hx",
        "--config.file",
        "--config.file --log.level=info",
        "--config.file=a --config.file b",
        "--no-config.file",
        "--config.f=x",
        "--data.retention=5y",
        "--data.retention=",
        "--data.retention=1h2",
        "--web.timeout=1.x",
        "--web.systemd-socket=true",
        "--web.get-concurrency=x",
        "--web.get-concurrency=1__0",
        "--web.get-concurrency=.",
        "@/nonexist",
        "--bogus --version",
    ],
)
def test_wrong_flags_as_the_real_one(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert REAL is not None
    done = subprocess.run([REAL, *line.split()], capture_output=True, text=True, timeout=30, check=False)
    status = main("prometheus-alertmanager", line.split())
    assert (status, *capsys.readouterr()) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--enable-feature=x"],
            """msg="error parsing the feature flag list" err="unknown option 'x' for --enable-feature\"""",
        ),
        (["--enable-feature=classic-mode,"], "err=\"unknown option '' for --enable-feature\""),
        (
            ["--enable-feature=classic-mode,utf8-strict-mode"],
            'err="cannot have both classic and UTF-8 modes enabled"',
        ),
        (
            ["--enable-feature=auto-gomemlimit", "--auto-gomemlimit.ratio=1.5"],
            'msg="--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1."',
        ),
        (["--data.retention=-1s"], 'msg="alertmanager exited with error" err="--data.retention must be positive"'),
    ],
)
def test_wrong_values_are_logged(words: list[str], message: str) -> None:
    done = run_command(*words)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert re.match(r"time=\S+ level=ERROR source=run\.py:\d+ ", last)
    assert message in last


@pytest.mark.parametrize(
    ("address", "expected"),
    [("h:1", ("h", 1)), (":9094", ("", 9094)), ("[::1]:2", ("::1", 2)), ("10.0.0.1:0", ("10.0.0.1", 0))],
)
def test_addresses(address: str, expected: tuple[str, int]) -> None:
    assert peer.split_address(address) == expected


@pytest.mark.parametrize("address", ["h", "::1", "[::1]", "h:x", "h:70000", "1::2:3"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"^address .*: "):
        peer.split_address(address)


def test_the_address_shown() -> None:
    assert peer.shown_address("127.0.0.1:0", "") == "127.0.0.1:0"
    assert peer.shown_address("0.0.0.0:9094", "10.1.2.3:99") == "10.1.2.3:99"
    assert peer.shown_address("[::1]:9094", "") == "[::1]:9094"
    host, port = peer.split_address(peer.shown_address("0.0.0.0:9094", ""))
    assert port == 9094
    assert host not in ("", "0.0.0.0", "::")


def test_names_are_ulids() -> None:
    names = {peer.random_name() for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", name) for name in names)


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("127.0.0.1:9094", True),
        ("localhost:9094", True),
        ("{host}:9094", True),
        ("{host}.alertmanager-operated.monitoring.svc:9094", True),
        ("127.0.0.1:9095", False),
        ("192.0.2.7:9094", False),
        ("no-such-host.invalid:9094", False),
        ("192.0.2.7", False),
        ("127.0.0.1", True),
    ],
)
def test_which_peer_is_this_server(address: str, ours: bool) -> None:
    host = socket.gethostname().partition(".")[0]
    given = address.format(host=host)
    cluster = ClusterOptions(name="me", address="10.0.0.1:9094", listen_address="0.0.0.0:9094", peers=(given,))
    assert peer.others(cluster) == (() if ours else (given,))


@pytest.mark.parametrize(
    ("url", "prefix", "expected"),
    [
        ("http://ext:8080/am/", "", ("http://ext:8080/am", "/am")),
        ("http://ext:8080/am/", "/", ("http://ext:8080/am", "")),
        ("https://ext", "", ("https://ext", "")),
        ("https://ext/", "foo/", ("https://ext", "/foo")),
        ("https://ext", "/a/b/", ("https://ext", "/a/b")),
        ("https://ext/x%20y/", "", ("https://ext/x%20y", "/x y")),
        ("", "", (f"http://{socket.gethostname()}:9093", "")),
        ("", "/p", (f"http://{socket.gethostname()}:9093", "/p")),
    ],
)
def test_the_url_from_outside(url: str, prefix: str, expected: tuple[str, str]) -> None:
    found = resolve(url, prefix, 9093)
    assert (found.url, found.prefix) == expected


@pytest.mark.parametrize("url", ["ext/am", "//ext", "ext:9093", "ftp://ext", "http://[::1", "http://ext/%zz"])
def test_what_is_no_url_from_outside(url: str) -> None:
    with pytest.raises(ExternalError):
        resolve(url, "", 9093)


def test_what_nobody_foresaw_is_logged_with_its_stack(tmp_path: Path) -> None:
    code = (
        "import sys, ampp.daemon\n"
        "def run(options, settings, sockets): raise ZeroDivisionError('boom')\n"
        "ampp.daemon.run = run\n"
        "from ampp_cli.run import main\n"
        "sys.exit(main('alertmanager', sys.argv[1:]))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"}
    command = [sys.executable, "-c", code, f"--storage.path={tmp_path / 'data'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "level=ERROR" in last
    assert 'msg="alertmanager exited with error" err=boom stack="Traceback' in last
