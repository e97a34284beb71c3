"""Templates of Go's own language, their output and errors as recorded from Go 1.26 (testdata/template-engine.jsonl)."""

import json
from pathlib import Path
from typing import Any

import pytest

from ampp.template.builtin import BUILTINS
from ampp.template.error import TemplateError
from ampp.template.execute import Program
from ampp.template.instant import Instant
from ampp.template.layout import LayoutError, parse_time
from ampp.template.parse import parse
from ampp.template.zone import load

TESTDATA = Path(__file__).parents[3] / "testdata"


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (TESTDATA / name).read_bytes().splitlines()]


def render(template: str, data: Any = None) -> str:
    return Program(parse("", template, BUILTINS), {}).run("", data)


@pytest.mark.parametrize("case", recorded("template-engine.jsonl"), ids=lambda case: case["template"])
def test_renders_or_fails_as_go_does(case: dict[str, Any]) -> None:
    if "want" in case:
        assert render(case["template"]) == case["want"]
        return
    with pytest.raises(TemplateError) as caught:
        render(case["template"])
    assert str(caught.value) == case["error"]


@pytest.mark.parametrize("case", recorded("time-layouts.jsonl"), ids=lambda case: f"{case['layout']} {case['text']}")
def test_writes_and_reads_times_as_go_does(case: dict[str, Any]) -> None:
    if "time" in case:
        ns, _ = parse_time("2006-01-02T15:04:05Z07:00", case["time"])
        assert Instant(ns, load(case["zone"])).format(case["layout"]) == case["text"]
    elif "want" in case:
        assert str(Instant(*parse_time(case["layout"], case["text"]))) == case["want"]
    else:
        with pytest.raises(LayoutError) as caught:
            parse_time(case["layout"], case["text"])
        assert str(caught.value) == case["error"]
