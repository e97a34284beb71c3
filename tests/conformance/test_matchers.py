"""Every recorded matcher text and match."""

import json
from pathlib import Path
from typing import Any

import pytest

from ampp.core.matcher import MatcherError, Mode, format_matchers, matches_all, parse_matcher, parse_matchers

VECTORS = [
    json.loads(line) for line in (Path(__file__).parents[2] / "testdata/matchers.jsonl").read_bytes().splitlines()
]


@pytest.mark.parametrize("vector", [v for v in VECTORS if "input" in v], ids=lambda v: v["name"])
def test_parse(vector: dict[str, Any]) -> None:
    parse = parse_matcher if vector.get("form") == "single" else parse_matchers
    mode = Mode(vector["mode"])
    if vector["want"] == "error":
        with pytest.raises(MatcherError) as caught:
            parse(vector["input"], mode)
        assert str(caught.value) == vector["error"]
        return
    matchers = parse(vector["input"], mode).matchers
    assert [{"name": m.name, "op": m.op.value, "value": m.value} for m in matchers] == vector["want"]
    text = str(matchers[0]) if vector.get("form") == "single" else format_matchers(matchers)
    assert text == vector["string"]


@pytest.mark.parametrize("mode", [Mode.CLASSIC, Mode.FALLBACK])
@pytest.mark.parametrize("vector", [v for v in VECTORS if "matcher" in v], ids=lambda v: v["name"])
def test_match(vector: dict[str, Any], mode: Mode) -> None:
    if vector["match"] == "error":
        with pytest.raises(MatcherError):
            parse_matchers(vector["matcher"], mode)
        return
    assert matches_all(parse_matchers(vector["matcher"], mode).matchers, vector["labels"]) is vector["match"]
