"""Numbers of what passes through: alerts in, grouping, HTTP, notifications out. Part of `ampp.observe.metrics`."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from ampp.options import Features

__all__ = [
    "DEFAULT_BUCKETS",
    "FAILURE_REASONS",
    "INTEGRATIONS",
    "AlertMetrics",
    "DispatchMetrics",
    "HttpMetrics",
    "IntegrationMetrics",
    "NotifyMetrics",
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
    "destinationRefused",
)
DEFAULT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Go's default histogram buckets, in seconds."""


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
            buckets=DEFAULT_BUCKETS,
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

    def tries(self) -> tuple[int, int]:
        """How many tries of notifications succeeded since the start, and how many failed."""
        made, failed = (
            sum(sample.value for family in counter.collect() for sample in family.samples if "_total" in sample.name)
            for counter in (self._requests, self._requests_failed)
        )
        return int(made - failed), int(failed)

    def suppressed(self, reason: str, count: int = 1) -> None:
        """Count suppressed notifications; `reason` is a SuppressReason value."""
        self._suppressed.labels(reason).inc(count)
