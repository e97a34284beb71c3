"""Receiver types that other packages bring, found by entry points of the group `ampp.receivers`.

The entry point's name is the type: `ntfy` makes `ntfy_configs` known. Its object is a `ReceiverType`. Nothing is looked
for, and no foreign code imported, before a configuration names a list that is not ampp's own; the own ones cannot be
replaced. What goes wrong in foreign code is an error in the configuration that asked for it, never a process's end.
"""

import contextlib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import msgspec

from ampp.config.decode import Decoder
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.node import Node
from ampp.config.receivers.entry import Entry
from ampp.config.section import Sections

__all__ = ["GROUP", "PluginEntries", "ReceiverType", "find"]

GROUP: Final = "ampp.receivers"


class ReceiverType(msgspec.Struct, frozen=True):
    """What a plug-in offers: the schema of one entry, and what makes a sender of it.

    `factory` is called with the entry, the daemon's external URL and the templates, as `ampp.deliver.integrations`
    calls its own; it may block and raises `BuildError`.
    """

    schema: type[Entry]
    factory: Callable[[Any, str, Any], Any]


_loaded: dict[str, ReceiverType] = {}


def find(kind: str) -> ReceiverType | None:
    """The type that a plug-in brings under this name, None if nobody does. Raises `Invalid` when it cannot be used."""
    known = _loaded.get(kind)
    if known is not None:
        return known
    offers = list(entry_points(group=GROUP, name=kind))
    if not offers:
        return None
    if len(offers) > 1:
        names = " and ".join(sorted(_package(offer) for offer in offers))
        raise Invalid(f"receiver type {kind} is offered by several plug-ins: {names}", hint="uninstall all but one")
    known = _loaded[kind] = _load(kind, offers[0])
    return known


def _load(kind: str, offer: EntryPoint) -> ReceiverType:
    failed = f"receiver type {kind}: plug-in {_package(offer)} cannot be used: "
    try:
        found = offer.load()
    except (Exception, SystemExit) as error:
        hint = f"`python -c 'import {offer.module}'` shows where it comes from"
        raise Invalid(f"{failed}{type(error).__name__}: {error}", hint=hint) from error
    if not isinstance(found, ReceiverType):
        raise Invalid(f"{failed}{offer.value} is no ampp.plugin.ReceiverType")
    if not (isinstance(found.schema, type) and issubclass(found.schema, Entry)):
        raise Invalid(f"{failed}its schema is no ampp.plugin.Entry")
    if getattr(found.schema, "type", None) != kind:
        raise Invalid(f"{failed}its schema says that its type is {getattr(found.schema, 'type', 'not known')}")
    return found


def _package(offer: EntryPoint) -> str:
    return f"{offer.dist.name} {offer.dist.version}" if offer.dist is not None else offer.value


class PluginEntries(Sections):
    """A list of entries of a plug-in's type. `Invalid` is all that its code can raise here."""

    def __init__(self, kind: str, schema: type[Entry]) -> None:
        super().__init__(schema, f"[]*{schema.go}", pointer=True)
        self.kind = kind

    def read(self, d: Decoder, node: Node) -> Any:
        try:
            with self._guard():
                return super().read(d, node)
        except Invalid as error:
            if not error.line:
                error.line, error.column = node.line, node.column
            raise

    def inherit(self, entry: Entry, base: Global) -> Entry:
        """`Entry.inherit`, and a trial whether what came of it can be dumped, which happens when nobody can object."""
        with self._guard():
            filled = entry.inherit(base)
            if not isinstance(filled, self.item.cls):
                raise TypeError(f"inherit answers a {type(filled).__name__}")
            super().tree((filled,))
            return filled

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (Invalid, RecursionError):
            raise
        except Exception as error:
            raise Invalid(f"receiver type {self.kind}: its plug-in failed: {type(error).__name__}: {error}") from error
