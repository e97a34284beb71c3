"""Every number ampp shows at /metrics, each under one typed name.

The `alertmanager_*` families carry the names, types, labels and buckets of Alertmanager 0.34, with the series it
creates up front created up front, so that its dashboards and alerts work unchanged. `ampp_*` are ours.

Counters and histograms are incremented where things happen, through children bound once (no label lookup on a hot
path). Gauges that mirror state are set by callbacks which run at each scrape: see `Metrics.on_scrape`.
"""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, Summary

from ampp import COMPATIBLE, __version__
from ampp.observe.build import BUILD
from ampp.observe.exposition import render
from ampp.options import Features

__all__ = [
    "FAILURE_REASONS",
    "INTEGRATIONS",
    "AlertMetrics",
    "ClusterMetrics",
    "ConfigMetrics",
    "DispatchMetrics",
    "HttpMetrics",
    "IntegrationMetrics",
    "LoopMetrics",
    "Metrics",
    "NflogMetrics",
    "NotifyMetrics",
    "SilenceMetrics",
    "StoreMetrics",
]

INTEGRATIONS: Final = (
    "email",
    "pagerduty",
    "wechat",
    "pushover",
    "slack",
    "opsgenie",
    "webhook",
    "victorops",
    "sns",
    "telegram",
    "discord",
    "webex",
    "msteams",
    "msteamsv2",
    "incidentio",
    "jira",
    "rocketchat",
    "mattermost",
)
FAILURE_REASONS: Final = (
    "other",
    "clientError",
    "serverError",
    "contextCanceled",
    "contextDeadlineExceeded",
    "authError",
    "rateLimited",
)

_DEFAULT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class AlertMetrics:
    """Alerts taken in and known. `writes_*` count hand-overs of alerts to routing and to the inhibitor."""

    def __init__(self, registry: CollectorRegistry, features: Features) -> None:
        self._by_group = features.group_key_in_metrics
        self._by_name = features.alert_names_in_metrics
        self._states = Gauge(
            "alertmanager_alerts",
            "Unresolved alerts by state.",
            ["state", "group_key"] if self._by_group else ["state"],
            registry=registry,
        )
        received = Counter(
            "alertmanager_alerts_received_total",
            "Alerts received, counted before they are validated.",
            ["status", "version"],
            registry=registry,
        )
        self.received_firing = received.labels("firing", "v2")
        self.received_resolved = received.labels("resolved", "v2")
        self.invalid = Counter(
            "alertmanager_alerts_invalid_total", "Received alerts that were not valid.", ["version"], registry=registry
        ).labels("v2")
        self._limited = Counter(
            "alertmanager_alerts_limited_total",
            "Alerts dropped because their alertname had reached --alerts.per-alertname-limit.",
            ["alertname"] if self._by_name else [],
            registry=registry,
        )
        self.per_alert_limit = Gauge(
            "alertmanager_alerts_per_alert_limit", "The limit of alerts per alertname, 0 for none.", registry=registry
        )
        writes = Counter(
            "alertmanager_alerts_subscriber_channel_writes_total",
            "Alerts handed to the parts that follow them.",
            ["subscriber"],
            registry=registry,
        )
        self.writes_dispatcher = writes.labels("dispatcher")
        self.writes_inhibitor = writes.labels("inhibitor")

    def limited(self, alertname: str, count: int = 1) -> None:
        """Count alerts dropped by the per-alertname limit."""
        (self._limited.labels(alertname) if self._by_name else self._limited).inc(count)

    def set_states(self, active: int, suppressed: int, unprocessed: int = 0) -> None:
        """Set the totals; ignored when the group-key-in-metrics feature is on (`set_group_states` rules then)."""
        if not self._by_group:
            for state, count in (("active", active), ("suppressed", suppressed), ("unprocessed", unprocessed)):
                self._states.labels(state).set(count)

    @property
    def wants_groups(self) -> bool:
        """Whether `set_group_states` is to be called instead of `set_states`."""
        return self._by_group

    def set_group_states(self, groups: Iterable[tuple[str, int, int, int]]) -> None:
        """Replace all series with `(group key, active, suppressed, unprocessed)` of each group."""
        self._states.clear()
        for key, *counts in groups:
            for state, count in zip(("active", "suppressed", "unprocessed"), counts, strict=True):
                self._states.labels(state, key).set(count)


class DispatchMetrics:
    """Grouping. The last three exist because dashboards know them; ampp has no such limit or contention."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "alertmanager_dispatcher_"
        self.groups = Gauge(prefix + "aggregation_groups", "Aggregation groups alive.", registry=registry)
        self.processing = Summary(
            prefix + "alert_processing_duration_seconds", "Time taken to route received alerts.", registry=registry
        )
        self.limit_reached = Counter(
            prefix + "aggregation_group_limit_reached_total",
            "Groups that were not created because of a limit.",
            registry=registry,
        )
        self.creation_retries = Counter(
            prefix + "aggregation_group_creation_retries_total", "Group creations tried again.", registry=registry
        )
        self.creation_given_up = Counter(
            prefix + "aggregation_group_creation_given_up_total", "Group creations given up.", registry=registry
        )


class HttpMetrics:
    """Requests served. `in_flight` and `limit_exceeded` concern GET, as upstream's do."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = Histogram(
            "alertmanager_http_request_duration_seconds",
            "Time taken to answer HTTP requests.",
            ["handler", "method", "code"],
            buckets=_DEFAULT_BUCKETS,
            registry=registry,
        )
        self._size = Histogram(
            "alertmanager_http_response_size_bytes",
            "Size of HTTP answers outside the API.",
            ["handler", "method"],
            buckets=(1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8),
            registry=registry,
        )
        self.in_flight = Gauge(
            "alertmanager_http_requests_in_flight", "GET requests being answered.", ["method"], registry=registry
        ).labels("get")
        self.limit_exceeded = Counter(
            "alertmanager_http_concurrency_limit_exceeded_total",
            "GET requests refused because too many were in flight.",
            ["method"],
            registry=registry,
        ).labels("get")
        self._durations: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, handler: str, method: str, code: int, seconds: float) -> None:
        """Count one answered request. `handler` is a route pattern without the prefix, `method` in lower case."""
        key = (handler, method, code)
        bound = self._durations.get(key)
        if bound is None:
            bound = self._durations[key] = self._duration.labels(handler, method, str(code))
        bound.observe(seconds)

    def observe_size(self, handler: str, method: str, size: int) -> None:
        """Note the body size in bytes of an answer outside /api/v2."""
        self._size.labels(handler, method).observe(size)


class IntegrationMetrics:
    """One integration's (or, with receiver-name-in-metrics, one receiver's integration's) bound series.

    `total` counts notifications, `requests` each try of them; `latency` is one observation per try, in seconds.
    """

    __slots__ = ("_failed", "latency", "requests", "requests_failed", "total")

    def __init__(
        self,
        total: Counter,
        failed: dict[str, Counter],
        requests: Counter,
        requests_failed: Counter,
        latency: Histogram,
    ) -> None:
        self.total = total
        self._failed = failed
        self.requests = requests
        self.requests_failed = requests_failed
        self.latency = latency

    def failed(self, reason: str) -> None:
        """Count a failed notification; `reason` is a FailureReason value."""
        self._failed[reason].inc()


class NotifyMetrics:
    """Notifications. Without the receiver-name feature every known integration has its series from the start."""

    def __init__(self, registry: CollectorRegistry, features: Features) -> None:
        self._by_receiver = features.receiver_name_in_metrics
        names = ["integration", "receiver_name"] if self._by_receiver else ["integration"]
        prefix = "alertmanager_notification"
        self._total = Counter(prefix + "s_total", "Notifications attempted.", names, registry=registry)
        self._failed = Counter(
            prefix + "s_failed_total", "Notifications that failed for good.", [*names, "reason"], registry=registry
        )
        self._requests = Counter(prefix + "_requests_total", "Tries to send a notification.", names, registry=registry)
        self._requests_failed = Counter(
            prefix + "_requests_failed_total", "Tries to send a notification that failed.", names, registry=registry
        )
        self._latency = Histogram(
            prefix + "_latency_seconds",
            "Time taken by tries to send a notification.",
            names,
            buckets=(1, 5, 10, 15, 20),
            registry=registry,
        )
        self._suppressed = Counter(
            prefix + "s_suppressed_total",
            "Notifications suppressed by a silence, an inhibition or a time interval.",
            ["reason"],
            registry=registry,
        )
        self._bound: dict[tuple[str, ...], IntegrationMetrics] = {}
        if not self._by_receiver:
            for name in INTEGRATIONS:
                self.integration(name, "")

    def integration(self, name: str, receiver: str) -> IntegrationMetrics:
        """The series of integration type `name` in `receiver`. Keep it no longer than until the next `configure`."""
        key = (name, receiver) if self._by_receiver else (name,)
        bound = self._bound.get(key)
        if bound is None:
            bound = self._bound[key] = IntegrationMetrics(
                self._total.labels(*key),
                {reason: self._failed.labels(*key, reason) for reason in FAILURE_REASONS},
                self._requests.labels(*key),
                self._requests_failed.labels(*key),
                self._latency.labels(*key),
            )
        return bound

    def configure(self, integrations: Iterable[tuple[str, str]]) -> None:
        """A configuration took effect with these `(integration type, receiver)`; per-receiver series start anew."""
        if not self._by_receiver:
            return
        self._bound.clear()
        for family in (self._total, self._failed, self._requests, self._requests_failed, self._latency):
            family.clear()
        for name, receiver in integrations:
            self.integration(name, receiver)

    def suppressed(self, reason: str, count: int = 1) -> None:
        """Count suppressed notifications; `reason` is a SuppressReason value."""
        self._suppressed.labels(reason).inc(count)


class NflogMetrics:
    """The notification log."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "alertmanager_nflog_"
        self.gc = Summary(prefix + "gc_duration_seconds", "Time taken to drop expired log entries.", registry=registry)
        self.snapshot = Summary(
            prefix + "snapshot_duration_seconds", "Time taken to write the log's snapshot.", registry=registry
        )
        self.snapshot_size = Gauge(
            prefix + "snapshot_size_bytes", "Size of the last snapshot of the log.", registry=registry
        )
        self.maintenance = Counter(prefix + "maintenance_total", "Maintenance runs of the log.", registry=registry)
        self.maintenance_errors = Counter(
            prefix + "maintenance_errors_total", "Maintenance runs of the log that failed.", registry=registry
        )
        self.queries = Counter(prefix + "queries_total", "Queries of the log.", registry=registry)
        self.query_errors = Counter(prefix + "query_errors_total", "Queries of the log that failed.", registry=registry)
        self.query_duration = Histogram(
            prefix + "query_duration_seconds",
            "Time taken to query the log.",
            buckets=_DEFAULT_BUCKETS,
            registry=registry,
        )
        self.gossip = Counter(
            prefix + "gossip_messages_propagated_total", "Log entries passed on to peers.", registry=registry
        )


class SilenceMetrics:
    """Silences."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "alertmanager_silences"
        states = Gauge(prefix, "Silences by state.", ["state"], registry=registry)
        self.active = states.labels("active")
        self.pending = states.labels("pending")
        self.expired = states.labels("expired")
        prefix += "_"
        self.gc = Summary(prefix + "gc_duration_seconds", "Time taken to drop expired silences.", registry=registry)
        self.gc_errors = Counter(prefix + "gc_errors_total", "Failures to drop expired silences.", registry=registry)
        self.snapshot = Summary(
            prefix + "snapshot_duration_seconds", "Time taken to write the silences' snapshot.", registry=registry
        )
        self.snapshot_size = Gauge(
            prefix + "snapshot_size_bytes", "Size of the last snapshot of silences.", registry=registry
        )
        self.maintenance = Counter(prefix + "maintenance_total", "Maintenance runs of silences.", registry=registry)
        self.maintenance_errors = Counter(
            prefix + "maintenance_errors_total", "Maintenance runs of silences that failed.", registry=registry
        )
        errors = Counter(
            prefix + "matcher_compile_errors_total",
            "Silence matchers that could not be compiled.",
            ["stage"],
            registry=registry,
        )
        self.compile_errors_index = errors.labels("index")
        self.compile_errors_load = errors.labels("load_snapshot")
        self.queries = Counter(prefix + "queries_total", "Queries of silences.", registry=registry)
        self.query_errors = Counter(
            prefix + "query_errors_total", "Queries of silences that failed.", registry=registry
        )
        self.query_duration = Histogram(
            prefix + "query_duration_seconds",
            "Time taken to query silences.",
            buckets=_DEFAULT_BUCKETS,
            registry=registry,
        )
        self.scanned = Counter(
            prefix + "query_silences_scanned_total", "Silences looked at by queries.", registry=registry
        )
        self.skipped = Counter(
            prefix + "query_silences_skipped_total", "Silences queries did not need to look at.", registry=registry
        )
        self.gossip = Counter(
            prefix + "gossip_messages_propagated_total", "Silences passed on to peers.", registry=registry
        )
        self.state_size = Gauge(prefix + "state_size", "Silences held.", registry=registry)
        self.matcher_index_size = Gauge(
            prefix + "matcher_index_size", "Silences with indexed matchers.", registry=registry
        )
        self.version_index_size = Gauge(
            prefix + "version_index_size", "Entries of the version index.", registry=registry
        )


class ClusterMetrics:
    """Peers. Everything but `enabled` exists only when --cluster.listen-address is not empty, as upstream."""

    def __init__(self, registry: CollectorRegistry, peer: str | None) -> None:
        """`peer` is our own peer name, None when clustering is off."""
        Gauge("alertmanager_cluster_enabled", "Whether clustering is on.", registry=registry).set(peer is not None)
        if peer is None:
            return
        prefix = "alertmanager_cluster_"
        Gauge(prefix + "peer_info", "Always 1; its label is our own name.", ["peer"], registry=registry).labels(
            peer
        ).set(1)
        Gauge(prefix + "members", "Members of the cluster.", registry=registry).set(1)
        for name, text in (
            (prefix + "failed_peers", "Members known and not reachable."),
            (prefix + "health_score", "Health of our membership, 0 is best."),
            (prefix + "messages_queued", "Messages waiting to be sent to peers."),
            ("alertmanager_peer_position", "Our position among the peers, 0 notifies first."),
        ):
            Gauge(name, text, registry=registry)
        for name, text in (
            ("messages_pruned_total", "Messages to peers dropped from the queue."),
            ("peers_joined_total", "Peers that joined."),
            ("peers_left_total", "Peers that left."),
            ("peers_update_total", "Peers that changed."),
            ("reconnections_total", "Connections to lost peers restored."),
            ("reconnections_failed_total", "Attempts to reach a lost peer that failed."),
            ("refresh_join_total", "Joins of peers found by looking their names up again."),
            ("refresh_join_failed_total", "Joins of peers found by looking their names up again that failed."),
            ("peer_name_conflicts_total", "Peers met with a name already taken."),
        ):
            Counter(prefix + name, text, registry=registry)
        for direction in ("received", "sent"):
            for name, text in (("", "Messages"), ("_size", "Bytes of messages")):
                family = Counter(
                    f"{prefix}messages_{direction}{name}_total",
                    f"{text} {direction} from or to peers.",
                    ["msg_type"],
                    registry=registry,
                )
                family.labels("full_state")
                family.labels("update")
        for verb in ("sent", "failure", "dropped"):
            family = Counter(
                f"alertmanager_oversized_gossip_message_{verb}_total",
                f"Messages too long for a datagram: {verb}.",
                ["key"],
                registry=registry,
            )
            family.labels("nfl")
            family.labels("sil")
        oversize = Histogram(
            "alertmanager_oversize_gossip_message_duration_seconds",
            "Time taken to send messages too long for a datagram.",
            ["key"],
            buckets=_DEFAULT_BUCKETS,
            registry=registry,
        )
        oversize.labels("nfl")
        oversize.labels("sil")
        Counter(prefix + "alive_messages_total", "Signs of life from peers.", ["peer"], registry=registry)
        Histogram(
            prefix + "pings_seconds",
            "Time taken to ping peers.",
            ["peer"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
            registry=registry,
        )


class ConfigMetrics:
    """The configuration in effect."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.hash = Gauge(
            "alertmanager_config_hash",
            "First six bytes of the MD5 of alertmanager.yml, as a number.",
            registry=registry,
        )
        self.reload_successful = Gauge(
            "alertmanager_config_last_reload_successful", "Whether the last reload succeeded.", registry=registry
        )
        self.reload_success_time = Gauge(
            "alertmanager_config_last_reload_success_timestamp_seconds",
            "When the configuration in effect was loaded.",
            registry=registry,
        )
        self.receivers = Gauge("alertmanager_receivers", "Receivers that routes refer to.", registry=registry)
        self.integrations = Gauge("alertmanager_integrations", "Integrations of those receivers.", registry=registry)
        self.inhibition_rules = Gauge("alertmanager_inhibition_rules", "Inhibition rules.", registry=registry)

    def loaded(self, *, hash: int, at: float, receivers: int, integrations: int, inhibition_rules: int) -> None:  # noqa: A002
        """A configuration took effect at Unix time `at` (seconds)."""
        self.hash.set(hash)
        self.reload_successful.set(1)
        self.reload_success_time.set(at)
        self.receivers.set(receivers)
        self.integrations.set(integrations)
        self.inhibition_rules.set(inhibition_rules)

    def failed(self) -> None:
        """A reload failed; the old configuration stays."""
        self.reload_successful.set(0)


class StoreMetrics:
    """The databases, by file name without suffix: `store.lag.labels("alerts").set(seconds)`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ["database"]
        self.lag = Gauge(
            "ampp_store_lag_seconds", "Age of the oldest change not yet committed.", names, registry=registry
        )
        self.writable = Gauge("ampp_store_writable", "Whether the last commit succeeded.", names, registry=registry)
        self.commits = Counter("ampp_store_commits_total", "Transactions committed.", names, registry=registry)
        self.errors = Counter("ampp_store_errors_total", "Transactions that failed.", names, registry=registry)
        self.size = Gauge("ampp_store_size_bytes", "Size of the files, WAL included.", names, registry=registry)


class LoopMetrics:
    """The event loop and the bounded queues: `loop.depth.labels("outbox").set(n)`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stall = Histogram(
            "ampp_loop_stall_seconds",
            "How much later than asked the event loop woke a sleeper.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=registry,
        )
        self.depth = Gauge("ampp_queue_depth", "Items waiting in a queue.", ["queue"], registry=registry)
        self.capacity = Gauge("ampp_queue_capacity", "Items a queue can hold.", ["queue"], registry=registry)
        self.coalesced = Counter(
            "ampp_queue_coalesced_total", "Items replaced by a newer one of their kind.", ["queue"], registry=registry
        )


class Metrics:
    """The registry and every family in it. One per daemon; nothing is registered globally.

    `peer` is our own cluster name, None when clustering is off.
    """

    def __init__(self, features: Features, peer: str | None) -> None:
        self.registry: Final = CollectorRegistry()
        self._callbacks: list[Callable[[], None]] = []
        self.alerts: Final = AlertMetrics(self.registry, features)
        self.dispatch: Final = DispatchMetrics(self.registry)
        self.http: Final = HttpMetrics(self.registry)
        self.notify: Final = NotifyMetrics(self.registry, features)
        self.nflog: Final = NflogMetrics(self.registry)
        self.silences: Final = SilenceMetrics(self.registry)
        self.cluster: Final = ClusterMetrics(self.registry, peer)
        self.config: Final = ConfigMetrics(self.registry)
        self.store: Final = StoreMetrics(self.registry)
        self.loop: Final = LoopMetrics(self.registry)
        ProcessCollector(registry=self.registry)
        self._served = Counter(
            "promhttp_metric_handler_requests_total", "Scrapes by status code.", ["code"], registry=self.registry
        )
        for code in ("200", "500", "503"):
            self._served.labels(code)
        Gauge("promhttp_metric_handler_requests_in_flight", "Scrapes being served.", registry=self.registry).set(1)
        _build_info(self.registry)

    def on_scrape(self, callback: Callable[[], None]) -> None:
        """Call `callback` before each exposition; it sets gauges from current state, and must be quick."""
        self._callbacks.append(callback)

    def exposition(self) -> bytes:
        """The body of GET /metrics; its type is `ampp.observe.exposition.CONTENT_TYPE`."""
        for callback in self._callbacks:
            callback()
        body = render(self.registry.collect())
        self._served.labels("200").inc()
        return body


def _build_info(registry: CollectorRegistry) -> None:
    labels = {
        "branch": BUILD.branch,
        "goarch": BUILD.arch,
        "goos": BUILD.os,
        "goversion": BUILD.runtime,
        "revision": BUILD.revision,
        "tags": "",
        "version": COMPATIBLE,
    }
    Gauge(
        "alertmanager_build_info",
        "Always 1; its labels say which Alertmanager this is compatible with.",
        list(labels),
        registry=registry,
    ).labels(**labels).set(1)
    ours = Gauge("ampp_build_info", "Always 1; its label is ampp's own version.", ["version"], registry=registry)
    ours.labels(__version__).set(1)
