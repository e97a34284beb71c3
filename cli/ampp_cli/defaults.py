"""What users need not type each time: files of flag names and values, for amtool and for `ampp`.

A file is a YAML mapping of long flag names to values. Of several files, the first that has a key decides. amtool reads
its own two files first, `ampp` its own.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

__all__ = ["KNOWN", "DefaultsError", "ampp_defaults", "amtool_defaults"]

_LEGACY: Final = {"comment_required": "require-comment"}
_AMTOOL: Final = (".config/amtool/config.yml", "/etc/amtool/config.yml")
_AMPP: Final = (".config/ampp/config.yml", "/etc/ampp/config.yml")

# What most such files consist of, and any YAML reader takes alike: no need to wake a real one.
_PLAIN: Final = (
    r"(?:[ \t]*(?:#[^\n]*)?\n|([A-Za-z][A-Za-z0-9_.-]*):[ ]+"
    r"(?:(?!(?:null|Null|NULL)[ \t]*(?:\n|\Z))([A-Za-z0-9/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*)"
    r"|\"([^\"\\\n]*)\"|'([^'\n]*)')[ \t]*(?:\n|\Z))"
)


class DefaultsError(Exception):
    """A file that cannot be used; the text is amtool's."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def amtool_defaults() -> Mapping[str, str]:
    """Values by flag name, as amtool is to see them. Raises DefaultsError."""
    return _read(_AMTOOL + _AMPP)


def ampp_defaults() -> Mapping[str, str]:
    """Values by flag name, as `ampp` is to see them. Raises DefaultsError."""
    return _read(_AMPP + _AMTOOL)


KNOWN: Final[dict[tuple[str, ...], dict[str, str]]] = {}
"""What files said that were read."""


def _read(files: tuple[str, ...]) -> dict[str, str]:
    if files in KNOWN:
        return KNOWN[files]
    found: dict[str, str] = {}
    for file in files:
        path = file if file.startswith("/") else f"{os.environ.get('HOME', '')}/{file}"
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as opened:
                values = _mapping(path, opened.read())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            if not os.path.exists(path):  # a folder on the way may not be entered: upstream's Stat fails, too
                continue
            raise DefaultsError(path, f"open {path}: {why}") from error
        for key, value in values.items():
            if key in _LEGACY:
                key = _LEGACY[key]
                if key in values:
                    continue
            found.setdefault(key, value)
    KNOWN[files] = found
    return found


def _mapping(path: str, text: str) -> dict[str, str]:
    import re

    values: dict[str, str] = {}
    plain = re.compile(_PLAIN)
    at = 0
    while at < len(text):
        match = plain.match(text, at)
        if match is None or match[1] in values:
            return _yaml(path, text)
        if match[1] is not None:
            values[match[1]] = match[match.lastindex or 2]
        at = match.end()
    return values


def _yaml(path: str, text: str) -> dict[str, str]:
    from typing import get_args

    from ampp.config.decode import FAILED, Decoder
    from ampp.config.error import Invalid
    from ampp.config.kind import TextMap
    from ampp.config.node import compose

    decoder = Decoder()
    try:
        root = compose(text.encode("utf-8", "surrogateescape"))
        values = {} if root is None else decoder.read(root, get_args(TextMap)[1])
    except Invalid as error:
        raise DefaultsError(path, error.message) from error
    if values is FAILED or decoder.faults:
        lines = "\n  ".join(fault.text for fault in decoder.faults)
        raise DefaultsError(path, f"yaml: unmarshal errors:\n  {lines}")
    return dict(values)
