"""Letter case as Go has it: rune by rune for upper and lower, by words for titles (golang.org/x/text/cases).

Python's own methods map whole texts, and some letters to several; its titles know nothing of words.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import islice
from typing import Final

__all__ = ["lower", "title", "upper"]

_STRAY: Final = re.compile("[\udc80-\udcff]")
_REPLACEMENT: Final = "\ufffd"


def upper(text: str) -> str:
    """`strings.ToUpper`: letters whose capital is several letters (`ß`) stay as they are."""
    return text.upper() if text.isascii() else "".join(map(_upper, _STRAY.sub(_REPLACEMENT, text)))


def lower(text: str) -> str:
    """`strings.ToLower`: `İ` becomes a plain `i`, and `Σ` is `σ` wherever it stands."""
    return text.lower() if text.isascii() else "".join([c.lower()[0] for c in _STRAY.sub(_REPLACEMENT, text)])


def _upper(c: str) -> str:
    for large in (c.upper(), c.title()):
        if len(large) == 1:
            return large
    return c


# Where a word ends is decided by four kinds of characters: cased letters; what joins them (letters without case,
# digits, marks); what joins them when it stands alone (the apostrophe, the dot); everything else, which parts them.
_CASED, _JOIN, _MIDDLE, _PART = range(4)

_MIDDLES: Final = frozenset("'.:\xb7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a")
_CASED_BESIDES: Final = frozenset("\u10fc\ua7f2\ua7f3\ua7f4\uab69")
_JOINING: Final = frozenset(("Nd", "Pc", "Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Cf", "Mn", "Mc", "Me"))
_NO_WORDS: Final = frozenset(("Lm", "Lo", "Nl", "Cf"))
_WORDLESS: Final = (
    (0xE01, 0xEDF),
    (0x1000, 0x108E),
    (0x1780, 0x17DC),
    (0x1950, 0x19C9),
    (0x1A20, 0x1AA7),
    (0x200B, 0x200B),
    (0x3006, 0x303A),
    (0x3041, 0x30FF),
    (0x31F0, 0x9FFF),
    (0xA9E0, 0xA9FE),
    (0xAA60, 0xAADD),
    (0xF900, 0xFAD9),
    (0xFF66, 0xFF9D),
    (0x11700, 0x11746),
    (0x17000, 0x1B2FB),
    (0x20000, 0x3134A),
)
"""Scripts that write no spaces between words, Thai to Chinese: their letters part."""
_JOIN_BESIDES: Final = (
    (0x2C2, 0x2D7),
    (0x2DE, 0x2FF),
    (0x55A, 0x55C),
    (0x55E, 0x55E),
    (0x58A, 0x58A),
    (0x5F3, 0x5F3),
    (0x66B, 0x66B),
    (0x202F, 0x202F),
    (0xA708, 0xA78A),
    (0xAB5B, 0xAB5B),
    (0x1F3FB, 0x1F3FF),
)


@lru_cache(maxsize=4096)
def _kind(c: str) -> int:
    if c.islower() or c.isupper() or c.istitle() or c in _CASED_BESIDES:
        return _CASED
    if c in _MIDDLES:
        return _MIDDLE
    category, code = unicodedata.category(c), ord(c)
    if category in _JOINING:
        wordless = category in _NO_WORDS and any(first <= code <= last for first, last in _WORDLESS)
        return _PART if wordless else _JOIN
    return _JOIN if any(first <= code <= last for first, last in _JOIN_BESIDES) else _PART


def title(text: str) -> str:
    """The first cased letter of each word as title case, the others lower (`cases.Title`, American English)."""
    out = []
    within = alone = False
    for i, c in enumerate(text):
        kind = _kind(c)
        if kind == _MIDDLE and alone:
            within = False
        alone = kind == _MIDDLE
        if kind != _CASED:
            within = within and kind != _PART
            out.append(c)
        elif not within:
            within = True
            out.append(c.title())
        elif c == "Σ":
            out.append("σ" if _goes_on(text, i + 1) else "ς")
        else:
            out.append(c.lower())
    return "".join(out)


_LOOKAHEAD: Final = 31
_IGNORABLE: Final = frozenset(("Mn", "Me", "Cf", "Lm", "Sk"))


def _goes_on(text: str, at: int) -> bool:
    """Whether a cased letter follows, passing over what case ignores."""
    for c in islice(text, at, at + _LOOKAHEAD):
        if c not in _MIDDLES and unicodedata.category(c) not in _IGNORABLE:
            return _kind(c) == _CASED
    return False
