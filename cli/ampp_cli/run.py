"""`ampp run`, and the daemon under its other names: flags to `Options`, then `ampp.daemon.run`.

The flags are Alertmanager's. Those few of its builds and of the operators around it that differ are taken too: see
`docs/compatibility.md`.
"""

import gc
import os
import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ampp.core.clock import SECOND
from ampp.core.duration import parse_flag
from ampp.observe.build import BUILD
from ampp.observe.log import FORMATS, LEVELS, Logger, setup
from ampp.options import ClusterOptions, Features, Options, StartError
from ampp_cli import peer
from ampp_cli.kingpin import Command, Flag, Parsed, parse
from ampp_cli.usage import answer
from ampp_cli.value import UsageError, decimal, number, reason_of

if TYPE_CHECKING:
    import socket

__all__ = ["FEATURES", "PROGRAM", "features_from", "main", "options_from"]

_WHOLE_SECONDS: Final = re.compile(r"[1-9][0-9]*")

FEATURES: Final = {
    "alert-names-in-metrics": "Alert names are shown in metrics",
    "receiver-name-in-metrics": "Receiver names are shown in metrics",
    "group-key-in-metrics": "Group keys are shown in metrics",
    "classic-mode": "Classic mode: matchers and label names follow the rules from before UTF-8",
    "utf8-strict-mode": "UTF-8 strict mode: matchers that only the classic parser understands are refused",
    "auto-gomemlimit": "auto-gomemlimit has no effect: there is no Go runtime to limit",
    "event-recorder": "event-recorder has no effect: ampp keeps its own history of every event",
}


def _level(value: str) -> str:
    if value.lower() not in LEVELS:
        raise UsageError(f"unrecognized log level {value}")
    return value.lower()


def _format(value: str) -> str:
    if value not in FORMATS:
        raise UsageError(f"unrecognized log format {value}")
    return value


def _seconds_or_duration(value: str) -> int:
    """Operators pass --web.timeout as bare seconds, which Go would refuse."""
    return int(value) * SECOND if _WHOLE_SECONDS.fullmatch(value) else parse_flag(value)


def _duration(name: str, default: str, text: str, *, reader: Callable[[str], int] = parse_flag) -> Flag:
    return Flag(name, text, parse=reader, default=default)


PROGRAM: Final = Command(
    "run",
    "Take alerts in, route them, notify. Flags are those of Prometheus Alertmanager.",
    flags=(
        Flag("config.file", "Alertmanager configuration file name.", default="alertmanager.yml"),
        Flag("ampp.config.file", "File with what Alertmanager's configuration has no place for.", default=""),
        Flag("storage.path", "Directory the state is kept in; made when missing.", default="data/"),
        _duration("data.retention", "120h", "How long expired silences and notification log entries are kept."),
        _duration("data.maintenance-interval", "15m", "Time between clean-ups and snapshots of silences and log."),
        Flag(
            "silences.max-silences",
            "Maximum number of silences, expired ones included. Zero or less: no limit.",
            parse=number,
            default="0",
        ),
        Flag(
            "silences.max-silence-size-bytes",
            "Maximum size of one silence. Zero or less: no limit.",
            parse=number,
            default="0",
        ),
        Flag(
            "silences.max-per-silence-bytes",
            "Another name of --silences.max-silence-size-bytes, as operators pass it.",
            parse=number,
            hidden=True,
        ),
        Flag("log.silences", "Log every change of a silence.", boolean=True),
        _duration("alerts.gc-interval", "30m", "Time between removals of resolved alerts from memory."),
        Flag(
            "alerts.per-alertname-limit",
            "Maximum number of alerts per alertname; more are dropped. Zero or less: no limit.",
            parse=number,
            default="0",
        ),
        _duration("dispatch.maintenance-interval", "30s", "Time between removals of empty groups."),
        _duration("dispatch.start-delay", "0s", "Notify nobody before this time has passed since the start."),
        Flag(
            "web.systemd-socket",
            "Serve on the sockets systemd hands over, instead of listen addresses.",
            boolean=True,
        ),
        Flag("web.listen-address", "Address to serve on. Repeatable.", default=":9093", repeated=True),
        Flag("web.config.file", "File that turns on TLS or authentication for the web server.", default=""),
        Flag(
            "web.external-url",
            "URL under which this server is reached from outside; used in notifications, and its path is the prefix of"
            " every route. Derived from host name and port when not given.",
        ),
        Flag("web.route-prefix", "Prefix of every route. Defaults to the path of --web.external-url."),
        Flag(
            "web.get-concurrency",
            "Maximum number of GET requests served at once. Zero or less: the number of CPUs, at least 8.",
            parse=number,
            default="0",
        ),
        _duration("web.timeout", "0", "Time to answer in. Zero or less: no limit.", reader=_seconds_or_duration),
        Flag("web.ui-path", "Taken from builds that know it; has no effect.", hidden=True),
        Flag("auto-gomemlimit.ratio", "Taken for compatibility; has no effect.", parse=decimal, default="0.9"),
        Flag(
            "cluster.listen-address",
            "Address shown as ours among peers. Empty: no cluster is reported. Nothing listens there.",
            default="0.0.0.0:9094",
        ),
        Flag("cluster.advertise-address", "Address shown as ours among peers, if another."),
        Flag("cluster.peer-name", "Our name among peers. A random one when not given.", default=""),
        Flag("cluster.peer", "Another peer: refused, unless it is this server itself. Repeatable.", repeated=True),
        _duration("cluster.peer-timeout", "15s", "Taken and checked; there is no peer to wait for."),
        _duration("cluster.peers-resolve-timeout", "15s", "Taken and checked; there is no peer to look up."),
        _duration("cluster.gossip-interval", "200ms", "Taken and checked; there is no gossip."),
        _duration("cluster.pushpull-interval", "1m0s", "Taken and checked; there is no gossip."),
        _duration("cluster.tcp-timeout", "10s", "Taken and checked; there is no gossip."),
        _duration("cluster.probe-timeout", "500ms", "Taken and checked; there is no gossip."),
        _duration("cluster.probe-interval", "1s", "Taken and checked; there is no gossip."),
        _duration("cluster.settle-timeout", "1m0s", "Taken and checked; there is nothing to settle."),
        _duration("cluster.reconnect-interval", "10s", "Taken and checked; there is no gossip."),
        _duration("cluster.reconnect-timeout", "6h0m0s", "Taken and checked; there is no gossip."),
        Flag("cluster.tls-config", "Taken for compatibility; there is no gossip to protect.", default=""),
        Flag(
            "cluster.allow-insecure-public-advertise-address-discovery",
            "Taken for compatibility; has no effect.",
            boolean=True,
        ),
        Flag("cluster.label", "Taken for compatibility; there is no gossip to label.", default=""),
        Flag(
            "enable-feature",
            f"Features to enable, separated by commas. Known: {', '.join(FEATURES)}",
            default="",
        ),
        Flag(
            "log.level",
            "Least severity of the messages logged: debug, info, warn or error.",
            parse=_level,
            default="info",
        ),
        Flag("log.format", "Form of log messages: logfmt or json.", parse=_format, default="logfmt"),
    ),
)

_POSITIVE: Final = (
    "data.retention",
    "data.maintenance-interval",
    "alerts.gc-interval",
    "dispatch.maintenance-interval",
)
_POSITIVE_IN_CLUSTER: Final = (
    "cluster.peer-timeout",
    "cluster.peers-resolve-timeout",
    "cluster.gossip-interval",
    "cluster.pushpull-interval",
    "cluster.tcp-timeout",
    "cluster.probe-timeout",
    "cluster.probe-interval",
    "cluster.reconnect-interval",
    "cluster.reconnect-timeout",
)


def main(program: str, arguments: list[str]) -> int:
    """Run the daemon until it is told to stop; the exit status. `program` is the name to show in messages."""
    started_wall, started_mono = time.time_ns(), time.monotonic_ns()
    name = "ampp run" if program == "ampp" else program
    try:
        parsed = parse(PROGRAM, arguments)
    except UsageError as error:
        asked = answer(name, BUILD.text("alertmanager"), error.parsed)
        if asked is None:
            sys.stderr.write(f"{name}: error: {error}, try --help\n")
            return 1
    else:
        asked = answer(name, BUILD.text("alertmanager"), parsed)
    if asked is not None:
        sys.stdout.write(asked)
        return 0
    setup(parsed["log.level"], parsed["log.format"])
    log = Logger()
    try:
        features = features_from(parsed["enable-feature"])
    except ValueError as error:
        log.error("error parsing the feature flag list", err=error)
        return 1
    for token in filter(None, parsed["enable-feature"].split(",")):
        log.warn(FEATURES[token])
    if features.auto_gomemlimit and not 0 < parsed["auto-gomemlimit.ratio"] <= 1:
        log.error("--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.")
        return 1
    log.info("Starting Alertmanager", version=BUILD.info())
    log.info("Build context", build_context=BUILD.context())
    try:
        return _start(parsed, features, started_wall, started_mono, log)
    except StartError as error:
        if not error.told:
            log.error("alertmanager exited with error", err=error)
        return 1
    except Exception as error:
        log.exception("alertmanager exited with error", err=error)
        return 1


def _start(parsed: Parsed, features: Features, wall: int, mono: int, log: Logger) -> int:
    options = options_from(parsed, features, wall, mono)

    from ampp.config.settings import SettingsError, load_settings

    try:
        settings = load_settings(options.ampp_config_file)
    except SettingsError as error:
        raise StartError(f"error loading settings: {error.render()}") from error
    try:
        os.makedirs(options.storage_path, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"unable to create data directory: mkdir {options.storage_path}: {reason_of(error)}"
        ) from error
    if options.cluster is not None and settings.profile == "lite":
        _refuse_others(options.cluster, settings.cluster.allow_unshared, log)

    sockets = _listening(options)
    # What modules are made of is not garbage: looking for some among it takes a fifth of the time to import them, and
    # would take part of every full collection later.
    gc.disable()
    from ampp.daemon import run

    gc.freeze()
    gc.enable()
    return run(options, settings, sockets)


def _listening(options: Options) -> "list[socket.socket]":
    """The sockets, before what takes long: who connects from here on waits to be served rather than being refused."""
    from ampp.api import listen
    from ampp.observe import systemd

    try:
        return systemd.listen_sockets() if options.systemd_socket else listen.bind(options.listen_addresses)
    except (listen.ListenError, systemd.SocketActivationError) as error:
        raise StartError(str(error)) from error


def _refuse_others(cluster: ClusterOptions, allowed: bool, log: Logger) -> None:
    """Two daemons that share nothing would each notify: say so instead of paging people twice."""
    if cluster.tls_config:
        log.warn("--cluster.tls-config has no effect: there is no gossip to protect", component="cluster")
    others = peer.others(cluster)
    if not others:
        return
    if allowed:
        log.warn(
            "Other peers are ignored, since cluster.allow_unshared is set: each of them notifies on its own",
            component="cluster",
            peers=others,
        )
        return
    raise StartError(
        f"--cluster.peer={others[0]}: this server keeps its state in files of its own and would share nothing with that"
        " peer, so every notification would be sent by each of them. Run one server without --cluster.peer, or set"
        " cluster.allow_unshared: true in ampp.yml (AMPP_CLUSTER_ALLOW_UNSHARED=true) and accept the duplicates"
    )


def features_from(text: str) -> Features:
    """The features named by a value of --enable-feature. Raises ValueError with upstream's message."""
    tokens = text.split(",") if text else []
    for token in tokens:
        if token not in FEATURES:
            raise ValueError(f"unknown option '{token}' for --enable-feature")
    if "classic-mode" in tokens and "utf8-strict-mode" in tokens:
        raise ValueError("cannot have both classic and UTF-8 modes enabled")
    return Features(**{token.replace("-", "_"): True for token in tokens})


def options_from(parsed: Parsed, features: Features, wall: int, mono: int) -> Options:
    """The options a parsed command line stands for. Raises StartError for values that make no sense."""
    value: Callable[[str], Any] = parsed.__getitem__
    for name in ("config.file", "storage.path"):
        if not value(name):
            raise StartError(f"--{name} must not be empty")
    for name in _POSITIVE:
        if value(name) <= 0:
            raise StartError(f"--{name} must be positive")
    external, prefix = value("web.external-url") or "", value("web.route-prefix") or ""
    if external:
        from ampp.external import ExternalError, resolve

        try:
            resolve(external, prefix, 0)
        except ExternalError as error:
            raise StartError(f"failed to determine external URL: {error}") from error
    size = value("silences.max-silence-size-bytes")
    return Options(
        started_wall=wall,
        started_mono=mono,
        config_file=value("config.file"),
        ampp_config_file=value("ampp.config.file"),
        storage_path=value("storage.path"),
        retention=value("data.retention"),
        maintenance_interval=value("data.maintenance-interval"),
        max_silences=max(0, value("silences.max-silences")),
        max_silence_size=max(0, size if size > 0 else value("silences.max-per-silence-bytes") or 0),
        log_silences=value("log.silences"),
        alert_gc_interval=value("alerts.gc-interval"),
        per_alertname_limit=max(0, value("alerts.per-alertname-limit")),
        dispatch_maintenance_interval=value("dispatch.maintenance-interval"),
        dispatch_start_delay=max(0, value("dispatch.start-delay")),
        systemd_socket=value("web.systemd-socket"),
        listen_addresses=tuple(value("web.listen-address")),
        web_config_file=value("web.config.file"),
        external_url=external,
        route_prefix=prefix,
        get_concurrency=_concurrency(value("web.get-concurrency")),
        http_timeout=max(0, value("web.timeout")),
        cluster=_cluster(value),
        features=features,
        log_level=value("log.level"),
        log_format=value("log.format"),
    )


def _concurrency(asked: int) -> int:
    return (
        asked if asked > 0 else max(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1, 8)
    )


def _cluster(value: Callable[[str], Any]) -> ClusterOptions | None:
    listen = value("cluster.listen-address")
    if not listen:
        return None
    for name in _POSITIVE_IN_CLUSTER:
        if value(name) <= 0:
            raise StartError(f"--{name} must be positive when clustering is enabled")
    advertise = value("cluster.advertise-address") or ""
    try:
        address = peer.shown_address(listen, advertise)
    except ValueError as error:
        raise StartError(f"unable to initialize gossip mesh: {error}") from error
    tls = value("cluster.tls-config")
    if tls and not os.path.isfile(tls):
        raise StartError(
            f"unable to initialize TLS transport configuration for gossip mesh: open {tls}: no such file or directory"
        )
    return ClusterOptions(
        name=value("cluster.peer-name") or peer.random_name(),
        address=address,
        listen_address=listen,
        advertise_address=advertise,
        peers=tuple(value("cluster.peer")),
        peer_timeout=value("cluster.peer-timeout"),
        peers_resolve_timeout=value("cluster.peers-resolve-timeout"),
        gossip_interval=value("cluster.gossip-interval"),
        pushpull_interval=value("cluster.pushpull-interval"),
        tcp_timeout=value("cluster.tcp-timeout"),
        probe_timeout=value("cluster.probe-timeout"),
        probe_interval=value("cluster.probe-interval"),
        settle_timeout=value("cluster.settle-timeout"),
        reconnect_interval=value("cluster.reconnect-interval"),
        reconnect_timeout=value("cluster.reconnect-timeout"),
        tls_config=tls,
        label=value("cluster.label"),
    )
