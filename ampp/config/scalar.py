"""What an untyped YAML scalar means, by the rules of Go's yaml.v2 (YAML 1.1 without sexagesimals).

One function, `resolve`, used where a value has no declared type (webhook payloads, PagerDuty details), where a number
or a truth value is wanted, and when dumping, to learn whether a string needs quotes.
"""

import base64
import binascii
import math
import re
from typing import Any, Final

from ampp.config.error import Invalid

__all__ = ["STR", "is_base60", "resolve", "short_tag"]

_PREFIX: Final = "tag:yaml.org,2002:"
STR: Final = _PREFIX + "str"
_BOOL: Final = _PREFIX + "bool"
_INT: Final = _PREFIX + "int"
_FLOAT: Final = _PREFIX + "float"
_NULL: Final = _PREFIX + "null"
_TIME: Final = _PREFIX + "timestamp"
_BINARY: Final = _PREFIX + "binary"

_WORDS: Final[dict[str, tuple[str, Any]]] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], (_BOOL, True)),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], (_BOOL, False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (_NULL, None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (_FLOAT, math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (_FLOAT, math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (_FLOAT, -math.inf)),
}

_STARTS_NUMBER: Final = frozenset("+-0123456789.")
_INTEGER: Final = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DOTTED: Final = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DATE: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
    r"| ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?)?",
    re.ASCII,
)
_BASE60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_RESOLVABLE: Final = frozenset(("", STR, _BOOL, _INT, _FLOAT, _NULL, _TIME))

_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1
_MAX_UINT: Final = 2**64 - 1


def short_tag(tag: str) -> str:
    """The tag as error texts show it: `!!int`, or a private tag as written."""
    return "!!" + tag[len(_PREFIX) :] if tag.startswith(_PREFIX) else tag


def is_base60(text: str) -> bool:
    """Whether other YAML 1.1 readers would take this plain text for a base 60 number, so that it must be quoted."""
    return ":" in text and _BASE60.fullmatch(text) is not None


def resolve(tag: str | None, text: str) -> tuple[str, Any]:
    """The tag and value of a scalar that is plain, or tagged with `tag`.

    A date is answered with the timestamp tag and its own text. Raises `Invalid` when the text does not fit the tag.
    """
    wanted = tag or ""
    if wanted not in _RESOLVABLE:
        if wanted == _BINARY:
            return wanted, _binary(text)
        return wanted, text
    if wanted == STR:
        return STR, text
    found, value = _guess(text, dates=wanted in ("", _TIME))
    if wanted in ("", found):
        return found, value
    if wanted == _FLOAT and found == _INT and _MIN_INT <= value <= _MAX_INT:
        return _FLOAT, float(value)
    raise Invalid(f"yaml: cannot decode {short_tag(found)} `{text}` as a {short_tag(wanted)}")


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("yaml: !!binary value contains invalid base64 data") from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid("yaml: !!binary value is not valid UTF-8") from None


def _guess(text: str, *, dates: bool) -> tuple[str, Any]:
    word = _WORDS.get(text)
    if word is not None:
        return word
    first = text[0]
    if first not in _STARTS_NUMBER:
        return STR, text
    if first == ".":
        if _DOTTED.fullmatch(text) and math.isfinite(number := float(text)):
            return _FLOAT, number
        return STR, text
    if dates and _is_date(text):
        return _TIME, text
    plain = text.replace("_", "")
    if _INTEGER.fullmatch(plain) and len(plain) <= 70:
        integer = _integer(plain)
        if _MIN_INT <= integer <= (_MAX_INT if plain[0] in "+-" else _MAX_UINT):
            return _INT, integer
    if _DECIMAL.fullmatch(plain) and math.isfinite(number := float(plain)):
        return _FLOAT, number
    return STR, text


def _integer(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day, *clock = (int(part) if part else 0 for part in match.groups())
    if not 1 <= month <= 12 or not 1 <= day <= _days(year, month):
        return False
    hours, minutes, seconds = (clock[i] or clock[i + 3] for i in range(3))
    return hours < 24 and minutes < 60 and seconds < 60


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
