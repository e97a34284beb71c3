"""Every number ampp shows at /metrics, each under one typed name.

The `alertmanager_*` families carry the names, types, labels and buckets of Alertmanager 0.34, with the series it
creates up front created up front, so that its dashboards and alerts work unchanged. `ampp_*` are ours.

Counters and histograms are incremented where things happen, through children bound once (no label lookup on a hot
path). Gauges that mirror state are set at each scrape, by `ampp.upkeep.exposition`.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from ampp import COMPATIBLE, __version__
from ampp.observe.build import BUILD
from ampp.observe.exposition import render
from ampp.observe.traffic import (
    FAILURE_REASONS,
    INTEGRATIONS,
    AlertMetrics,
    DispatchMetrics,
    HttpMetrics,
    IntegrationMetrics,
    NotifyMetrics,
)
from ampp.observe.upkeep import (
    ClusterMetrics,
    ConfigMetrics,
    HistoryMetrics,
    LoopMetrics,
    NflogMetrics,
    SilenceMetrics,
    StoreMetrics,
)
from ampp.options import Features

__all__ = [
    "FAILURE_REASONS",
    "INTEGRATIONS",
    "AlertMetrics",
    "ClusterMetrics",
    "ConfigMetrics",
    "DispatchMetrics",
    "HistoryMetrics",
    "HttpMetrics",
    "IntegrationMetrics",
    "LoopMetrics",
    "Metrics",
    "NflogMetrics",
    "NotifyMetrics",
    "SilenceMetrics",
    "StoreMetrics",
]


class Metrics:
    """The registry and every family in it. One per daemon; nothing is registered globally.

    `peer` is our own cluster name, None when clustering is off.
    """

    def __init__(self, features: Features, peer: str | None) -> None:
        self.registry: Final = CollectorRegistry()
        self.alerts: Final = AlertMetrics(self.registry, features)
        self.dispatch: Final = DispatchMetrics(self.registry)
        self.http: Final = HttpMetrics(self.registry)
        self.notify: Final = NotifyMetrics(self.registry, features)
        self.nflog: Final = NflogMetrics(self.registry)
        self.silences: Final = SilenceMetrics(self.registry)
        self.cluster: Final = ClusterMetrics(self.registry, peer)
        self.config: Final = ConfigMetrics(self.registry)
        self.store: Final = StoreMetrics(self.registry)
        self.history: Final = HistoryMetrics(self.registry)
        self.loop: Final = LoopMetrics(self.registry)
        ProcessCollector(registry=self.registry)
        self._served = Counter(
            "promhttp_metric_handler_requests_total", "Scrapes by status code.", ["code"], registry=self.registry
        )
        for code in ("200", "500", "503"):
            self._served.labels(code)
        Gauge("promhttp_metric_handler_requests_in_flight", "Scrapes being served.", registry=self.registry).set(1)
        _build_info(self.registry)

    def exposition(self) -> bytes:
        """The body of GET /metrics; its type is `ampp.observe.exposition.CONTENT_TYPE`."""
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
