"""A silence as somebody fills it in: from an alert, a filter, another silence or the form itself, and what is wrong."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ampp.api.query import Query
from ampp.core.clock import MICROSECOND, MINUTE, SECOND, ZERO
from ampp.core.duration import DurationError, format_prometheus, parse_prometheus
from ampp.core.matcher import Matcher, MatcherError, Op, make_matcher
from ampp.core.silence import Silence, SilenceDraft
from ampp.web.survey import Seen

__all__ = ["PRESETS", "Draft", "from_alerts", "from_form", "from_matchers", "from_silence", "local", "matchers_in"]

PRESETS: Final = ("1h", "2h", "4h", "8h", "1d", "3d", "7d")
"""Durations to choose from."""

_MATCHERS: Final = 60
_TEXT: Final = 4096
_ALTERNATIVES: Final = 60
_OPS: Final = {op.value: op for op in Op}
_SPECIAL: Final = frozenset("\\.+*?()|[]{}^$")


class Draft(msgspec.Struct, kw_only=True):
    """The form's fields as texts. `hold` is a preset or `custom`; then `starts`, `duration` and `ends` count.

    `zone`: the IANA name of the zone that `starts` and `ends` are in. `updated`: when the silence being edited was last
    changed, as its editor saw it. `errors`: what is wrong, by field.
    """

    id: str = ""
    updated: str = ""
    rows: list[tuple[str, str, str]] = msgspec.field(default_factory=list)
    hold: str = "2h"
    starts: str = ""
    duration: str = ""
    ends: str = ""
    zone: str = "UTC"
    author: str = ""
    comment: str = ""
    errors: dict[str, str] = msgspec.field(default_factory=dict)

    def checked(self, wall: int, annotations: dict[str, str]) -> SilenceDraft | None:
        """The silence, or None when `errors` say why not."""
        matchers = matchers_in(self.rows, self.errors)
        if not matchers and "matchers" not in self.errors:
            self.errors["matchers"] = "at least one matcher is needed"
        starts, ends = self._span(wall)
        if not self.author.strip():
            self.errors["author"] = "who are you?"
        if not self.comment.strip():
            self.errors["comment"] = "say why, for those who wonder later"
        if self.errors:
            return None
        return SilenceDraft(
            id=self.id or None,
            matcher_sets=(matchers,),
            starts=starts,
            ends=ends,
            created_by=self.author.strip(),
            comment=self.comment.strip(),
            annotations=annotations,
        )

    def _span(self, wall: int) -> tuple[int, int]:
        starts = ends = ZERO
        if self.starts.strip() and self.hold == "custom":
            starts = self._instant("starts", self.starts)
        begin = wall if starts == ZERO else starts
        length = self.hold if self.hold != "custom" else self.duration.strip().replace(" ", "")
        if length:
            try:
                ends = begin + parse_prometheus(length)
            except DurationError as error:
                self.errors["duration"] = str(error)
        elif self.ends.strip():
            ends = self._instant("ends", self.ends)
        else:
            self.errors["ends"] = "say how long, or until when"
        if ends != ZERO and not self.errors.keys() & {"starts", "ends", "duration"}:
            if ends <= begin:
                self.errors["ends"] = "the end must come after the start"
            elif ends <= wall:
                self.errors["ends"] = "the end lies in the past"
        return starts, ends

    def _instant(self, field: str, text: str) -> int:
        try:
            moment = datetime.fromisoformat(text.strip())
            zone = ZoneInfo(self.zone) if self.zone != "UTC" else UTC
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone)
            return int(moment.timestamp()) * SECOND
        except (ValueError, OverflowError, OSError):
            self.errors[field] = "not a date and time such as 2026-11-27 09:00"
            return ZERO


def local(wall: int, zone: str = "UTC") -> str:
    """An instant as a `datetime-local` field has it."""
    return datetime.fromtimestamp(wall / SECOND, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def matchers_in(rows: Iterable[tuple[str, str, str]], errors: dict[str, str]) -> tuple[Matcher, ...]:
    """The matchers of the form's rows; rows left empty do not count. What cannot be read goes to `errors`."""
    found = []
    for place, (name, op, value) in enumerate(rows):
        if not name.strip():
            if value:
                errors[f"row{place}"] = errors["matchers"] = "a matcher needs the name of a label"
            continue
        try:
            found.append(make_matcher(name.strip(), _OPS[op], value))
        except MatcherError as error:
            errors[f"row{place}"] = errors["matchers"] = str(error)
    return tuple(found)


def from_form(form: Query) -> Draft:
    """The fields as they were sent, cut to size."""
    names, ops, values = form.all("name"), form.all("op"), form.all("value")
    rows = [
        (name[:_TEXT], op if op in _OPS else "=", value[:_TEXT])
        for name, op, value in list(zip(names, ops, values, strict=False))[:_MATCHERS]
    ]
    hold = form.last("hold")
    zone = form.last("zone")[:64]
    try:
        ZoneInfo(zone or "UTC")
    except (ValueError, OSError):
        zone = "UTC"
    return Draft(
        id=form.last("id")[:64],
        updated=form.last("updated")[:32],
        rows=rows,
        hold=hold if hold in PRESETS else "custom",
        starts=form.last("starts")[:32],
        duration=form.last("duration")[:32],
        ends=form.last("ends")[:32],
        zone=zone or "UTC",
        author=form.last("author")[:_TEXT],
        comment=form.last("comment")[:_TEXT],
    )


def from_matchers(matchers: Iterable[Matcher]) -> Draft:
    """A new silence with these."""
    return Draft(rows=[(matcher.name, matcher.op.value, matcher.value) for matcher in matchers])


def from_silence(silence: Silence, *, anew: bool) -> Draft:
    """To change a silence, or with `anew` to make another like it."""
    draft = from_matchers(silence.matcher_sets[0] if silence.matcher_sets else ())
    draft.author, draft.comment = silence.created_by, silence.comment
    if anew:
        length = silence.ends - silence.starts
        whole = max(MINUTE, length // MINUTE * MINUTE)
        text = format_prometheus(whole)
        draft.hold = text if text in PRESETS else "custom"
        draft.duration = "" if text in PRESETS else text
        return draft
    draft.id, draft.updated = silence.id, str(silence.updated // MICROSECOND)
    draft.hold = "custom"
    draft.starts, draft.ends = local(silence.starts), local(silence.ends)
    return draft


def from_alerts(seen: Sequence[Seen]) -> Draft:
    """A silence for just these: labels on which they agree, and alternatives of those all have but differ in."""
    if not seen:
        return Draft(rows=[("", "=", "")])
    common = set(seen[0].alert.labels)
    for one in seen[1:]:
        common &= set(one.alert.labels)
    rows = []
    for name in sorted(common, key=lambda name: (name != "alertname", name)):
        values = list(dict.fromkeys(one.alert.labels[name] for one in seen))
        if len(values) == 1:
            rows.append((name, "=", values[0]))
        elif len(values) <= _ALTERNATIVES:
            rows.append((name, "=~", "|".join(map(_quoted, values))))
    return Draft(rows=rows or [("", "=", "")])


def _quoted(text: str) -> str:
    """The text as a regular expression that matches only it."""
    return "".join("\\" + character if character in _SPECIAL else character for character in text)
