"""Data to try templates on: amtool's own, and what a user gives as JSON."""

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from ampp.core.clock import MINUTE
from ampp.core.timestamp import TimestampError, parse_rfc3339
from ampp.template.data import FIRING, RESOLVED, Alert, Data, written
from ampp.template.instant import ZERO_NS, Instant

__all__ = ["DataError", "read", "sample"]


class DataError(ValueError):
    """The JSON is not data of a notification; the message is Go's where Go has one."""


def sample(now: Instant) -> Data:
    """The data that `amtool template render` uses when it is given none: one alert firing, one resolved."""

    def at(minutes: int) -> Instant:
        span = minutes * MINUTE
        return Instant(now.ns + span, now.zone, None if now.mono is None else now.mono + span)

    labels, annotations = _numbered("commonlabel"), _numbered("commonannotation")
    return Data(
        receiver="receiver",
        status="alertstatus",
        alerts=(
            Alert(
                status=FIRING,
                labels={**labels, "instance": "foo.bar:1234", "label1": "value1", "label2": "value2"},
                annotations={"annotation1": "value1", "annotation2": "value2", **annotations},
                starts_at=at(-5),
                ends_at=at(5),
                generator_url="https://generatorurl.com",
                fingerprint="fingerprint1",
            ),
            Alert(
                status=RESOLVED,
                labels={"baz": "qux", **labels, "foo": "bar"},
                annotations={"aaa": "bbb", "ccc": "ddd", **annotations},
                starts_at=at(-10),
                ends_at=now,
                generator_url="https://generatorurl.com",
                fingerprint="fingerprint2",
            ),
        ),
        notification_reason="",
        group_labels=_numbered("grouplabel"),
        common_labels=labels,
        common_annotations=annotations,
        route_labels=None,
        external_url="https://example.com",
        raw=True,
    )


def _numbered(what: str) -> dict[str, str]:
    return {f"{what}key{n}": f"{what}value{n}" for n in (1, 2)}


def read(text: bytes) -> Data:
    """Data from the JSON of a notification, read as Go reads it: names in any case, what is absent or null is unset.

    Raises `DataError`.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(str(error)) from None
    fields = _object(value, "Data")
    alerts = fields.get("alerts")
    if alerts is not None and not isinstance(alerts, list):
        _refuse(alerts, "Data.alerts", "template.Alerts")
    return Data(
        receiver=_text(fields, "Data", "receiver"),
        status=_text(fields, "Data", "status"),
        alerts=None if alerts is None else tuple(_alert(_object(alert, "Data.alerts")) for alert in alerts),
        notification_reason=_text(fields, "Data", "notification_reason"),
        group_labels=_pairs(fields, "Data", "groupLabels"),
        common_labels=_pairs(fields, "Data", "commonLabels"),
        common_annotations=_pairs(fields, "Data", "commonAnnotations"),
        route_labels=_pairs(fields, "Data", "routeLabels"),
        external_url=_text(fields, "Data", "externalURL"),
        raw=True,
    )


def _alert(fields: Mapping[str, Any]) -> Alert:
    return Alert(
        status=_text(fields, "Data.alerts", "status"),
        labels=_pairs(fields, "Data.alerts", "labels"),
        annotations=_pairs(fields, "Data.alerts", "annotations"),
        starts_at=_time(fields, "startsAt"),
        ends_at=_time(fields, "endsAt"),
        generator_url=_text(fields, "Data.alerts", "generatorURL"),
        fingerprint=_text(fields, "Data.alerts", "fingerprint"),
    )


_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "bool"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def _refuse(value: Any, field: str, wanted: str) -> NoReturn:
    kind = next((name for type_, name in _KINDS if isinstance(value, type_)), "number")
    raise DataError(f"json: cannot unmarshal {kind} into Go struct field {field} of type {wanted}")


def _object(value: Any, where: str) -> dict[str, Any]:
    """An object's members by lower-case name, the last of several winning; nothing for null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        _refuse(value, where, "template.Data" if where == "Data" else "template.Alert")
    return _Members({name.lower(): member for name, member in value.items()})


class _Members(dict[str, Any]):
    """Looked up without regard to case."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def _text(fields: Mapping[str, Any], where: str, name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else _refuse(value, f"{where}.{name}", "string")


def _pairs(fields: Mapping[str, Any], where: str, name: str) -> dict[str, str] | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        _refuse(value, f"{where}.{name}", "template.KV")
    return {key: _text(value, f"{where}.{name}", key) for key in value}


def _time(fields: Mapping[str, Any], name: str) -> Instant:
    value = fields.get(name)
    if value is None:
        return Instant(ZERO_NS)
    if not isinstance(value, str):
        raise DataError("Time.UnmarshalJSON: input is not a JSON string")
    try:
        ns, offset = parse_rfc3339(value)
    except TimestampError as error:
        raise DataError(str(error)) from None
    return written(ns, offset)
