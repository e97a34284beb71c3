"""What differs between two configurations that took effect: in routes, receivers and rules, and in the text.
Secrets are not recorded, so a change of one alone does not show."""

from collections.abc import Sequence
from difflib import unified_diff
from typing import Final

import msgspec

from ampp import config
from ampp.config import ConfigError
from ampp.config.difference import Difference, compare
from ampp.core.matcher import Mode
from ampp.history.version import Version

__all__ = ["Revision", "before", "revision"]

_LINES: Final = 20_000
_SHOWN: Final = 2_000


class Revision(msgspec.Struct, frozen=True):
    """From one version, which may be None, to another. `lines`: what differs in the text, as a unified diff without its
    head; `cut`: how many more there are. `trouble`: why nothing is told of what the difference means."""

    old: Version | None
    new: Version
    difference: Difference | None
    lines: tuple[str, ...]
    cut: int
    trouble: str


def before(found: Sequence[Version], new: Version) -> Version | None:
    """Of versions, newest first, the last before this one that has another text; if there is none, the one before."""
    earlier = [version for version in found if version.number < new.number]
    return next((version for version in earlier if version.text != new.text), next(iter(earlier), None))


def revision(old: Version | None, new: Version, left: str | None, right: str | None, mode: Mode) -> Revision:
    """What there is to tell; `left` and `right` are their texts, None where it is no longer kept. Takes a while: for a
    thread."""
    if old is None:
        return Revision(None, new, None, (), 0, "there is none before it")
    if left is None or right is None:
        return Revision(old, new, None, (), 0, "the text is no longer kept")
    changes = list(unified_diff(left.splitlines()[:_LINES], right.splitlines()[:_LINES], n=3, lineterm=""))[2:]
    difference, trouble = None, ""
    try:
        difference = compare(config.load(left, mode), config.load(right, mode))
    except ConfigError as error:
        trouble = f"one of them cannot be read as it was recorded: {error.message}"
    return Revision(old, new, difference, tuple(changes[:_SHOWN]), max(0, len(changes) - _SHOWN), trouble)
