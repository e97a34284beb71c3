"""Nothing but TemplateError leaves the engine, and nothing runs for ever."""

import json
import random
from pathlib import Path

import pytest

from ampp.template.builtin import BUILTINS
from ampp.template.error import TemplateError
from ampp.template.execute import Limits, Program
from ampp.template.parse import parse

TESTDATA = Path(__file__).parents[3] / "testdata"


def run(template: str, limits: Limits) -> str:
    return Program(parse("", template, BUILTINS), {}, limits).run("", None)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ range 1000000000000 }}{{ end }}", "too many steps"),
        ("{{ range 9 }}{{ range 1000 }}x{{ end }}{{ end }}", "the output is too long"),
        ('{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" }}', "exceeded maximum template depth (50)"),
        ("{{ $x := `x` }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}", "too much text printed at once"),
        ("{{ printf `" + "%1000000[1]d" * 90 + "` 1 }}", "too much text printed at once"),
    ],
)
def test_limits(template: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        run(template, Limits(steps=20_000, output=5000, depth=50))
    assert reason in str(caught.value)


def test_time_is_limited() -> None:
    with pytest.raises(TemplateError, match="too long"):
        run("{{ range 100000000 }}{{ end }}", Limits(seconds=0.01))


def test_recursion_without_end_is_an_error() -> None:
    with pytest.raises(TemplateError, match="exceeded maximum template depth"):
        run(
            '{{ define "t" }}{{ if true }}{{ template "t" . }}{{ end }}{{ end }}{{ template "t" }}', Limits(depth=10**9)
        )


@pytest.mark.parametrize("opening", ["(", "{{ if ", "{{ range 1 }}", "{{ with 1 }}", '{{ block "x" . }}', "{{ (print "])
def test_deep_nesting_is_an_error(opening: str) -> None:
    with pytest.raises(TemplateError):
        run("{{ " * (opening[0] == "(") + opening * 5000, Limits())


def test_long_chains_of_else_if_are_not_deep() -> None:
    chain = "{{ if eq 1 2 }}" + "".join(f"{{{{ else if eq {n} 250 }}}}{n}" for n in range(300)) + "{{ end }}"
    assert run(chain, Limits()) == "250"


def test_mutated_templates_fail_as_templates() -> None:
    """Vectors torn apart and stuck together: each renders or raises TemplateError."""
    texts = [json.loads(line)["template"] for line in (TESTDATA / "templates.jsonl").read_bytes().splitlines()]
    dice = random.Random(20260101)
    names = {*BUILTINS, "toUpper"}
    rendered = 0
    complaints: list[str] = []
    for _ in range(3000):
        a, b = dice.choice(texts), dice.choice(texts)
        text = a[: dice.randint(0, len(a))] + b[dice.randint(0, len(b)) :]
        try:
            Program(parse("", text, names), {}, Limits(steps=20_000, output=100_000)).run(
                "", dice.choice([None, 1, "é"])
            )
            rendered += 1
        except TemplateError as error:
            complaints.append(str(error))
    assert rendered > 100
    assert len(complaints) > 100
    assert not [text for text in complaints if "Error:" in text]
