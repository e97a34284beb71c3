"""Every recorded duration, in both spellings."""

import json
from pathlib import Path
from typing import Any

import pytest

from ampp.core.duration import DurationError, format_go, format_prometheus, parse_go, parse_prometheus

VECTORS = [
    json.loads(line) for line in (Path(__file__).parents[2] / "testdata/durations.jsonl").read_bytes().splitlines()
]
SPELLINGS = {"prometheus": (parse_prometheus, format_prometheus), "go": (parse_go, format_go)}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_duration(vector: dict[str, Any]) -> None:
    parse, write = SPELLINGS[vector["kind"]]
    if vector["want"] == "error":
        with pytest.raises(DurationError) as caught:
            parse(vector["input"])
        assert str(caught.value) == vector["error"]
        return
    ns = parse(vector["input"])
    assert ns == vector["want"]["ns"]
    assert write(ns) == vector["want"]["string"]
