"""The daemon's options: what the command line said, checked and converted, as one frozen value.

`ampp_cli.run` makes it; `ampp.daemon.run` and the rooms it wires read it. Durations are nanoseconds. Meanings and
defaults are Alertmanager's; a limit of zero or less means "none".
"""

import msgspec

from ampp.core.clock import HOUR, MILLISECOND, MINUTE, SECOND
from ampp.core.matcher import Mode

__all__ = ["ClusterOptions", "Features", "Options", "StartError"]


class StartError(Exception):
    """The daemon cannot start, or cannot go on. The message is for the operator; the process ends with status 1.

    `told`: the log already says so, in full.
    """

    def __init__(self, message: str, *, told: bool = False) -> None:
        super().__init__(message)
        self.told = told


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of --enable-feature. `classic_mode` and `utf8_strict_mode` exclude each other."""

    alert_names_in_metrics: bool = False
    receiver_name_in_metrics: bool = False
    group_key_in_metrics: bool = False
    classic_mode: bool = False
    utf8_strict_mode: bool = False
    auto_gomemlimit: bool = False
    event_recorder: bool = False

    @property
    def mode(self) -> Mode:
        """The matcher grammar and label-name rule these stand for."""
        if self.classic_mode:
            return Mode.CLASSIC
        return Mode.UTF8 if self.utf8_strict_mode else Mode.FALLBACK


class ClusterOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The --cluster.* flags. Nothing is bound or gossiped; `name` and `address` are what status and metrics report.

    `address` is host:port as the API shows our single peer.
    """

    name: str
    address: str
    listen_address: str = "0.0.0.0:9094"
    advertise_address: str = ""
    peers: tuple[str, ...] = ()
    peer_timeout: int = 15 * SECOND
    peers_resolve_timeout: int = 15 * SECOND
    gossip_interval: int = 200 * MILLISECOND
    pushpull_interval: int = MINUTE
    tcp_timeout: int = 10 * SECOND
    probe_timeout: int = 500 * MILLISECOND
    probe_interval: int = SECOND
    settle_timeout: int = MINUTE
    reconnect_interval: int = 10 * SECOND
    reconnect_timeout: int = 6 * HOUR
    tls_config: str = ""
    label: str = ""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the command line decides.

    `cluster` is None when --cluster.listen-address is empty. `external_url` is as given ("" means: derive it from the
    host name and the first bound port, see `ampp.external`); `route_prefix` likewise ("" means: that URL's path).
    `get_concurrency` is already the effective limit. `started_wall` and `started_mono` say when the process began;
    --dispatch.start-delay counts from there.
    """

    started_wall: int
    started_mono: int
    config_file: str = "alertmanager.yml"
    ampp_config_file: str = ""
    storage_path: str = "data/"
    retention: int = 120 * HOUR
    maintenance_interval: int = 15 * MINUTE
    max_silences: int = 0
    max_silence_size: int = 0
    log_silences: bool = False
    alert_gc_interval: int = 30 * MINUTE
    per_alertname_limit: int = 0
    dispatch_maintenance_interval: int = 30 * SECOND
    dispatch_start_delay: int = 0
    systemd_socket: bool = False
    listen_addresses: tuple[str, ...] = (":9093",)
    web_config_file: str = ""
    external_url: str = ""
    route_prefix: str = ""
    get_concurrency: int = 8
    http_timeout: int = 0
    cluster: ClusterOptions | None = None
    features: Features = Features()
    log_level: str = "info"
    log_format: str = "logfmt"
