"""Label sets: identity, hashes, text, orders."""

from functools import cmp_to_key

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampp.core.labels import (
    canonical,
    fingerprint,
    fingerprint_hex,
    format_set,
    hash64,
    key,
    notification_order,
    set_order,
    sort_for_notification,
    valid_name,
    valid_value,
)
from ampp.core.matcher import Mode

_texts = st.one_of(st.text(max_size=4), st.sampled_from(["ÿ", "aÿ", "\xc3\xbf"]))
label_sets = st.dictionaries(_texts, _texts, max_size=5).map(canonical)
small_sets = st.dictionaries(st.sampled_from(["a", "ab", "b", "job"]), st.sampled_from("xy"), max_size=4).map(canonical)


def plain_fnv(labels: dict[str, str]) -> int:
    state = 0xCBF29CE484222325
    for part in [part for item in labels.items() for part in item]:
        for byte in part.encode() + b"\xff":
            state = ((state ^ byte) * 0x100000001B3) % 2**64
    return state


@given(label_sets)
def test_the_fingerprint_is_plain_fnv(labels: dict[str, str]) -> None:
    assert fingerprint(labels) == plain_fnv(labels)


@pytest.mark.parametrize(
    ("labels", "fnv", "xx"),
    [
        ({}, "cbf29ce484222325", "ef46db3751d8e999"),
        ({"alertname": "Foo"}, "f036cc237081686a", "f7e8145e0dabab62"),
        ({"alertname": "TestAlert", "severity": "critical"}, "71bdfc9919c41b0a", "3f97309b93460dc0"),
        ({"a": "b", "c": "d"}, "53997eba86e1c7f5", "00a40c5c7f46cf47"),
    ],
)
def test_hashes_of_upstream(labels: dict[str, str], fnv: str, xx: str) -> None:
    assert fingerprint_hex(fingerprint(labels)) == fnv
    assert fingerprint_hex(hash64(labels)) == xx


def test_canonical_sorts_by_bytes_and_drops_empty_values() -> None:
    assert list(canonical({"é": "1", "a": "2", "Z": "3", "": "4", "b": ""}).items()) == [
        ("", "4"),
        ("Z", "3"),
        ("a", "2"),
        ("é", "1"),
    ]


def test_key_is_compact_json() -> None:
    assert key({"a": 'x"', "é": "\n"}) == '{"a":"x\\"","é":"\\n"}'.encode()


def test_format_set_quotes_values_only() -> None:
    assert format_set({}) == "{}"
    assert format_set({"a b": 'j"1', "c": "\t"}) == '{a b="j\\"1", c="\\t"}'


def before(one: dict[str, str], other: dict[str, str]) -> bool:
    """The definition: fewer labels first; then, name by name of both, the set lacking it or with the smaller value."""
    if len(one) != len(other):
        return len(one) < len(other)
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            return name not in one
        if one[name] != other[name]:
            return one[name] < other[name]
    return False


@given(st.lists(small_sets, max_size=8))
def test_set_order_is_upstreams_before(sets: list[dict[str, str]]) -> None:
    def compare(one: dict[str, str], other: dict[str, str]) -> int:
        return before(other, one) - before(one, other)

    assert sorted(sets, key=set_order) == sorted(sets, key=cmp_to_key(compare))


def test_alerts_with_job_and_instance_come_first() -> None:
    first_to_last = [
        {"instance": "1", "job": "a", "z": "1"},
        {"instance": "2", "job": "a"},
        {"job": "a"},
        {"instance": "1", "job": "b"},
        {"instance": "0"},
        {"x": "1"},
    ]
    last_to_first = first_to_last[::-1]
    assert sorted(last_to_first, key=notification_order) == first_to_last
    assert sort_for_notification(last_to_first, lambda labels: labels) == first_to_last


@pytest.mark.parametrize(
    ("name", "classic", "utf8"),
    [
        ("a", True, True),
        ("_a1", True, True),
        ("a:b", False, True),
        ("1a", False, True),
        ("a\n", False, True),
        ("é", False, True),
        ("", False, False),
        ("\udc80", False, False),
    ],
)
def test_valid_names(name: str, classic: bool, utf8: bool) -> None:
    assert valid_name(name, Mode.CLASSIC) is classic
    assert valid_name(name, Mode.UTF8) is valid_name(name, Mode.FALLBACK) is utf8


def test_valid_values_are_those_utf8_can_carry() -> None:
    assert valid_value("")
    assert valid_value("é\x00")
    assert not valid_value("a\udcffb")
