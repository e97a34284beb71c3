"""What kind of value an HTML attribute holds, judged by its name."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

__all__ = ["Kind", "attribute_kind", "lower"]


class Kind(Enum):
    """A kind of content, both of attributes and of values known to be safe."""

    PLAIN = auto()
    CSS = auto()
    HTML = auto()
    JS = auto()
    URL = auto()
    SRCSET = auto()
    UNSAFE = auto()
    """Names that decide how other content is read, vetted or sent: never written from a value."""


_PLAIN = """
accept alt autocomplete autofocus autoplay border checked class cols colspan contenteditable contextmenu controls
coords datetime default dir dirname disabled draggable dropzone for formtarget headers height hidden high hreflang id
ismap kind label lang list loop low max maxlength media mediagroup min multiple name open optimum placeholder preload
pubdate radiogroup readonly required reversed rows rowspan scope scoped seamless selected shape size sizes span
spellcheck srclang start step tabindex target title width wrap
"""
_URL = """
action archive background cite classid codebase data formaction href icon longdesc manifest poster profile src usemap
xmlns
"""
_UNSAFE = """
accept-charset async challenge charset content crossorigin defer enctype form formenctype formmethod formnovalidate
http-equiv keytype language method novalidate pattern rel sandbox type value
"""

_KINDS: Final = {
    **dict.fromkeys(_PLAIN.split(), Kind.PLAIN),
    **dict.fromkeys(_URL.split(), Kind.URL),
    **dict.fromkeys(_UNSAFE.split(), Kind.UNSAFE),
    "srcdoc": Kind.HTML,
    "srcset": Kind.SRCSET,
    "style": Kind.CSS,
}


def lower(text: str) -> str:
    """`text` in lower case, rune by rune as Go does it: the dotted capital I becomes a plain i."""
    return text.replace("\u0130", "i").lower()


def attribute_kind(name: str) -> Kind:
    """The kind of attribute `name` (lower case), rather too dangerous than too harmless.

    Prefixes (`data-`, `xlink:`) are looked through; unknown names that begin with `on` hold scripts, and those that
    contain `src`, `uri` or `url` hold URLs.
    """
    if name.startswith("data-"):
        name = name[5:]
    else:
        prefix, colon, rest = name.partition(":")
        if colon:
            if prefix == "xmlns":
                return Kind.URL
            name = rest
    known = _KINDS.get(name)
    if known is not None:
        return known
    if name.startswith("on"):
        return Kind.JS
    if "src" in name or "uri" in name or "url" in name:
        return Kind.URL
    return Kind.PLAIN
