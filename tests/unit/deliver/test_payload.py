"""Texts in structures are read as YAML, and what `toJson` wrote just so, only faster."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ampp.config.untyped import UntypedError, untyped
from ampp.deliver.payload import fill
from ampp.template.jsontext import to_json


def slowly(text: str) -> Any:
    """By the YAML reader alone."""
    try:
        value = untyped(text)
    except UntypedError:
        return text
    return text if isinstance(value, str) else value


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["null", "~", "<<", "yes", "2020-01-01", "1e3", " ", "&a", "*a", "\x7f", "\x85", "\u2028", "😀"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
@example([1 << 64], True)
@example([-(1 << 63) - 1], True)
@example({"x" * 1100: 1}, True)
@example(["x" * 2000], True)
@example(["<&>"], True)
@example({"": ""}, False)
def test_json_means_what_it_means_as_yaml(value: Any, as_go: bool) -> None:
    for text in (to_json(value) if as_go else json.dumps(value), json.dumps(value, indent=1)):
        found = fill(text, str)
        assert repr(found) == repr(slowly(text))


@pytest.mark.parametrize("text", ["[1", "{a: b}", "[a, b]", '{"a": b}', "[1] # two", '["a" "b"]', "{}", "[]", '["a",]'])
def test_what_only_looks_like_json(text: str) -> None:
    assert repr(fill(text, str)) == repr(slowly(text))
