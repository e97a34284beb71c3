"""The bodies of Alertmanager's API v2: alerts and silences, read as upstream's generated Go code reads them.

Readers that must agree: the fast ones of `ampp.ingest.compact` for what Prometheus and its kin send, and the careful
one here for anything they do not take, for whatever reason. The careful one alone speaks of errors.

Only shape is judged here; whether an alert makes sense (no labels, ends before it starts) is the engine's business.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

from ampp.core.alert import Alert, PostedAlert
from ampp.core.clock import ZERO
from ampp.core.labels import canonical
from ampp.core.quote import go_quote
from ampp.core.timestamp import TimestampError, parse_api
from ampp.ingest import gojson
from ampp.ingest.compact import read_compact, read_ordered
from ampp.ingest.fault import IngestError, JSONFault
from ampp.ingest.gojson import Pairs, Value, kind
from ampp.ingest.uri import valid_uri

__all__ = [
    "Leniency",
    "decode_alerts",
    "decode_carefully",
    "field",
    "instant",
    "read_body",
    "string",
    "string_map",
    "wrong_type",
]

_T = TypeVar("_T")


def decode_alerts(
    body: bytes, local_offset: int = 0, known: Mapping[bytes, Alert] = MappingProxyType({})
) -> list[PostedAlert]:
    """The alerts of a POST body, in order; `null` is an empty list. `known`: the book, by `Alert.key`.

    `local_offset` (seconds east of UTC) is noted for times the sender left out, which upstream shows in local time.
    Raises `IngestError` exactly where, and with the text with which, upstream's framework layer refuses a body.
    """
    try:
        posts = read_ordered(body, known) or read_compact(body, known, local_offset)
        if posts is None:
            posts = read_compact(msgspec.json.format(body, indent=-1), known, local_offset)
    except (msgspec.DecodeError, UnicodeDecodeError, TimestampError, RecursionError):
        posts = None
    return decode_carefully(body, local_offset) if posts is None else posts


# --- the careful reader ------------------------------------------------------------------------------------------

_BODY: Final = (
    'struct { Annotations models.LabelSet "json:\\"annotations,omitempty\\""; '
    'EndsAt strfmt.DateTime "json:\\"endsAt,omitempty\\""; StartsAt strfmt.DateTime "json:\\"startsAt,omitempty\\"" }'
)
"""How Go names the type upstream reads an alert's own fields into, which its errors show."""


def decode_carefully(body: bytes, local_offset: int = 0) -> list[PostedAlert]:
    """`decode_alerts` without the fast reader: the reference for what a body means."""
    drafts = read_body(body, "alerts", _read_alerts)
    for index, draft in enumerate(drafts):
        if draft is None:
            # Upstream dies on a null alert; this is what its schema would have said.
            raise IngestError(602, f"{index} in body is required")
        if draft.url and not valid_uri(draft.url):
            raise IngestError(601, f"{index}.generatorURL in body must be of type uri: {go_quote(draft.url)}")
        if draft.labels is None:
            raise IngestError(602, f"{index}.labels in body is required")
    return [
        _posted(
            canonical(draft.labels or {}),
            dict(sorted((draft.annotations or {}).items())),
            draft.starts[0],
            draft.starts[1],
            draft.ends[0],
            draft.ends[1],
            draft.url,
            local_offset,
        )
        for draft in drafts
        if draft is not None
    ]


class _Draft(msgspec.Struct):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    starts: tuple[int, int] = (ZERO, 0)
    ends: tuple[int, int] = (ZERO, 0)
    url: str = ""


def _read_alerts(value: Value) -> list[_Draft | None]:
    if value is None:
        return []
    if not isinstance(value, list) or isinstance(value, Pairs):
        raise wrong_type(value, "value of type models.PostableAlerts")
    return [None if item is None else _read_alert(item) for item in value]


def _read_alert(item: Value) -> _Draft:
    """Upstream reads an alert twice, first its own fields and then those it inherits; so the first error is found."""
    if not isinstance(item, Pairs):
        raise wrong_type(item, f"value of type {_BODY}")
    draft = _Draft()
    with Leniency() as lenient:
        for name, value in item:
            match field(name):
                case "annotations":
                    draft.annotations = lenient(string_map, draft.annotations, value, ".annotations")
                case "endsat":
                    draft.ends = instant(draft.ends, value, ".endsAt")
                case "startsat":
                    draft.starts = instant(draft.starts, value, ".startsAt")
    with Leniency() as lenient:
        for name, value in item:
            match field(name):
                case "generatorurl":
                    draft.url = string(draft.url, value, "Alert.generatorURL")
                case "labels":
                    draft.labels = lenient(string_map, draft.labels, value, "Alert.labels")
    return draft


def _posted(
    labels: dict[str, str],
    annotations: dict[str, str],
    starts: int,
    starts_off: int,
    ends: int,
    ends_off: int,
    url: str,
    local_offset: int,
) -> PostedAlert:
    """A start that is not given becomes the end or now: it then takes that one's zone."""
    if ends == ZERO:
        ends_off = local_offset
    if starts == ZERO:
        starts_off = ends_off
    return PostedAlert(labels, annotations, starts, ends, url, starts_off, ends_off)


# --- what both bodies are made of --------------------------------------------------------------------------------


def read_body(body: bytes, name: str, reader: Callable[[Value], Any]) -> Any:
    """Parse and read a body parameter called `name`; raises `IngestError` (602 when there is none, else 400)."""
    if not body.strip(b" \t\r\n"):
        raise IngestError(602, f"{name} in body is required")
    try:
        return reader(gojson.read(body))
    except (JSONFault, TimestampError) as fault:
        raise IngestError(400, f'parsing {name} body from "" failed, because {fault}') from None


class Leniency:
    """Go's two kinds of error inside one object: a plain field of the wrong type is noted and reading goes on, a time
    or URL that cannot be read ends it at once. So the latter is reported even when the former came first.
    """

    def __init__(self) -> None:
        self._first: JSONFault | None = None

    def __enter__(self) -> "Leniency":
        return self

    def __call__(self, read: "Callable[[_T, Value, str], _T]", old: _T, value: Value, where: str) -> _T:
        try:
            return read(old, value, where)
        except JSONFault as fault:
            self._first = self._first or fault
            return old

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._first is not None:
            raise self._first


def field(name: str) -> str:
    """A member name as Go compares it with a field's: without case, under Unicode's simple folding."""
    return name.lower() if name.isascii() else name.replace("ſ", "s").lower()


def wrong_type(value: Value, target: str) -> JSONFault:
    """Go's complaint that a JSON value does not fit what `target` names ("value of type …", "struct field …")."""
    return JSONFault(f"json: cannot unmarshal {kind(value)} into Go {target}")


def string_map(old: dict[str, str] | None, value: Value, where: str) -> dict[str, str] | None:
    """A map field. Written twice, it is merged; `null` forgets what was there; a `null` member is empty."""
    if value is None:
        return None
    if not isinstance(value, Pairs):
        raise wrong_type(value, f"struct field {where} of type models.LabelSet")
    result = {} if old is None else old
    for name, member in value:
        if member is not None and (not isinstance(member, str) or isinstance(member, gojson.Number)):
            raise wrong_type(member, f"struct field {where} of type string")
        result[gojson.text(name)] = "" if member is None else gojson.text(member)
    return result


def string(old: str, value: Value, where: str) -> str:
    """A string field; `null` leaves it alone."""
    if value is None:
        return old
    if not isinstance(value, str) or isinstance(value, gojson.Number):
        raise wrong_type(value, f"struct field {where} of type string")
    return gojson.text(value)


def instant(old: tuple[int, int], value: Value, where: str) -> tuple[int, int]:
    """A time field as (wall nanoseconds, seconds east of UTC); `null` leaves it alone."""
    return old if value is None else parse_api(string("", value, where))
