"""`amtool silence add`, `expire`, `query` and `update`."""

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ampp_cli.account import user_name
from ampp_cli.amtool.alert import sortable
from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.layout import dates, table
from ampp_cli.amtool.session import connected, matcher, named, pairs, warn_of_version
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.client import Query
from ampp_cli.remote.document import encode, items, text
from ampp_cli.remote.operation import DELETE_SILENCE, GET_SILENCE, GET_SILENCES, POST_SILENCES

__all__ = ["add", "expire", "query", "update"]

_OPS: Final = {"=": (True, False), "!=": (False, False), "=~": (True, True), "!~": (False, True)}
"""(isEqual, isRegex) by operator."""


def add(parsed: Parsed) -> int:
    from ampp.core.timestamp import format_millis

    matchers = []
    for word in named(parsed["matcher-groups"], parsed):
        read = matcher(word, parsed)
        equal, regex = _OPS[read.op.value]
        matchers.append({"isEqual": equal, "isRegex": regex, "name": read.name, "value": read.value})
    if not matchers:
        raise Failure("no matchers specified")
    starts = _instant(parsed["start"]) if parsed["start"] else (time.time_ns(), 0)
    ends = _instant(parsed["end"]) if parsed["end"] else (starts[0] + _duration(parsed["duration"]), 0)
    if starts[0] > ends[0]:
        raise Failure("silence cannot start after it ends")
    if parsed["require-comment"] and not parsed["comment"]:
        raise Failure("comment required by config")
    annotations = pairs(parsed["annotation"], parsed, "annotations")
    silence: dict[str, Any] = {"annotations": annotations} if annotations else {}
    silence |= {
        "comment": parsed["comment"] or "",
        "createdBy": user_name() if parsed["author"] is None else parsed["author"],
        "endsAt": format_millis(*ends),
        "matchers": matchers,
        "startsAt": format_millis(*starts),
    }
    with connected(parsed) as remote:
        made = remote.object(POST_SILENCES, remote.call(POST_SILENCES, value=silence))
    sys.stdout.write(text(made, "silenceID") + "\n")
    return 0


def _instant(given: str) -> tuple[int, int]:
    from ampp.core.timestamp import TimestampError, parse_rfc3339

    try:
        return parse_rfc3339(given)
    except TimestampError as error:
        raise Failure(str(error)) from error


def _duration(given: str) -> int:
    from ampp.core.duration import DurationError, parse_prometheus

    try:
        length = parse_prometheus(given)
    except DurationError as error:
        raise Failure(str(error)) from error
    if length == 0:
        raise Failure("silence duration must be greater than 0")
    return length


def expire(parsed: Parsed) -> int:
    if not parsed["silence-ids"]:
        raise Failure("no silence IDs specified")
    with connected(parsed) as remote:
        for identity in parsed["silence-ids"]:
            remote.call(DELETE_SILENCE, silence=identity)
    return 0


def query(parsed: Parsed) -> int:
    asked: Query = [("filter", word) for word in named(parsed["matcher-groups"], parsed)]
    with connected(parsed) as remote:
        silences = remote.fetch_list(GET_SILENCES, asked)
    _show([silence for silence in silences if _wanted(silence, parsed)], parsed)
    return 0


def _wanted(silence: dict[str, Any], parsed: Parsed) -> bool:
    now = datetime.now(UTC)
    ends, soon = sortable(text(silence, "endsAt")), _key(now)
    if ends > soon if parsed["expired"] else ends < soon:
        return False
    seconds = parsed["within"] or 0.0
    within = timedelta(seconds=seconds)
    if seconds > 0 and (ends < _key(now - within) if parsed["expired"] else ends > _key(now + within)):
        return False
    if parsed["created-by"] and text(silence, "createdBy") != parsed["created-by"]:
        return False
    return not parsed["id"] or text(silence, "id") == parsed["id"]


def _key(at: datetime) -> tuple[int, str]:
    return sortable(at.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def update(parsed: Parsed) -> int:
    if not parsed["update-ids"]:
        raise Failure("no silence IDs specified")
    updated: list[dict[str, Any]] = []
    with connected(parsed) as remote:
        for identity in parsed["update-ids"]:
            silence = remote.fetch_object(GET_SILENCE, silence=identity)
            _change(silence, parsed)
            warn_of_version(parsed, remote)
            posted = {name: value for name, value in silence.items() if name not in ("status", "updatedAt")}
            made = remote.object(POST_SILENCES, remote.call(POST_SILENCES, value=posted))
            silence["id"] = text(made, "silenceID")
            updated.append(silence)
    _show(updated, parsed)
    return 0


def _change(silence: dict[str, Any], parsed: Parsed) -> None:
    from ampp.core.timestamp import TimestampError, format_millis, parse_api

    if parsed["start"]:
        silence["startsAt"] = format_millis(*_instant(parsed["start"]))
    if parsed["end"]:
        silence["endsAt"] = format_millis(*_instant(parsed["end"]))
    elif parsed["duration"]:
        try:
            starts, _ = parse_api(text(silence, "startsAt"))
        except TimestampError as error:
            raise Failure(str(error)) from error
        silence["endsAt"] = format_millis(starts + _duration(parsed["duration"]))
    if sortable(text(silence, "startsAt")) > sortable(text(silence, "endsAt")):
        raise Failure("silence cannot start after it ends")
    if parsed["comment"]:
        silence["comment"] = parsed["comment"]


def _show(silences: list[dict[str, Any]], parsed: Parsed) -> None:
    if parsed["quiet"]:
        sys.stdout.write("".join(f"{text(silence, 'id')}\n" for silence in silences))
        return
    form = parsed["output"]
    if form == "json":
        sys.stdout.write(encode(silences) + "\n")
        return
    date = dates(parsed["date.format"])
    silences.sort(key=lambda silence: sortable(text(silence, "endsAt")))
    if form == "simple":
        rows = [["ID", "Matchers", "Ends At", "Created By", "Comment"]]
        rows += [
            [
                text(s, "id"),
                " ".join(_matchers(s)),
                date(text(s, "endsAt")),
                text(s, "createdBy"),
                text(s, "comment"),
            ]
            for s in silences
        ]
    else:
        rows = [["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment"]]
        rows += [
            [
                text(s, "id"),
                "{" + ",".join(_matchers(s)) + "}",
                date(text(s, "startsAt")),
                date(text(s, "endsAt")),
                date(text(s, "updatedAt")),
                text(s, "createdBy"),
                text(s, "comment"),
            ]
            for s in silences
        ]
    sys.stdout.write(table(rows))


def _matchers(silence: dict[str, Any]) -> list[str]:
    from ampp_cli.remote.matcher import shown

    return [shown(given) for given in items(silence, "matchers")]
