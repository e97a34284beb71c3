"""The page on which a visitor says how pages are to look in his browser."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.config.colour import COLOURS, format_rules, parse_rules
from ampp.config.severity import Scale, parse_words
from ampp.web.frame import Room, see_other
from ampp.web.look import DENSITIES, THEMES, Look, look_of
from ampp.web.survey import sliced

__all__ = ["page", "put"]

_NAMES: Final = 40
_LONGEST: Final = 1200


class _Trouble(msgspec.Struct, frozen=True):
    """What is wrong with what was sent, by field; `words` is all three lists."""

    colours: str = ""
    words: str = ""


_FINE: Final = _Trouble()


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/look."""
    look = look_of(visit)
    scale = look.scale or room.live.settings.ui.scale
    return await _page(room, visit, format_rules(look.rules), {name: ", ".join(it) for name, it in scale.levels()})


async def put(room: Room, visit: Visit, _: str) -> Reply:
    """POST /ui/look."""
    form = visit.form()
    colours = form.last("colours")[: _LONGEST + 1]
    words = {name: form.last(name)[: _LONGEST + 1] for name, _ in Scale().levels()}
    field = "colours"
    try:
        rules = parse_rules(_fit(colours))
        field = "words"
        scale = Scale(**{name: parse_words(_fit(text)) for name, text in words.items()}).checked()
        own = None if scale in (Scale(), room.live.settings.ui.scale) else scale
        theme, density = form.last("theme"), form.last("density")
        look = Look(theme if theme in THEMES else "", density if density in DENSITIES else "", rules, own)
        return see_other("look", (look.cookie(),), done="look")
    except ValueError as error:
        return await _page(room, visit, colours, words, _Trouble(**{field: str(error)}))


def _fit(text: str) -> str:
    if len(text) > _LONGEST:
        raise ValueError(f"longer than {_LONGEST} characters")
    return text


async def _page(room: Room, visit: Visit, colours: str, words: Mapping[str, str], trouble: _Trouble = _FINE) -> Reply:
    survey = await room.surveyor.survey()
    names: Counter[str] = Counter()

    def count(first: int, last: int) -> None:
        for seen in survey.all[first:last]:
            names.update(seen.alert.labels.keys())

    await sliced(count, len(survey.all))
    settings = room.live.settings.ui
    return await room.frame.page(
        visit,
        "look.html",
        title="Look",
        section="",
        status=200 if trouble == _FINE else 400,
        survey=survey,
        text=colours,
        words=words,
        trouble=trouble,
        colours=COLOURS,
        names=[name for name, _ in names.most_common(_NAMES)],
        common=format_rules(settings.label_colours),
        orders=list(settings.scale.levels()),
    )
