"""`amtool silence add`, `expire`, `query` and `update`."""

import sys
import time

from msgspec import UNSET

from ampp.core.clock import SECOND
from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.matcher import Matcher, Op
from ampp.core.timestamp import TimestampError, format_millis, parse_api, parse_rfc3339
from ampp_cli.account import user_name
from ampp_cli.amtool.alert import sortable
from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.layout import dates, table
from ampp_cli.amtool.session import connect, matcher, named, pairs, warn_of_version, worded
from ampp_cli.kingpin import Parsed
from ampp_cli.remote import model
from ampp_cli.remote.client import Query, RemoteError
from ampp_cli.remote.model import Created, Silence, encode
from ampp_cli.remote.operation import DELETE_SILENCE, GET_SILENCE, GET_SILENCES, POST_SILENCES

__all__ = ["add", "expire", "query", "update"]

_OPS = {(True, False): Op.EQ, (False, False): Op.NE, (True, True): Op.RE, (False, True): Op.NRE}


def add(parsed: Parsed) -> int:
    matchers = [_typed(matcher(word, parsed)) for word in named(parsed["matcher-groups"], parsed)]
    if not matchers:
        raise Failure("no matchers specified")
    starts = _instant(parsed["start"]) if parsed["start"] else (time.time_ns(), 0)
    ends = _instant(parsed["end"]) if parsed["end"] else (starts[0] + _duration(parsed["duration"]), 0)
    if starts[0] > ends[0]:
        raise Failure("silence cannot start after it ends")
    if parsed["require-comment"] and not parsed["comment"]:
        raise Failure("comment required by config")
    annotations = pairs(parsed["annotation"], parsed, "annotations")
    silence = Silence(
        annotations=annotations or UNSET,
        comment=parsed["comment"] or "",
        created_by=user_name() if parsed["author"] is None else parsed["author"],
        ends=format_millis(*ends),
        matchers=matchers,
        starts=format_millis(*starts),
    )
    remote = connect(parsed)
    try:
        made = remote.decode(remote.call(POST_SILENCES, body=encode(silence)), Created)
    except RemoteError as error:
        raise Failure(worded(error)) from error
    sys.stdout.write(made.silence_id + "\n")
    return 0


def _instant(text: str) -> tuple[int, int]:
    try:
        return parse_rfc3339(text)
    except TimestampError as error:
        raise Failure(str(error)) from error


def _duration(text: str) -> int:
    try:
        length = parse_prometheus(text)
    except DurationError as error:
        raise Failure(str(error)) from error
    if length == 0:
        raise Failure("silence duration must be greater than 0")
    return length


def _typed(given: Matcher) -> model.Matcher:
    return model.Matcher(
        is_equal=given.op in (Op.EQ, Op.RE), is_regex=given.op in (Op.RE, Op.NRE), name=given.name, value=given.value
    )


def expire(parsed: Parsed) -> int:
    if not parsed["silence-ids"]:
        raise Failure("no silence IDs specified")
    remote = connect(parsed)
    for identity in parsed["silence-ids"]:
        try:
            remote.call(DELETE_SILENCE, silence=identity)
        except RemoteError as error:
            raise Failure(worded(error)) from error
    return 0


def query(parsed: Parsed) -> int:
    asked: Query = [("filter", word) for word in named(parsed["matcher-groups"], parsed)]
    remote = connect(parsed)
    try:
        silences = remote.fetch(GET_SILENCES, list[Silence], asked)
    except RemoteError as error:
        raise Failure(worded(error)) from error
    _show([silence for silence in silences if _wanted(silence, parsed)], parsed)
    return 0


def _wanted(silence: Silence, parsed: Parsed) -> bool:
    now = time.time_ns()
    ends, _ = parse_api(silence.ends or "")
    if ends > now if parsed["expired"] else ends < now:
        return False
    within = int((parsed["within"] or 0) * SECOND)
    if within > 0 and (ends < now - within if parsed["expired"] else ends > now + within):
        return False
    if parsed["created-by"] and silence.created_by != parsed["created-by"]:
        return False
    return not parsed["id"] or silence.id == parsed["id"]


def update(parsed: Parsed) -> int:
    if not parsed["update-ids"]:
        raise Failure("no silence IDs specified")
    remote = connect(parsed)
    updated: list[Silence] = []
    for identity in parsed["update-ids"]:
        try:
            silence = remote.fetch(GET_SILENCE, Silence, silence=identity)
            _change(silence, parsed)
            warn_of_version(parsed, remote)
            state, when = silence.status, silence.updated
            silence.status = silence.updated = UNSET
            made = remote.decode(remote.call(POST_SILENCES, body=encode(silence)), Created)
        except RemoteError as error:
            raise Failure(worded(error)) from error
        silence.id, silence.status, silence.updated = made.silence_id, state, when
        updated.append(silence)
    _show(updated, parsed)
    return 0


def _change(silence: Silence, parsed: Parsed) -> None:
    if parsed["start"]:
        silence.starts = format_millis(*_instant(parsed["start"]))
    if parsed["end"]:
        silence.ends = format_millis(*_instant(parsed["end"]))
    elif parsed["duration"]:
        silence.ends = format_millis(parse_api(silence.starts or "")[0] + _duration(parsed["duration"]))
    if parse_api(silence.starts or "")[0] > parse_api(silence.ends or "")[0]:
        raise Failure("silence cannot start after it ends")
    if parsed["comment"]:
        silence.comment = parsed["comment"]


def _show(silences: list[Silence], parsed: Parsed) -> None:
    if parsed["quiet"]:
        sys.stdout.write("".join(f"{silence.id}\n" for silence in silences))
        return
    form = parsed["output"]
    if form == "json":
        sys.stdout.write(encode(silences).decode() + "\n")
        return
    date = dates(parsed["date.format"])
    silences.sort(key=lambda silence: sortable(silence.ends or ""))
    if form == "simple":
        rows = [["ID", "Matchers", "Ends At", "Created By", "Comment"]]
        rows += [
            [str(s.id), " ".join(_texts(s)), date(s.ends or ""), s.created_by or "", s.comment or ""] for s in silences
        ]
    else:
        rows = [["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment"]]
        rows += [
            [
                str(s.id),
                "{" + ",".join(_texts(s)) + "}",
                date(s.starts or ""),
                date(s.ends or ""),
                date(s.updated if isinstance(s.updated, str) else ""),
                s.created_by or "",
                s.comment or "",
            ]
            for s in silences
        ]
    sys.stdout.write(table(rows))


def _texts(silence: Silence) -> list[str]:
    """The matchers as text; a server without negation tells no `isEqual`."""
    return [str(Matcher(m.name, _OPS[(m.is_equal is not False, m.is_regex)], m.value)) for m in silence.matchers or ()]
