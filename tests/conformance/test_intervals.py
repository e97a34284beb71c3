"""Every recorded interval and instant."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ampp.core.interval import IntervalError, TimeInterval, parse_interval
from ampp.core.timestamp import parse_rfc3339

VECTORS = [
    json.loads(line) for line in (Path(__file__).parents[2] / "testdata/intervals.jsonl").read_bytes().splitlines()
]


class Texts(yaml.BaseLoader):
    """Every scalar as its text, but null as None: what upstream's typed decoding sees."""


Texts.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
Texts.add_constructor("tag:yaml.org,2002:null", lambda loader, node: None)


def intervals(text: str) -> list[TimeInterval]:
    raw = yaml.load(text, Texts)
    if not isinstance(raw, list):
        raise IntervalError("not a list")
    return [parse_interval(item) for item in raw]


@pytest.mark.parametrize("vector", [v for v in VECTORS if "instant" in v], ids=lambda v: v["name"])
def test_contains(vector: dict[str, Any]) -> None:
    wall, _ = parse_rfc3339(vector["instant"])
    assert any(interval.contains(wall) for interval in intervals(vector["yaml"])) is vector["in"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if "want" in v], ids=lambda v: v["name"])
def test_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(IntervalError) as caught:
        intervals(vector["yaml"])
    if "yaml: unmarshal errors" not in vector["error"] and "directory" not in vector["error"]:
        assert str(caught.value) == vector["error"]
