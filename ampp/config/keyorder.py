"""The order in which yaml.v2 writes the keys of a map."""

from collections.abc import Sequence
from typing import Any

__all__ = ["sorted_keys"]


def sorted_keys(keys: Sequence[Any]) -> list[Any]:
    """Map keys in yaml.v2's order: numbers first, then text with runs of digits compared as numbers."""
    return sorted(keys, key=_Key)


class _Key:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Key") -> bool:
        return _less(self.value, other.value)


def _less(a: Any, b: Any) -> bool:
    a_text, b_text = isinstance(a, str), isinstance(b, str)
    if not a_text and not b_text:
        if a is None or b is None:
            return a is None and b is not None
        return float(a) < float(b)
    if not a_text or not b_text:
        return not a_text
    for i in range(min(len(a), len(b))):
        if a[i] == b[i]:
            continue
        a_letter, b_letter = a[i].isalpha(), b[i].isalpha()
        if a_letter and b_letter:
            return bool(a[i] < b[i])
        if a_letter or b_letter:
            return bool(b_letter)
        return _less_number(a, b, i)
    return len(a) < len(b)


def _less_number(a: str, b: str, at: int) -> bool:
    """Compare from the first difference `at`, neither side being a letter there."""
    an = bn = 0
    if a[at] == "0" or b[at] == "0":
        j = at - 1
        while j >= 0 and a[j].isdecimal():
            if a[j] != "0":
                an = bn = 1
                break
            j -= 1
    ai = bi = at
    while ai < len(a) and a[ai].isdecimal():
        an = an * 10 + ord(a[ai]) - 48
        ai += 1
    while bi < len(b) and b[bi].isdecimal():
        bn = bn * 10 + ord(b[bi]) - 48
        bi += 1
    if an != bn:
        return an < bn
    if ai != bi:
        return ai < bi
    return a[at] < b[at]
