"""Prometheus text format 0.0.4 exactly as Go's client writes it.

Differs from prometheus-client's own writer where queries and scripts can tell: whole numbers have no ".0" (so
`le="5"` selects the bucket it does on Alertmanager), families are sorted by name, labels by name, a family without
series is left out.
"""

import math
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

__all__ = ["CONTENT_TYPE", "format_float", "render"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_VALUE = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


def format_float(value: float) -> str:
    """Go's strconv.FormatFloat(value, 'g', -1, 64): shortest text that reads back, exponent below 1e-4 and from 1e6."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1.0, value) < 0 else "0"
    sign, digits, exponent = _shortest(value)
    if exponent < -4 or exponent >= 6:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, rest = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{rest}" if rest else sign + whole


def _shortest(value: float) -> tuple[str, str, int]:
    """Sign, significant digits and the decimal exponent of the first digit."""
    text = repr(value)
    sign = "-" if text.startswith("-") else ""
    mantissa, _, power = text.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    raw = whole + fraction
    digits = raw.lstrip("0")
    exponent = len(whole) - 1 - (len(raw) - len(digits)) + int(power or 0)
    return sign, digits.rstrip("0") or "0", exponent


def render(families: Iterable[Metric]) -> bytes:
    """The exposition of `families`, UTF-8."""
    out: list[str] = []
    for family in sorted(families, key=_exposed_name):
        lines = _lines(family)
        if lines:
            name = _exposed_name(family)
            out.append(f"# HELP {name} {family.documentation.translate(_HELP)}")
            out.append(f"# TYPE {name} {'untyped' if family.type == 'unknown' else family.type}")
            out += lines
    out.append("")
    return "\n".join(out).encode()


def _exposed_name(family: Metric) -> str:
    return family.name + "_total" if family.type == "counter" else family.name


def _lines(family: Metric) -> list[str]:
    """Series in order of their labels; within a histogram the buckets as they rise, then sum and count."""
    rank = {"_sum": 1, "_count": 2}
    series = sorted(
        (
            (
                sorted((k, v) for k, v in sample.labels.items() if k != "le"),
                rank.get(sample.name[len(family.name) :], 0),
                i,
            )
            for i, sample in enumerate(family.samples)
            if not sample.name.endswith("_created")
        ),
    )
    return [_line(family.samples[index], labels) for labels, _, index in series]


def _line(sample: Sample, labels: list[tuple[str, str]]) -> str:
    pairs = [f'{name}="{value.translate(_VALUE)}"' for name, value in labels]
    if "le" in sample.labels:
        pairs.append(f'le="{format_float(float(sample.labels["le"]))}"')
    return (
        f"{sample.name}{{{','.join(pairs)}}} {format_float(sample.value)}"
        if pairs
        else f"{sample.name} {format_float(sample.value)}"
    )
