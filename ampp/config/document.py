"""`alertmanager.yml` as a whole: loading, the checks that need all of it, paths, dump and hash.

Theory of operation. `load` takes text to a `Config` in four steps, whose order decides which of several mistakes a
user hears of, as upstream: the YAML is read; sections are decoded in the order of the document, the first failed check
ending it; collected faults are reported together; then the whole is checked in a fixed order, receivers first, filling
entries from `global` on the way. Nothing but `ConfigError` leaves it.
"""

import hashlib
from functools import cached_property
from os.path import dirname
from typing import Annotated, Any, Final

import msgspec
from msgspec.structs import replace

from ampp.config.decode import FAILED, Decoder
from ampp.config.emit import emit
from ampp.config.error import ConfigError, Fault, Invalid, closest
from ampp.config.event_recorder import EventRecorderSection
from ampp.config.globals import Global, check_global
from ampp.config.http import join
from ampp.config.intervals import IntervalSection, MuteIntervalSection
from ampp.config.kind import Strings
from ampp.config.node import Node, compose, read
from ampp.config.receiver import ReceiverSection
from ampp.config.receivers import CHECK, Entry
from ampp.config.routing import InhibitSection, RouteSection
from ampp.config.section import KEEP, Section, Sections, Struct
from ampp.config.tracing import TracingSection
from ampp.core.matcher import Mode
from ampp.core.quote import go_quote

__all__ = ["Config", "Document", "load", "load_file"]

_NULLS_REFUSED: Final = "missing {} config"


class Document(Section, frozen=True, kw_only=True):
    """The top-level keys, in the order of the dump."""

    global_: Annotated[Global | None, Struct(Global, outer="*config.GlobalConfig")] = None
    route: Annotated[RouteSection | None, Struct(RouteSection, outer="*config.Route")] = None
    inhibit_rules: Annotated[tuple[InhibitSection, ...], Sections(InhibitSection, "[]common.InhibitRule")] = ()
    receivers: Annotated[tuple[ReceiverSection, ...], Sections(ReceiverSection, "[]config.Receiver")] = ()
    templates: Annotated[Strings, KEEP] = ()
    mute_time_intervals: Annotated[
        tuple[MuteIntervalSection, ...], Sections(MuteIntervalSection, "[]config.MuteTimeInterval")
    ] = ()
    time_intervals: Annotated[tuple[IntervalSection, ...], Sections(IntervalSection, "[]config.TimeInterval")] = ()
    tracing: Annotated[TracingSection, Struct(TracingSection, pointer=False, outer="tracing.TracingConfig")] = (
        TracingSection(client_type="")
    )
    event_recorder: Annotated[EventRecorderSection, Struct(EventRecorderSection, pointer=False)] = (
        EventRecorderSection()
    )


_DOCUMENT: Final = Struct(Document, pointer=False)


class Config(msgspec.Struct, frozen=True, dict=True):
    """A checked configuration. `text` is the file as read, `file` its path or "", `warnings` what to tell but allow.

    In `document` the global section is present, entries have inherited, relative paths are joined.
    """

    text: bytes
    file: str
    mode: Mode
    document: Document
    warnings: tuple[str, ...]

    @property
    def base(self) -> Global:
        """The global section."""
        assert self.document.global_ is not None
        return self.document.global_

    @property
    def route(self) -> RouteSection:
        """The root route as written."""
        assert self.document.route is not None
        return self.document.route

    @property
    def receivers(self) -> tuple[ReceiverSection, ...]:
        """The receivers in the order of the file."""
        return self.document.receivers

    @cached_property
    def _by_name(self) -> dict[str, ReceiverSection]:
        return {receiver.name: receiver for receiver in self.document.receivers}

    def entry(self, receiver: str, kind: str, idx: int) -> Entry:
        """The entry an integration of the plan stands for. Raises LookupError when there is none."""
        return self._by_name[receiver].of_type(kind)[idx]

    def original(self) -> str:
        """The configuration as upstream's API shows it: complete, in normal form, secrets hidden."""
        return self._dumped

    @cached_property
    def _dumped(self) -> str:
        return emit(_DOCUMENT.tree(self.document))

    @cached_property
    def hash(self) -> int:
        """Upstream's alertmanager_config_hash: 48 bits of the MD5 of the file."""
        return int.from_bytes(hashlib.md5(self.text, usedforsecurity=False).digest()[:6], "little")


def load_file(path: str, mode: Mode = Mode.FALLBACK) -> Config:
    """Load the file at `path`. Raises `ConfigError`, also for a file that cannot be read."""
    try:
        with open(path, "rb") as file:
            text = read(file, path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"open {path}: {reason}", file=path) from None
    return load(text, mode, path)


def load(text: str | bytes, mode: Mode = Mode.FALLBACK, file: str = "") -> Config:
    """Load a configuration from its text; with `file`, relative paths are joined to its directory.

    Raises `ConfigError`.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    decoder = Decoder(mode)
    try:
        root = compose(data)
        document = Document() if root is None else _decode(decoder, root)
        if root is not None and not root.nullish:
            document = _check(decoder, document)
        if document.route is None:
            raise Invalid("no route provided in config", hint="add a route section with a receiver")
        if document.route.continue_:
            raise _at(decoder, Invalid("cannot have continue in root route", field="continue"), document.route)
    except Invalid as error:
        raise ConfigError(error.message, file, error.line, error.column, error.hint) from None
    except _Faulty as error:
        first = error.faults[0]
        lines = "\n  ".join(fault.text for fault in error.faults)
        message = f"yaml: unmarshal errors:\n  {lines}"
        raise ConfigError(message, file, first.line, first.column, first.hint, error.faults) from None
    if file:
        document = _under(document, dirname(file) or ".")
    return Config(text=data, file=file, mode=mode, document=document, warnings=tuple(decoder.warnings))


class _Faulty(Exception):
    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults


def _decode(decoder: Decoder, root: Node) -> Document:
    document: Any = decoder.read(root, _DOCUMENT)
    if document is FAILED or decoder.faults:
        raise _Faulty(decoder.faults)
    assert isinstance(document, Document)
    return document


def _at(decoder: Decoder, error: Invalid, section: object) -> Invalid:
    """The same error standing where `section` was read."""
    known = decoder.where.get(id(section))
    if known is not None and not error.line:
        spot = known[0].at(error.field) if error.field else known[0]
        error.line, error.column = spot.line, spot.column
    return error


def _check(decoder: Decoder, document: Document) -> Document:
    """Upstream's checks of the whole, in upstream's order; the answer has every entry filled from `global`."""
    base = document.global_ or Global()
    try:
        check_global(base)
    except Invalid as error:
        raise _at(decoder, error, base) from None
    receivers, base = _inherit(decoder, document.receivers, base)
    root = document.route
    if root is None:
        raise Invalid("no routes provided", hint="add a route section with a receiver")
    try:
        _check_root(root)
        _check_routes(decoder, document, root)
    except Invalid as error:
        raise _at(decoder, error, root) from None
    return replace(document, global_=base, receivers=receivers)


def _inherit(
    decoder: Decoder, receivers: tuple[ReceiverSection, ...], base: Global
) -> tuple[tuple[ReceiverSection, ...], Global]:
    names: set[str] = set()
    filled = []
    for receiver in receivers:
        if receiver.name in names:
            message = f"notification config name {go_quote(receiver.name)} is not unique"
            raise _at(decoder, Invalid(message, field="name"), receiver)
        names.add(receiver.name)
        changes: dict[str, Any] = {}
        for kind in (*CHECK, *receiver.plugged_types()):
            entries = receiver.of_type(kind)
            if not entries:
                continue
            done = []
            for entry in entries:
                if entry is None:
                    message = _NULLS_REFUSED.format(kind)
                    raise _at(decoder, Invalid(message, field=kind + "_configs"), receiver)
                try:
                    done.append(_inherited(receiver, kind, entry, base))
                except Invalid as error:
                    raise _at(decoder, error, entry) from None
            changes[kind] = tuple(done)
            base = _slashed(base, kind, entries)
        filled.append(receiver.with_entries(changes) if changes else receiver)
    return tuple(filled), base


def _inherited(receiver: ReceiverSection, kind: str, entry: Entry, base: Global) -> Entry:
    plugged = receiver.foreign(kind + "_configs") if kind + "_configs" in receiver.plugged else None
    return entry.inherit(base) if plugged is None else plugged.inherit(entry, base)


def _slashed(base: Global, kind: str, entries: tuple[Entry, ...]) -> Global:
    """Upstream appends the slash to the URL object that entries share with the global section, so that shows it too."""
    key = kind + "_api_url"
    if kind in ("opsgenie", "wechat", "victorops") and any(
        getattr(entry, "api_url", None) is None for entry in entries
    ):
        return replace(base, **{key: getattr(base, key).with_slash()})
    return base


def _check_root(root: RouteSection) -> None:
    if not root.receiver:
        raise Invalid("root route must specify a default receiver")
    if root.match or root.match_re or root.matchers:
        raise Invalid("root route must not have any matchers", hint="put them on a route below it")
    if root.mute_time_intervals:
        raise Invalid("root route must not have any mute time intervals", field="mute_time_intervals")
    if root.active_time_intervals:
        raise Invalid("root route must not have any active time intervals", field="active_time_intervals")


def _check_routes(decoder: Decoder, document: Document, root: RouteSection) -> None:
    known = {receiver.name for receiver in document.receivers}
    for route, _ in root.walk_up():
        if route.receiver and route.receiver not in known:
            error = Invalid(f"undefined receiver {go_quote(route.receiver)} used in route", field="receiver")
            error.hint = _meant(route.receiver, known)
            raise _at(decoder, error, route)
    intervals: set[str] = set()
    for interval in document.mute_time_intervals + document.time_intervals:
        if interval.name in intervals:
            what = "mute time interval" if isinstance(interval, MuteIntervalSection) else "time interval"
            message = f"{what} {go_quote(interval.name)} is not unique"
            raise _at(decoder, Invalid(message, field="name"), interval)
        intervals.add(interval.name)
    for route, _ in root.walk_up():
        for field in ("active_time_intervals", "mute_time_intervals"):
            for name in getattr(route, field):
                if name not in intervals:
                    error = Invalid(f"undefined time interval {go_quote(name)} used in route", field=field)
                    error.hint = _meant(name, intervals)
                    raise _at(decoder, error, route)


def _meant(name: str, known: set[str]) -> str:
    near = closest(name, sorted(known))
    return f"did you mean {near}?" if near else ""


def _under(document: Document, directory: str) -> Document:
    """The document with its relative paths joined to the directory of its file."""
    base = document.global_
    if base is not None and base.http_config is not None:
        base = replace(base, http_config=base.http_config.under(directory))
    return replace(
        document,
        global_=base,
        templates=tuple(join(directory, pattern) for pattern in document.templates),
        receivers=tuple(_moved(receiver, directory) for receiver in document.receivers),
        event_recorder=document.event_recorder.under(directory),
    )


def _moved(receiver: ReceiverSection, directory: str) -> ReceiverSection:
    changes: dict[str, Any] = {}
    for kind in (*CHECK, *receiver.plugged_types()):
        entries = receiver.of_type(kind)
        # incident.io's http_config is the one upstream forgets to join.
        if not entries or kind in ("email", "incidentio"):
            continue
        moved = tuple(_moved_entry(entry, directory) for entry in entries)
        if any(new is not old for new, old in zip(moved, entries, strict=True)):
            changes[kind] = moved
    return receiver.with_entries(changes) if changes else receiver


def _moved_entry(entry: Entry, directory: str) -> Entry:
    http = getattr(entry, "http_config", None)
    if http is None or (joined := http.under(directory)) is http:
        return entry
    return replace(entry, http_config=joined)
