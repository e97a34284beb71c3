"""The exposition: names, types, labels and buckets that Alertmanager's dashboards and alerts select on."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ampp.core.reason import FailureReason
from ampp.observe.exposition import format_float
from ampp.observe.metrics import FAILURE_REASONS, INTEGRATIONS, Metrics
from ampp.options import Features


def exposition(metrics: Metrics) -> str:
    return metrics.exposition().decode()


def series(text: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def kinds(text: str) -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Features(), "me")


EXPECTED = {
    "alertmanager_alerts_invalid_total": "counter",
    "alertmanager_alerts_limited_total": "counter",
    "alertmanager_alerts_per_alert_limit": "gauge",
    "alertmanager_alerts_received_total": "counter",
    "alertmanager_alerts_subscriber_channel_writes_total": "counter",
    "alertmanager_build_info": "gauge",
    "alertmanager_cluster_enabled": "gauge",
    "alertmanager_cluster_failed_peers": "gauge",
    "alertmanager_cluster_health_score": "gauge",
    "alertmanager_cluster_members": "gauge",
    "alertmanager_cluster_messages_pruned_total": "counter",
    "alertmanager_cluster_messages_queued": "gauge",
    "alertmanager_cluster_messages_received_size_total": "counter",
    "alertmanager_cluster_messages_received_total": "counter",
    "alertmanager_cluster_messages_sent_size_total": "counter",
    "alertmanager_cluster_messages_sent_total": "counter",
    "alertmanager_cluster_peer_info": "gauge",
    "alertmanager_cluster_peer_name_conflicts_total": "counter",
    "alertmanager_cluster_peers_joined_total": "counter",
    "alertmanager_cluster_peers_left_total": "counter",
    "alertmanager_cluster_peers_update_total": "counter",
    "alertmanager_cluster_reconnections_failed_total": "counter",
    "alertmanager_cluster_reconnections_total": "counter",
    "alertmanager_cluster_refresh_join_failed_total": "counter",
    "alertmanager_cluster_refresh_join_total": "counter",
    "alertmanager_config_hash": "gauge",
    "alertmanager_config_last_reload_success_timestamp_seconds": "gauge",
    "alertmanager_config_last_reload_successful": "gauge",
    "alertmanager_dispatcher_aggregation_group_creation_given_up_total": "counter",
    "alertmanager_dispatcher_aggregation_group_creation_retries_total": "counter",
    "alertmanager_dispatcher_aggregation_group_limit_reached_total": "counter",
    "alertmanager_dispatcher_aggregation_groups": "gauge",
    "alertmanager_dispatcher_alert_processing_duration_seconds": "summary",
    "alertmanager_http_concurrency_limit_exceeded_total": "counter",
    "alertmanager_http_requests_in_flight": "gauge",
    "alertmanager_inhibition_rules": "gauge",
    "alertmanager_integrations": "gauge",
    "alertmanager_nflog_gc_duration_seconds": "summary",
    "alertmanager_nflog_gossip_messages_propagated_total": "counter",
    "alertmanager_nflog_maintenance_errors_total": "counter",
    "alertmanager_nflog_maintenance_total": "counter",
    "alertmanager_nflog_queries_total": "counter",
    "alertmanager_nflog_query_duration_seconds": "histogram",
    "alertmanager_nflog_query_errors_total": "counter",
    "alertmanager_nflog_snapshot_duration_seconds": "summary",
    "alertmanager_nflog_snapshot_size_bytes": "gauge",
    "alertmanager_notification_latency_seconds": "histogram",
    "alertmanager_notification_requests_failed_total": "counter",
    "alertmanager_notification_requests_total": "counter",
    "alertmanager_notifications_failed_total": "counter",
    "alertmanager_notifications_total": "counter",
    "alertmanager_oversize_gossip_message_duration_seconds": "histogram",
    "alertmanager_oversized_gossip_message_dropped_total": "counter",
    "alertmanager_oversized_gossip_message_failure_total": "counter",
    "alertmanager_oversized_gossip_message_sent_total": "counter",
    "alertmanager_peer_position": "gauge",
    "alertmanager_receivers": "gauge",
    "alertmanager_silences": "gauge",
    "alertmanager_silences_gc_duration_seconds": "summary",
    "alertmanager_silences_gc_errors_total": "counter",
    "alertmanager_silences_gossip_messages_propagated_total": "counter",
    "alertmanager_silences_maintenance_errors_total": "counter",
    "alertmanager_silences_maintenance_total": "counter",
    "alertmanager_silences_matcher_compile_errors_total": "counter",
    "alertmanager_silences_matcher_index_size": "gauge",
    "alertmanager_silences_queries_total": "counter",
    "alertmanager_silences_query_duration_seconds": "histogram",
    "alertmanager_silences_query_errors_total": "counter",
    "alertmanager_silences_query_silences_scanned_total": "counter",
    "alertmanager_silences_query_silences_skipped_total": "counter",
    "alertmanager_silences_snapshot_duration_seconds": "summary",
    "alertmanager_silences_snapshot_size_bytes": "gauge",
    "alertmanager_silences_state_size": "gauge",
    "alertmanager_silences_version_index_size": "gauge",
}
LATER = {
    "alertmanager_alerts": "gauge",
    "alertmanager_http_request_duration_seconds": "histogram",
    "alertmanager_http_response_size_bytes": "histogram",
    "alertmanager_notifications_suppressed_total": "counter",
}
PROCESS = {"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes"}
PROCESS |= {"process_open_fds", "process_max_fds", "process_virtual_memory_bytes"}


def of_alertmanager(text: str) -> dict[str, str]:
    return {name: kind for name, kind in kinds(text).items() if name.startswith("alertmanager_")}


def test_every_family_is_there_from_the_start(metrics: Metrics) -> None:
    text = exposition(metrics)
    assert of_alertmanager(text) == EXPECTED
    assert set(kinds(text)) >= PROCESS


def test_the_others_appear_when_used(metrics: Metrics) -> None:
    metrics.alerts.set_states(3, 2)
    metrics.http.observe("/metrics", "get", 200, 0.003)
    metrics.http.observe_size("/metrics", "get", 12_000)
    metrics.notify.suppressed("silence")
    text = exposition(metrics)
    assert of_alertmanager(text) == EXPECTED | LATER
    found = series(text)
    assert found['alertmanager_alerts{state="active"}'] == "3"
    assert found['alertmanager_alerts{state="unprocessed"}'] == "0"
    assert (
        found[
            'alertmanager_http_request_duration_seconds_bucket{code="200",handler="/metrics",method="get",le="0.005"}'
        ]
        == "1"
    )
    assert found['alertmanager_http_response_size_bytes_bucket{handler="/metrics",method="get",le="10000"}'] == "0"
    assert found['alertmanager_http_response_size_bytes_bucket{handler="/metrics",method="get",le="1e+06"}'] == "1"
    assert found['alertmanager_notifications_suppressed_total{reason="silence"}'] == "1"


def test_without_a_cluster_only_its_absence_is_told() -> None:
    text = exposition(Metrics(Features(), None))
    assert series(text)["alertmanager_cluster_enabled"] == "0"
    assert not [n for n in kinds(text) if "cluster" in n and n != "alertmanager_cluster_enabled"]
    assert "alertmanager_peer_position" not in kinds(text)


def test_we_are_our_only_peer(metrics: Metrics) -> None:
    found = series(exposition(metrics))
    assert found["alertmanager_cluster_enabled"] == "1"
    assert found["alertmanager_cluster_members"] == "1"
    assert found["alertmanager_cluster_failed_peers"] == "0"
    assert found['alertmanager_cluster_peer_info{peer="me"}'] == "1"
    assert found['alertmanager_cluster_messages_sent_total{msg_type="full_state"}'] == "0"


def test_notification_series_exist_before_the_first_notification(metrics: Metrics) -> None:
    found = series(exposition(metrics))
    for name in INTEGRATIONS:
        assert found[f'alertmanager_notifications_total{{integration="{name}"}}'] == "0"
        assert found[f'alertmanager_notification_latency_seconds_bucket{{integration="{name}",le="20"}}'] == "0"
        for reason in FAILURE_REASONS:
            assert found[f'alertmanager_notifications_failed_total{{integration="{name}",reason="{reason}"}}'] == "0"
    assert found['alertmanager_silences_matcher_compile_errors_total{stage="load_snapshot"}'] == "0"
    assert found['alertmanager_alerts_received_total{status="resolved",version="v2"}'] == "0"


def test_failure_reasons_are_the_cores() -> None:
    assert set(FAILURE_REASONS) == {reason.value for reason in FailureReason}


def test_an_integration_counts_into_its_own_series(metrics: Metrics) -> None:
    slack = metrics.notify.integration("slack", "team")
    slack.total.inc()
    slack.failed("rateLimited")
    slack.requests.inc(3)
    slack.latency.observe(4)
    assert metrics.notify.integration("slack", "other") is slack
    found = series(exposition(metrics))
    assert found['alertmanager_notifications_total{integration="slack"}'] == "1"
    assert found['alertmanager_notifications_failed_total{integration="slack",reason="rateLimited"}'] == "1"
    assert found['alertmanager_notification_requests_total{integration="slack"}'] == "3"
    assert found['alertmanager_notification_latency_seconds_bucket{integration="slack",le="1"}'] == "0"
    assert found['alertmanager_notification_latency_seconds_bucket{integration="slack",le="5"}'] == "1"


def test_receiver_names_start_anew_with_a_configuration() -> None:
    metrics = Metrics(Features(receiver_name_in_metrics=True), None)
    assert "alertmanager_notifications_total" not in kinds(exposition(metrics))
    metrics.notify.configure([("slack", "a"), ("email", "b")])
    metrics.notify.integration("slack", "a").total.inc()
    assert series(exposition(metrics))['alertmanager_notifications_total{integration="slack",receiver_name="a"}'] == "1"
    metrics.notify.configure([("email", "b")])
    text = exposition(metrics)
    assert 'receiver_name="a"' not in text
    assert 'alertmanager_notifications_failed_total{integration="email",reason="other",receiver_name="b"} 0\n' in text


def test_group_keys_are_replaced_at_each_scrape() -> None:
    metrics = Metrics(Features(group_key_in_metrics=True), None)
    groups = [('{}:{a="b"}', 1, 0, 0), ("{}:{}", 0, 2, 0)]
    metrics.alerts.set_group_states(groups)
    metrics.alerts.set_states(9, 9)
    assert metrics.alerts.wants_groups
    found = series(exposition(metrics))
    assert found['alertmanager_alerts{group_key="{}:{a=\\"b\\"}",state="active"}'] == "1"
    metrics.alerts.set_group_states(groups[1:])
    found = series(exposition(metrics))
    assert [key for key in found if key.startswith("alertmanager_alerts{")] == [
        f'alertmanager_alerts{{group_key="{{}}:{{}}",state="{state}"}}'
        for state in ("active", "suppressed", "unprocessed")
    ]


def test_alert_names_only_when_asked() -> None:
    plain, named = Metrics(Features(), None), Metrics(Features(alert_names_in_metrics=True), None)
    plain.alerts.limited("Disk", 2)
    named.alerts.limited("Disk", 2)
    assert series(exposition(plain))["alertmanager_alerts_limited_total"] == "2"
    assert series(exposition(named))['alertmanager_alerts_limited_total{alertname="Disk"}'] == "2"


def test_reloads(metrics: Metrics) -> None:
    metrics.config.loaded(hash=281474976710655, at=1.5e9, receivers=2, integrations=3, inhibition_rules=4)
    found = series(exposition(metrics))
    assert found["alertmanager_config_hash"] == "2.81474976710655e+14"
    assert found["alertmanager_config_last_reload_successful"] == "1"
    assert found["alertmanager_config_last_reload_success_timestamp_seconds"] == "1.5e+09"
    metrics.config.failed()
    assert series(exposition(metrics))["alertmanager_config_last_reload_successful"] == "0"


def test_versions(metrics: Metrics) -> None:
    text = exposition(metrics)
    assert re.search(r'^alertmanager_build_info\{branch="ampp",.*version="0\.34\.0"\} 1$', text, re.MULTILINE)
    assert re.search(r'^ampp_build_info\{version="[0-9.]+"\} 1$', text, re.MULTILINE)


def test_scrapes_are_counted(metrics: Metrics) -> None:
    exposition(metrics)
    assert series(exposition(metrics))['promhttp_metric_handler_requests_total{code="200"}'] == "1"


def test_the_form_is_gos(metrics: Metrics) -> None:
    metrics.store.lag.labels('a\\b"c\nd').set(0.25)
    text = exposition(metrics)
    assert 'ampp_store_lag_seconds{database="a\\\\b\\"c\\nd"} 0.25\n' in text
    assert "_created" not in text
    names = list(kinds(text))
    assert names == sorted(names)
    parsed = {family.name for family in text_string_to_metric_families(text)}
    assert "alertmanager_alerts_received" in parsed
    lines = [
        line.split("{")[0].split(" ")[0] for line in text.splitlines() if line.startswith("alertmanager_nflog_query_d")
    ]
    assert lines[-2:] == [
        "alertmanager_nflog_query_duration_seconds_sum",
        "alertmanager_nflog_query_duration_seconds_count",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "-0"),
        (1, "1"),
        (-12.5, "-12.5"),
        (0.005, "0.005"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (100000, "100000"),
        (999999.5, "999999.5"),
        (1e6, "1e+06"),
        (1234567, "1.234567e+06"),
        (1.7e9, "1.7e+09"),
        (1e100, "1e+100"),
        (5e-324, "5e-324"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_as_go_writes_them(value: float, text: str) -> None:
    assert format_float(value) == text
