"""The line a finding speaks of, as it stands in its file, with a mark under the place and secrets left out."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, get_args

from ampp.config.address import SecretUrl
from ampp.config.decode import Kind
from ampp.config.document import Document
from ampp.config.kind import SecretKind
from ampp.config.secret import SECRET_TEXT
from ampp.config.section import Section, Struct, section_fields

__all__ = ["excerpt"]

_WIDTH: Final = 120
"""Characters of a line that are shown."""
_PASSWORD: Final = re.compile(r"//[^/@\s:]*:(?P<value>[^/@\s]+)@")
_KEY: Final = r"""(?<![\w-])["']?(?:%s)["']?\s*:\s*"""
_VALUE: Final = r"""(?P<value>\[[^\]]*\]?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,}#][^,}]*)"""


def excerpt(text: bytes, line: int, column: int) -> tuple[str, str]:
    """The line as shown, and what marks the place on the line below it; both empty where there is no such line."""
    lines = text.split(b"\n", line)
    if not 0 < line <= len(lines):
        return "", ""
    raw = lines[line - 1].decode("utf-8", "replace").rstrip("\r")
    shown, start = _veil(raw, max(column - 1, 0))
    cut = max(0, start - _WIDTH // 2)
    shown, start = ("…" if cut else "") + shown[cut:], start - cut + bool(cut)
    if len(shown) > _WIDTH:
        shown = shown[:_WIDTH] + "…"
    clean = "".join(c if c.isprintable() or c == "\t" else "�" for c in shown)
    mark = "".join("\t" if c == "\t" else " " for c in clean[:start]) + "^" if column else ""
    return clean, mark


def _veil(line: str, at: int) -> tuple[str, int]:
    """A line of YAML without what the schema calls secret, and where in it the place `at` has come to be."""
    spans = [match.span("value") for pattern in (_secret_values(), _PASSWORD) for match in pattern.finditer(line)]
    out, end, place = "", 0, at
    for start, stop in sorted(spans):
        if start < end:
            continue
        out += line[end:start] + SECRET_TEXT
        end = stop
        if at >= stop:
            place += len(SECRET_TEXT) - (stop - start)
        elif at > start:
            place -= at - start
    return out + line[end:], place


@cache
def _secret_values() -> re.Pattern[str]:
    return re.compile(_KEY % "|".join(sorted(set(_secret_keys(Document)), key=len, reverse=True)) + _VALUE)


def _secret_keys(section: type[Section], seen: frozenset[type[Section]] = frozenset()) -> Iterator[str]:
    for key, field in section_fields(section).items():
        kind: Kind | None = field.kind
        while kind is not None:
            if isinstance(kind, (SecretKind, type(get_args(SecretUrl)[1]))):
                yield key
            if isinstance(kind, Struct) and kind.cls not in seen:
                yield from _secret_keys(kind.cls, seen | {section, kind.cls})
            kind = getattr(kind, "item", None)
