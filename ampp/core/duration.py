"""The spellings of durations, in nanoseconds: Prometheus' (`1d12h`, config), Go's (`1.5h`), and that of flags."""

import re
from typing import Final

from ampp.core.clock import HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND
from ampp.core.quote import go_quote, time_quote

__all__ = ["DurationError", "format_go", "format_prometheus", "parse_flag", "parse_go", "parse_prometheus"]

_LIMIT: Final = 1 << 63
_DAY: Final = 24 * HOUR
_PROMETHEUS_UNITS: Final = {
    "y": (1, 365 * _DAY),
    "w": (2, 7 * _DAY),
    "d": (3, _DAY),
    "h": (4, HOUR),
    "m": (5, MINUTE),
    "s": (6, SECOND),
    "ms": (7, MILLISECOND),
}
_GO_UNITS: Final = {
    "ns": 1,
    "us": MICROSECOND,
    "µs": MICROSECOND,  # MICRO SIGN
    "μs": MICROSECOND,  # GREEK SMALL LETTER MU
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_FLAG_UNITS: Final = _GO_UNITS | {"d": _DAY, "w": 7 * _DAY}
_PROMETHEUS_PIECE: Final = re.compile(r"([0-9]+)([^0-9]*)")
_GO_PIECE: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]*)")


class DurationError(ValueError):
    """The text is no duration; the message is upstream's."""


def parse_prometheus(text: str) -> int:
    """Nanoseconds of a config duration: whole numbers with units y w d h m s ms, larger units first, each once."""
    if text == "0":
        return 0
    if text == "":
        raise DurationError("empty duration string")
    total = at = last = 0
    while at < len(text):
        match = _PROMETHEUS_PIECE.match(text, at)
        if match is None:
            raise DurationError(f"not a valid duration string: {go_quote(text)}")
        digits, unit = match.groups()
        amount = _uint(digits)
        if amount >= 1 << 64 or unit == "":
            raise DurationError(f"not a valid duration string: {go_quote(text)}")
        if unit not in _PROMETHEUS_UNITS:
            raise DurationError(f"unknown unit {go_quote(unit)} in duration {go_quote(text)}")
        rank, scale = _PROMETHEUS_UNITS[unit]
        if rank <= last:
            raise DurationError(f"not a valid duration string: {go_quote(text)}")
        total += amount * scale
        if total >= _LIMIT:
            raise DurationError("duration out of range")
        last = rank
        at = match.end()
    return total


def format_prometheus(ns: int) -> str:
    """The normal form of a config duration: `y` and `w` only where nothing remains; below a millisecond is dropped."""
    left = abs(ns) // MILLISECOND
    if left == 0:
        return "0s"
    out = "-" if ns < 0 else ""
    for unit, (_, scale) in _PROMETHEUS_UNITS.items():
        amount, rest = divmod(left, scale // MILLISECOND)
        if amount == 0 or (unit in ("y", "w") and rest):
            continue
        out += f"{amount}{unit}"
        left = rest
    return out


def parse_flag(text: str) -> int:
    """A Go duration that may have days and weeks, too: kingpin 2.4 reads the values of flags so."""
    return _signed(text, _FLAG_UNITS)


def parse_go(text: str) -> int:
    """Nanoseconds of a Go duration: signed decimals with units ns us ms s m h, in any order (`time.ParseDuration`)."""
    return _signed(text, _GO_UNITS)


def _signed(text: str, units: dict[str, int]) -> int:
    negative = text[:1] == "-"
    at = 1 if text[:1] in ("-", "+") else 0
    if text[at:] == "0":
        return 0
    if at == len(text):
        raise _invalid_go(text)
    total = 0
    while at < len(text):
        match = _GO_PIECE.match(text, at)
        if match is None or (match[1] == "" and not match[2]):
            raise _invalid_go(text)
        digits, decimals, unit = match.groups()
        amount = _uint(digits)
        if amount > _LIMIT:
            raise _invalid_go(text)
        if unit == "":
            raise DurationError(f"time: missing unit in duration {time_quote(text)}")
        if unit not in units:
            raise DurationError(f"time: unknown unit {time_quote(unit)} in duration {time_quote(text)}")
        scale = units[unit]
        total += amount * scale + _fraction(decimals or "", scale)
        if total > _LIMIT:
            raise _invalid_go(text)
        at = match.end()
    if negative:
        return -total
    if total == _LIMIT:
        raise _invalid_go(text)
    return total


def _uint(digits: str) -> int:
    """The number, or 2^64 for anything larger (so that endless digits cost nothing)."""
    digits = digits.lstrip("0")
    return 1 << 64 if len(digits) > 20 else min(int(digits or "0"), 1 << 64)


def _fraction(decimals: str, scale: int) -> int:
    """Go computes the part after the point in floating point and stops reading digits before they overflow."""
    value = 0
    divisor = 1.0
    for digit in decimals:
        larger = value * 10 + int(digit)
        if value > (_LIMIT - 1) // 10 or larger > _LIMIT:
            break
        value = larger
        divisor *= 10
    return int(float(value) * (float(scale) / divisor)) if value else 0


def _invalid_go(text: str) -> DurationError:
    return DurationError(f"time: invalid duration {time_quote(text)}")


def format_go(ns: int) -> str:
    """A duration as Go prints it: `1h30m0s`, `1.5s`, `2ms`, `0s`."""
    if ns == 0:
        return "0s"
    sign = "-" if ns < 0 else ""
    left = abs(ns)
    if left < SECOND:
        for unit, scale in (("ms", MILLISECOND), ("µs", MICROSECOND), ("ns", 1)):
            if left >= scale:
                return f"{sign}{_decimal(left, scale)}{unit}"
    hours, left = divmod(left, HOUR)
    minutes, left = divmod(left, MINUTE)
    out = f"{_decimal(left, SECOND)}s"
    if hours or minutes:
        out = f"{minutes}m{out}"
    if hours:
        out = f"{hours}h{out}"
    return sign + out


def _decimal(value: int, scale: int) -> str:
    whole, rest = divmod(value, scale)
    if rest == 0:
        return str(whole)
    return f"{whole}.{rest:0{len(str(scale)) - 1}d}".rstrip("0")
