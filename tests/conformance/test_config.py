"""Every recorded configuration: accepted or refused as upstream does, in its words, dumped and routed to the byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from ampp.config import Config, ConfigError, load, load_file, renderer
from ampp.config import compile as compile_plan
from ampp.config.tree import routes_show
from ampp.core.clock import SECOND
from ampp.core.matcher import Mode
from ampp.core.route import Route

ROOT = Path(__file__).parents[2]
UPSTREAM = ROOT.parent / "shared/conformance/upstream-config.jsonl"


def read(path: Path, phase: str | None = None) -> list[dict[str, Any]]:
    vectors = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [v for v in vectors if v.get("phase") == phase]


def check(vector: dict[str, Any]) -> None:
    mode = Mode(vector.get("mode", "fallback"))
    if vector["want"] == "error":
        with pytest.raises(ConfigError) as caught:
            load(vector["yaml"], mode, "/etc/am/alertmanager.yml")
        if not vector.get("crash"):
            assert str(caught.value) == vector["error"]
        return
    config = load(vector["yaml"], mode, "/etc/am/alertmanager.yml")
    if checks := vector.get("checks"):
        check_details(config, checks)


def check_details(config: Config, checks: dict[str, Any]) -> None:
    assert config.original() == checks["original"].replace("@DIR@", "/etc/am")
    root = compile_plan(config).root
    assert routes_show(root) == checks["routes_show"]
    assert [options(route) for route in root.walk()] == checks["routes"]


def options(route: Route) -> dict[str, Any]:
    return {
        "key": route.key,
        "receiver": route.receiver,
        "group_by": list(route.group_by),
        "group_by_all": route.group_by_all,
        "group_wait": route.group_wait / SECOND,
        "group_interval": route.group_interval / SECOND,
        "repeat_interval": route.repeat_interval / SECOND,
        "continue": route.continue_,
        "mute_time_intervals": list(route.mute_intervals),
        "active_time_intervals": list(route.active_intervals),
        "labels": dict(route.labels),
    }


VECTORS = read(ROOT / "testdata/config.jsonl")


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_recorded(vector: dict[str, Any]) -> None:
    check(vector)


WITH_FILES = read(ROOT / "testdata/config.jsonl", "templates")


@pytest.mark.parametrize("vector", WITH_FILES, ids=[v["name"] for v in WITH_FILES])
def test_template_files(vector: dict[str, Any], tmp_path: Path) -> None:
    for name, text in vector["files"].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "alertmanager.yml").write_text(vector["yaml"])
    config = load_file(str(tmp_path / "alertmanager.yml"))
    if vector["want"] == "ok":
        renderer(config.document.templates)
        return
    with pytest.raises(ConfigError) as caught:
        renderer(config.document.templates)
    assert str(caught.value) == vector["error"]
    assert caught.value.file.startswith(f"{tmp_path}/")
    assert caught.value.line == 1


def test_dump_reads_back_as_itself() -> None:
    # What a dump loses, it loses with upstream too: nulls that erased a default, empty names and patterns, secret URLs
    # that must be URLs, and values inherited next to their alternatives.
    again = 0
    for vector in VECTORS:
        if vector["want"] == "ok":
            mode = Mode(vector.get("mode", "fallback"))
            dumped = load(vector["yaml"], mode).original()
            if vector["name"] in LOSSY:
                with pytest.raises(ConfigError):
                    load(dumped, mode)
            else:
                again += load(dumped, mode).original() == dumped
    assert again >= 320


LOSSY = {
    "toplevel/receivers-null-item",
    "rcv-slack/token",
    "rcv-slack/token-file",
    "rcv-opsgenie/local-file-global-key",
    "matchers/match-re-empty",
    "intervals/null-item",
    "event_recorder/webhook",
    "event_recorder/webhook-batch",
}


@pytest.mark.skipif(not UPSTREAM.exists(), reason="Alertmanager's own test data is not at hand")
def test_upstream_test_data() -> None:
    for vector in read(UPSTREAM):
        check(vector)
