"""What could be typed next: names of labels, or values a label has among what fires now, the most frequent first."""

import re
from collections import Counter
from typing import Final

import msgspec

from ampp.api.reply import JSON, Reply
from ampp.api.visit import Visit
from ampp.core.matcher import Matcher, Op
from ampp.web.filter import PSEUDO
from ampp.web.frame import Room
from ampp.web.survey import STATES, sliced

__all__ = ["suggest"]

_MOST: Final = 30
_LONGEST: Final = 400
_BEGUN: Final = re.compile(r'\s*([^\s=!~<>"]+)\s*(=~|!~|!=|=)\s*"?(.*)', re.DOTALL)
_OPS: Final = {op.value: op for op in Op}


async def suggest(room: Room, visit: Visit) -> Reply:
    """GET /ui/suggest: `q`, the beginning of a token, brings whole tokens; `name` brings values of that label."""
    survey = await room.surveyor.survey()
    name, text = visit.query.last("name"), visit.query.last("q")[:_LONGEST]
    begun = _BEGUN.fullmatch(text)
    if name:
        found = await _values(room, name, "")
    elif begun and begun[1].startswith("@"):
        known = {"@state": (*STATES, "suppressed"), "@receiver": tuple(room.live.plan.receivers)}
        found = [f'{begun[1]}{begun[2]}"{value}"' for value in known.get(begun[1], ()) if begun[3] in value]
    elif begun:
        values = await _values(room, begun[1], begun[3].rstrip('"'))
        op = _OPS[begun[2]] if begun[2] in ("=", "!=") else Op.EQ
        found = [str(Matcher(begun[1], op, value)) for value in values]
    else:
        names: Counter[str] = Counter()

        def count(first: int, last: int) -> None:
            for seen in survey.all[first:last]:
                names.update(seen.alert.labels.keys())

        await sliced(count, len(survey.all))
        wanted = text.strip().casefold()
        found = [f"{each}=" for each, _ in names.most_common() if wanted in each.casefold()]
        found += [f"@{each}" + (">" if each == "age" else "=") for each in PSEUDO if wanted.lstrip("@") in each]
    kept = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
    return Reply(200, msgspec.json.encode(found[:_MOST]), JSON, kept)


async def _values(room: Room, name: str, part: str) -> list[str]:
    survey = await room.surveyor.survey()
    values: Counter[str] = Counter()

    def count(first: int, last: int) -> None:
        values.update(seen.alert.labels.get(name, "") for seen in survey.all[first:last])

    await sliced(count, len(survey.all))
    wanted = part.casefold()
    return [
        value for value, _ in values.most_common() if value and wanted in value.casefold() and len(value) <= _LONGEST
    ]
