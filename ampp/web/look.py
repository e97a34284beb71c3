"""How a visitor wants the pages to look. His browser keeps it, in a cookie, so that it holds without scripts too."""

from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlencode

import msgspec

from ampp.api.visit import Visit
from ampp.config.colour import ColourRule, format_rules, parse_rules
from ampp.config.severity import Scale, parse_words
from ampp.web.hue import Palette

__all__ = ["DENSITIES", "KEPT", "THEMES", "Look", "look_of"]

THEMES: Final = ("light", "dark")
DENSITIES: Final = ("compact", "wall")
KEPT: Final = "ampp-look"

_LONGEST: Final = 3800
_YEAR: Final = 365 * 86_400


class Look(msgspec.Struct, frozen=True):
    """`theme` and `density` are "" for what the system says, and for the ordinary one. `rules`: labels' colours beyond
    those that the daemon's settings give. `scale`: the severities' words, None for those of the settings."""

    theme: str = ""
    density: str = ""
    rules: tuple[ColourRule, ...] = ()
    scale: Scale | None = None

    def palette(self, common: tuple[ColourRule, ...]) -> Palette:
        """The colours of labels: the daemon's rules, and over them one's own."""
        return Palette((*common, *self.rules))

    def cookie(self) -> tuple[str, str]:
        """The header that makes the browser keep it. Raises ValueError where it is more than a browser keeps."""
        fields = {"theme": self.theme, "density": self.density, "colours": format_rules(self.rules)}
        if self.scale is not None:
            fields |= {name: ",".join(words) for name, words in self.scale.levels()}
        text = urlencode({name: value for name, value in fields.items() if value})
        if len(text) > _LONGEST:
            raise ValueError("all of it together is more than a browser keeps: write less")
        return "Set-Cookie", f"{KEPT}={text}; Path=/; Max-Age={_YEAR}; SameSite=Lax"


def look_of(visit: Visit) -> Look:
    """What the browser kept; whatever of it makes no sense counts as not chosen."""
    try:
        morsel = SimpleCookie(visit.headers.get("cookie", "")).get(KEPT)
    except CookieError:
        morsel = None
    if morsel is None or len(morsel.value) > _LONGEST:
        return Look()
    fields = {name: values[-1] for name, values in parse_qs(morsel.value, max_num_fields=9).items()}
    theme, density = fields.get("theme", ""), fields.get("density", "")
    try:
        rules = parse_rules(fields.get("colours", ""))
    except ValueError:
        rules = ()
    try:
        words = Scale(**{name: parse_words(fields[name]) for name, _ in Scale().levels() if name in fields}).checked()
    except ValueError:
        words = Scale()
    scale = None if words == Scale() else words
    return Look(theme if theme in THEMES else "", density if density in DENSITIES else "", rules, scale)
