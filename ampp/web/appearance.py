"""The page on which a visitor says how pages are to look in his browser."""

from collections import Counter
from typing import Final

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.config.colour import COLOURS, format_rules, parse_rules
from ampp.web.frame import Room, see_other
from ampp.web.look import DENSITIES, THEMES, Look, look_of
from ampp.web.severity import LEVELS
from ampp.web.survey import sliced

__all__ = ["page", "put"]

_NAMES: Final = 40
_LONGEST: Final = 1200


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/look."""
    return await _page(room, visit, format_rules(look_of(visit).rules), "")


async def put(room: Room, visit: Visit, _: str) -> Reply:
    """POST /ui/look."""
    form = visit.form()
    text = form.last("colours")
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"longer than {_LONGEST} characters")
        rules = parse_rules(text)
    except ValueError as error:
        return await _page(room, visit, text[:_LONGEST], str(error))
    theme, density = form.last("theme"), form.last("density")
    look = Look(theme if theme in THEMES else "", density if density in DENSITIES else "", rules)
    return see_other("look", (look.cookie(),), done="look")


async def _page(room: Room, visit: Visit, text: str, error: str) -> Reply:
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
        status=400 if error else 200,
        survey=survey,
        text=text,
        error=error,
        colours=COLOURS,
        names=[name for name, _ in names.most_common(_NAMES)],
        common=format_rules(settings.label_colours),
        orders=tuple(zip(LEVELS, (settings.critical, settings.warning, settings.info), strict=False)),
    )
