"""What all receiver entries have in common."""

from typing import Annotated, ClassVar, Self

from ampp.config.globals import Global
from ampp.config.http import HttpOrNone
from ampp.config.kind import Flag
from ampp.config.section import KEEP, Section

__all__ = ["Entry", "HttpEntry", "either", "template"]


class Entry(Section, frozen=True, kw_only=True):
    """One item of a `<type>_configs` list. `send_resolved` says whether the end of an alert is told as well."""

    type: ClassVar[str]
    """The integration's name in metrics, logs and the notification log."""

    send_resolved: Annotated[Flag, KEEP] = True

    def inherit(self, base: Global) -> Self:
        """The entry with the global section's values where its own are unset. Raises `Invalid` when one is missing."""
        raise NotImplementedError


class HttpEntry(Entry, frozen=True, kw_only=True):
    """An entry that speaks HTTP: its own `http_config` replaces the global one whole."""

    http_config: HttpOrNone = None


def either(inline: object, file: str, key: str, missing: str = "") -> str:
    """What is wrong with a value that may be given inline or in a file, or ""."""
    if inline and file:
        return f"at most one of {key} & {key}_file must be configured"
    return missing if not inline and not file else ""


def template(name: str) -> str:
    """The text that calls one of the default templates."""
    return f'{{{{ template "{name}" . }}}}'
