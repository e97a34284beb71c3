"""Numbers of what is kept: log, silences, peers, configuration, databases, loop. Part of `ampp.observe.metrics`."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from ampp.observe.traffic import DEFAULT_BUCKETS

__all__ = [
    "ClusterMetrics",
    "ConfigMetrics",
    "HistoryMetrics",
    "LoopMetrics",
    "NflogMetrics",
    "SilenceMetrics",
    "StoreMetrics",
]


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
            buckets=DEFAULT_BUCKETS,
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
            buckets=DEFAULT_BUCKETS,
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
            buckets=DEFAULT_BUCKETS,
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


class StreamMetrics:
    """Live events and those who listen, by kind (`sse`, `websocket`)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.listeners = Gauge("ampp_stream_listeners", "Open streams of live events.", ["kind"], registry=registry)
        for kind in ("sse", "websocket"):
            self.listeners.labels(kind)
        self.events = Gauge("ampp_stream_sequence", "Number of the last live event of this run.", registry=registry)
        self.resets = Counter(
            "ampp_stream_resets_total", "Listeners told that events are missing to them.", registry=registry
        )
        self.dropped = Counter(
            "ampp_stream_dropped_total", "Listeners hung up on because they took nothing.", registry=registry
        )


class LoopMetrics:
    """The event loop and the bounded queues: `loop.depth.labels("outbox").set(n)`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stall = Histogram(
            "ampp_loop_stall_seconds",
            "How long whoever was due waited for the event loop.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=registry,
        )
        self.depth = Gauge("ampp_queue_depth", "Items waiting in a queue.", ["queue"], registry=registry)
        self.capacity = Gauge("ampp_queue_capacity", "Items a queue can hold.", ["queue"], registry=registry)
        self.coalesced = Counter(
            "ampp_queue_coalesced_total", "Items replaced by a newer one of their kind.", ["queue"], registry=registry
        )


class HistoryMetrics:
    """The history, unfolded behind the journal."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "ampp_history_"
        self.up = Gauge(prefix + "up", "Whether what happens is being added to the history.", registry=registry)
        self.behind = Gauge(
            prefix + "behind_records", "Records of the journal not yet in the history.", registry=registry
        )
        self.lag = Gauge(prefix + "lag_seconds", "Age of the oldest record not yet in the history.", registry=registry)
        self.events = Gauge(prefix + "events", "Events written to the history since the start.", registry=registry)
        self.notifications = Gauge(
            prefix + "notifications",
            "Notification decisions written to the history since the start.",
            registry=registry,
        )
        self.swept = Gauge(prefix + "swept_rows", "Rows removed from the history since the start.", registry=registry)
        self.lost = Gauge(
            prefix + "lost_records", "Records of the journal that never came into the history.", registry=registry
        )
        self.queries = Histogram(
            prefix + "query_seconds",
            "Time taken by queries of the history.",
            buckets=DEFAULT_BUCKETS,
            registry=registry,
        )
        self.limited = Counter(
            prefix + "queries_limited_total", "Queries of the history that stopped at a limit.", registry=registry
        )
