"""The inhibit rules, and what each of them keeps quiet now."""

from typing import Final

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.book import fingerprint
from ampp.core.inhibit import InhibitRule
from ampp.core.labels import fingerprint_hex
from ampp.web.filter import passes
from ampp.web.frame import Room
from ampp.web.survey import Seen, sliced

__all__ = ["page"]

_PAIRS: Final = 20


class Source(msgspec.Struct, frozen=True):
    """An alert that inhibits."""

    name: str
    fingerprint: str
    labels: dict[str, str]


class Shown(msgspec.Struct, frozen=True):
    """A rule, the number of alerts it inhibits now, and some of them with what inhibits them."""

    number: int
    rule: InhibitRule
    count: int
    pairs: tuple[tuple[Seen, Source], ...]


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/inhibitions."""
    survey = await room.surveyor.survey()
    tokens = await room.tokens(visit, survey)
    test = passes(tokens)
    inhibitor = room.live.engine.muting
    rules = room.live.plan.inhibit_rules
    counts = [0] * len(rules)
    pairs: list[list[tuple[Seen, Source]]] = [[] for _ in rules]

    def look(first: int, last: int) -> None:
        for seen in survey.all[first:last]:
            if seen.inhibited_by and test(seen):
                note(seen)

    def note(seen: Seen) -> None:
        inhibition = inhibitor.inhibited_by(seen.alert, survey.wall)
        if inhibition is None or inhibition.rule_index >= len(rules):
            return
        place = inhibition.rule_index
        counts[place] += 1
        if len(pairs[place]) < _PAIRS:
            source = inhibition.source
            name = source.labels.get("alertname", "")
            pairs[place].append((seen, Source(name, fingerprint_hex(fingerprint(source)), source.labels)))

    await sliced(look, len(survey.all))
    shown = [Shown(place + 1, rule, counts[place], tuple(pairs[place])) for place, rule in enumerate(rules)]
    shown.sort(key=lambda each: (each.count == 0, each.number))
    return await room.frame.page(
        visit,
        "inhibitions.html",
        title="Inhibitions",
        section="inhibitions",
        survey=survey,
        tokens=tokens,
        rules=shown,
        total=sum(counts),
    )
