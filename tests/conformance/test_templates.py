"""Every recorded template: what Go's engines and Alertmanager's default templates made of it, to the byte."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ampp.template import TemplateError
from ampp.template.function import now
from ampp.template.renderer import Renderer
from ampp.template.sample import read, sample

TESTDATA = Path(__file__).parents[2] / "testdata"
SHARED = Renderer(by_value=True)


def vectors(file: str) -> list[Any]:
    lines = (TESTDATA / file).read_bytes().splitlines()
    return [pytest.param(vector, id=vector["name"]) for vector in map(json.loads, lines)]


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def render(vector: dict[str, Any]) -> str:
    renderer = SHARED
    if files := vector.get("files"):
        renderer = Renderer(by_value=True)
        for name in sorted(files):
            renderer.add(name, files[name])
    data = sample(now()) if vector["data"] == "default" else read(json.dumps(vector["data"]).encode())
    engine = renderer.html if vector.get("type") == "html" else renderer.text
    return engine(vector["template"], data)


@pytest.mark.parametrize("vector", vectors("templates.jsonl"))
def test_recorded(vector: dict[str, Any]) -> None:
    if vector.get("want_error"):
        with pytest.raises(TemplateError) as caught:
            render(vector)
        assert str(caught.value) == vector["error"]
    else:
        assert render(vector) == vector["want"]


@pytest.mark.parametrize("vector", vectors("default-templates.jsonl"))
def test_default_templates(vector: dict[str, Any]) -> None:
    assert render(vector) == vector["want"]
