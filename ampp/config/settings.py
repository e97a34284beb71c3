"""`ampp.yml`: what Alertmanager's own file and flags have no place for. Every key is optional, and so is the file.

    profile: lite
    storage:
      sync: normal
      max_bytes: 2GiB
      journal_retention: 7d
    history:
      enabled: true
      retention: 30d
      max_bytes: 0
    reload:
      keep_timers: false
    cluster:
      allow_unshared: false
    limits:
      request_bytes: 10MB
      header_bytes: 1MiB
      streams: 256
    network:
      refuse: link-local
    ui:
      label_colours: [cluster, team=*:blue]

The environment overrides the file: `AMPP_` and the path of the key in capitals, joined by underscores, such as
`AMPP_STORAGE_SYNC=full`. An empty variable counts as not set. Sizes are whole numbers of bytes or carry a unit (`kB MB
GB TB` for powers of 1000, `KiB MiB GiB TiB` for powers of 1024); durations are written as in alertmanager.yml; lists
are YAML's, or have commas between.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias

from msgspec.structs import replace

from ampp.config.colour import ColourRule, parse_rules
from ampp.config.decode import FAILED, Decoder, Kind
from ampp.config.error import ConfigError, Fault, Invalid, closest
from ampp.config.node import SCALAR, SEQUENCE, Node, compose, read
from ampp.config.scalar import resolve
from ampp.config.section import Section, Struct, section_fields
from ampp.config.severity import Scale, parse_words
from ampp.core.clock import HOUR
from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.quote import go_quote

__all__ = [
    "ClusterSettings",
    "HistorySettings",
    "LimitSettings",
    "NetworkSettings",
    "ReloadSettings",
    "Settings",
    "SettingsError",
    "StorageSettings",
    "UiSettings",
    "load_settings",
    "parse_size",
    "variables",
]

_UNITS: Final = {
    "": 1,
    "B": 1,
    **{unit: 1000**power for power, unit in enumerate(("kB", "MB", "GB", "TB"), 1)},
    **{unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
}
_SIZE: Final = re.compile(r"([0-9]{1,18}) ?([A-Za-z]*)", re.ASCII)
_LARGEST: Final = 2**63 - 1


class SettingsError(ConfigError):
    """ampp.yml, or a variable that overrides it, cannot be used."""


def parse_size(text: str) -> int:
    """A number of bytes from text such as `10MB`. Raises ValueError with what is wrong."""
    match = _SIZE.fullmatch(text)
    units = {unit.lower(): factor for unit, factor in _UNITS.items()}
    if match is None or match[2].lower() not in units:
        raise ValueError(f"not a valid size: {go_quote(text)}")
    size: int = int(match[1]) * units[match[2].lower()]
    if size > _LARGEST:
        raise ValueError(f"size out of range: {go_quote(text)}")
    return size


def _parse_flag(text: str) -> bool:
    value = resolve(None, text)[1]
    if not isinstance(value, bool):
        raise ValueError(f"not true or false: {go_quote(text)}")
    return value


def _parse_count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise ValueError(f"not a number from 0 to 999999999: {go_quote(text)}")
    return int(text)


class _SettingKind(Kind):
    """A value read from its text, the same way from the file and from the environment."""

    def __init__(self, parse: Callable[[str], Any], hint: str) -> None:
        self.parse = parse
        self.hint = hint
        self.go = "a single value"

    def read(self, d: Decoder, node: Node) -> Any:
        if node.kind is not SCALAR:
            return d.fault(node, "a single value is wanted here", self.hint)
        try:
            return self.parse(node.value)
        except ValueError as error:
            return d.fault(node, str(error), self.hint)


class _ListKind(_SettingKind):
    """A list: in YAML, or as text with commas between."""

    def read(self, d: Decoder, node: Node) -> Any:
        if node.kind is not SEQUENCE:
            return super().read(d, node)
        wrong = next((item for item in node.children if item.kind is not SCALAR or "," in item.value), None)
        if wrong is not None:
            return d.fault(wrong, "plain texts without commas are wanted in this list", self.hint)
        try:
            return self.parse(",".join(item.value for item in node.children))
        except ValueError as error:
            return d.fault(node, str(error), self.hint)


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            near = closest(text, words)
            known = " or ".join(words)
            raise ValueError(f"{go_quote(text)} is not known, write {known}" + (f" ({near}?)" if near else ""))
        return text

    return parse


_Flag: TypeAlias = Annotated[bool, _SettingKind(_parse_flag, "write true or false")]
_Size: TypeAlias = Annotated[int, _SettingKind(parse_size, "write a size such as 10MB or 1GiB")]
_Duration: TypeAlias = Annotated[int, _SettingKind(parse_prometheus, "write a duration such as 12h or 7d")]


_Count: TypeAlias = Annotated[int, _SettingKind(_parse_count, "write a whole number such as 100")]


class _SettingsSection(Section, frozen=True, kw_only=True):
    go: ClassVar[str] = "ampp.yml"
    custom: ClassVar[bool] = False
    null_keeps: ClassVar[bool] = True


class StorageSettings(_SettingsSection, frozen=True, kw_only=True):
    """How state is kept on disk.

    `sync`: `normal` survives a killed process, `full` also a power failure, at the price of one disk flush per group
    of requests. `max_bytes`: the budget of all files together, in bytes; history gives way first. `journal_retention`:
    nanoseconds for which the journal of what happened is kept.
    """

    sync: Annotated[str, _SettingKind(_one_of("normal", "full"), "normal is the default")] = "normal"
    max_bytes: _Size = 2 << 30
    journal_retention: _Duration = 7 * 24 * HOUR


class HistorySettings(_SettingsSection, frozen=True, kw_only=True):
    """What is remembered of the past, beside the journal.

    `enabled`: whether it is at all. `retention`: nanoseconds for which events and notifications are kept. `max_bytes`:
    what the history may take of the storage budget; 0 for three fifths of it.
    """

    enabled: _Flag = True
    retention: _Duration = 30 * 24 * HOUR
    max_bytes: _Size = 0


class ReloadSettings(_SettingsSection, frozen=True, kw_only=True):
    """What a reload leaves alone.

    `keep_timers`: groups whose route, matchers and receiver are unchanged keep their timers. Otherwise, as upstream,
    a reload builds all groups anew; either way nothing already told is told again.
    """

    keep_timers: _Flag = False


class ClusterSettings(_SettingsSection, frozen=True, kw_only=True):
    """`allow_unshared`: start although `--cluster.peer` names others, who would notify a second time."""

    allow_unshared: _Flag = False


class LimitSettings(_SettingsSection, frozen=True, kw_only=True):
    """Sizes of requests in bytes: of a body (`request_bytes`) and of a request's line and headers (`header_bytes`).

    `streams`: how many streams of live events may be open at once.
    """

    request_bytes: _Size = 10_000_000
    header_bytes: _Size = 1 << 20
    streams: _Count = 256


class NetworkSettings(_SettingsSection, frozen=True, kw_only=True):
    """`refuse`: which destinations are not dialled when alerts or a redirect led there (`ampp.deliver.destination`)."""

    refuse: Annotated[str, _SettingKind(_one_of("none", "link-local", "internal"), "link-local is the default")] = (
        "link-local"
    )


_Words: TypeAlias = Annotated[tuple[str, ...], _ListKind(parse_words, "write a list such as [disaster, high]")]


class UiSettings(_SettingsSection, frozen=True, kw_only=True):
    """How the dashboard shows things.

    `critical`, `warning`, `info`: the values of the label `severity` that count to each level, the worst first; what is
    in none of them is shown after all of these. `label_colours`: `ampp.config.colour`.
    """

    critical: _Words = parse_words("emergency,disaster,fatal,critical,crit,page,p1,sev1,error,high,major")
    warning: _Words = parse_words("warning,warn,p2,sev2,minor,medium,average")
    info: _Words = parse_words("info,information,informational,notice,low,p3,sev3,p4,sev4,debug,none")
    label_colours: Annotated[
        tuple[ColourRule, ...], _ListKind(parse_rules, "write a list such as [cluster, team=*:blue, env=prod:pink]")
    ] = ()

    @property
    def scale(self) -> Scale:
        """The words of the levels."""
        return Scale(self.critical, self.warning, self.info)


class Settings(_SettingsSection, frozen=True, kw_only=True):
    """All of ampp.yml. `profile`: `lite`, one process that keeps its state in files of its own."""

    profile: Annotated[str, _SettingKind(_one_of("lite"), "lite is the profile there is, and the default")] = "lite"
    storage: Annotated[StorageSettings, Struct(StorageSettings, pointer=False)] = StorageSettings()
    history: Annotated[HistorySettings, Struct(HistorySettings, pointer=False)] = HistorySettings()
    reload: Annotated[ReloadSettings, Struct(ReloadSettings, pointer=False)] = ReloadSettings()
    cluster: Annotated[ClusterSettings, Struct(ClusterSettings, pointer=False)] = ClusterSettings()
    limits: Annotated[LimitSettings, Struct(LimitSettings, pointer=False)] = LimitSettings()
    network: Annotated[NetworkSettings, Struct(NetworkSettings, pointer=False)] = NetworkSettings()
    ui: Annotated[UiSettings, Struct(UiSettings, pointer=False)] = UiSettings()

    def check(self) -> Self:
        """Refuse what no value of its own kind shows to be wrong. Raises `Invalid`."""
        for name, size in (
            ("storage.max_bytes", self.storage.max_bytes),
            ("limits.request_bytes", self.limits.request_bytes),
            ("limits.header_bytes", self.limits.header_bytes),
        ):
            if size <= 0:
                raise Invalid(f"{name} must be positive", field=name.partition(".")[0])
        if self.storage.journal_retention <= 0:
            raise Invalid("storage.journal_retention must be positive", field="storage")
        if self.history.retention <= 0:
            raise Invalid("history.retention must be positive", field="history")
        try:
            self.ui.scale.checked("ui.")
        except ValueError as error:
            raise Invalid(str(error), field="ui") from None
        return self


_SETTINGS: Final = Struct(Settings, pointer=False)


def load_settings(
    path: str = "", environment: Mapping[str, str] = os.environ, *, text: bytes | None = None
) -> Settings:
    """The settings in force: defaults, then the file at `path` unless that is "", then the environment.

    `text`: what is in the file, if it was read already. Raises `SettingsError`.
    """
    settings = Settings()
    if text is not None:
        settings = _decode(text, path)
    elif path:
        settings = _decode(_read(path), path)
    for name, (section, field) in variables().items():
        value = environment.get(name, "")
        if value:
            settings = _override(settings, name, section, field, value)
    try:
        return settings.check()
    except Invalid as error:
        raise SettingsError(error.message, path) from None


def variables() -> dict[str, tuple[str, str]]:
    """The environment's variables, each with the section ("" at the top) and key it overrides."""
    found: dict[str, tuple[str, str]] = {}
    for key, field in section_fields(Settings).items():
        if isinstance(field.kind, Struct):
            for inner in section_fields(field.kind.cls):
                found[f"AMPP_{key}_{inner}".upper()] = (key, inner)
        else:
            found[f"AMPP_{key}".upper()] = ("", key)
    return found


def _override(settings: Settings, name: str, section: str, key: str, text: str) -> Settings:
    owner = getattr(settings, section) if section else settings
    kind = section_fields(type(owner))[key].kind
    assert isinstance(kind, _SettingKind)
    try:
        value = kind.parse(text)
    except (DurationError, ValueError) as error:
        raise SettingsError(f"{name}: {error}", hint=kind.hint) from None
    changed = replace(owner, **{key: value})
    return replace(settings, **{section: changed}) if section else changed


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return read(file, path)
    except ConfigError as error:
        raise SettingsError(error.message, path, hint=error.hint) from None
    except OSError as error:
        raise SettingsError(f"open {path}: {(error.strerror or str(error)).lower()}", path) from None


def _decode(data: bytes, path: str) -> Settings:
    decoder = Decoder()
    try:
        root = compose(data)
        settings = Settings() if root is None or root.nullish else decoder.read(root, _SETTINGS)
    except Invalid as error:
        raise SettingsError(error.message, path, error.line, error.column, error.hint) from None
    if decoder.faults or settings is FAILED:
        raise _faulty(path, decoder.faults)
    assert isinstance(settings, Settings)
    return settings


def _faulty(path: str, faults: list[Fault]) -> SettingsError:
    text = "\n".join(fault.text + (f" ({fault.hint})" if fault.hint else "") for fault in faults)
    return SettingsError(text, path, faults[0].line, faults[0].column, faults=faults)
