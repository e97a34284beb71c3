"""What a run found: as JSON, as text, and as the table in docs/performance.md."""

import os
import platform
import re
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.setting import Reading

__all__ = ["Report", "Row", "machine", "write"]

_BLOCK = re.compile(r"(<!-- bench: [^\n]*-->\n)(.*?)(<!-- end -->\n)", re.DOTALL)


class Row(msgspec.Struct):
    """One measured quantity. `values` by side, one a round; None when there was no answer within `deadline` seconds."""

    case: str
    name: str
    unit: str
    better: str
    target: float | None
    values: dict[str, list[float | None]]
    shares: list[float]
    deadline: float = 0.0


class Report(msgspec.Struct):
    """All rows of a run, where it ran, and what could not be run."""

    machine: dict[str, Any]
    versions: dict[str, str]
    cores: dict[str, str]
    rounds: int
    short: bool
    rows: list[Row] = []
    failures: list[str] = []

    def add(self, case: str, side: str, reading: Reading) -> None:
        row = next((row for row in self.rows if row.case == case and row.name == reading.name), None)
        if row is None:
            row = Row(case, reading.name, reading.unit, reading.better, reading.target, {}, [])
            self.rows.append(row)
        row.values.setdefault(side, []).append(reading.value)
        if reading.share is not None:
            row.shares.append(reading.share)
        row.deadline = max(row.deadline, reading.deadline)

    def json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    def text(self) -> str:
        cells = [("", "Alertmanager", "ampp", "ampp is", "target", "load"), *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([*lines, "", *self._notes()])

    def markdown(self) -> str:
        lines = []
        for case in dict.fromkeys(row.case for row in self.rows):
            lines += ["", "| | Alertmanager | ampp | ampp is | target | load |", "|---|---|---|---|---|---|"]
            lines += [f"| {' | '.join(_cells(row))} |" for row in self.rows if row.case == case]
        return "\n".join([*self._notes(), *lines, ""])

    def _notes(self) -> list[str]:
        made = [f"{', '.join(self.versions.values())}."]
        place = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        made.append(f"{place}; server on cores: {self.cores['server']}, load on cores: {self.cores['load']}.")
        made.append(
            f"Rounds: {self.rounds}, the two in turn; medians, with the lowest and the highest round. "
            "load: the share of one core that the generator (or the receiver of notifications) took at most."
        )
        if self.short:
            made.append("A short run, of sizes a hundredth of what the names say: it measures nothing.")
        return [*made, *(f"Could not run: {failure}" for failure in self.failures)]


def _cells(row: Row) -> tuple[str, ...]:
    real, ours = row.values.get("alertmanager", []), row.values.get("ampp", [])
    return (
        f"{row.name} ({row.unit})",
        _spread(real, row.deadline),
        _spread(ours, row.deadline),
        _verdict(row, _median(real), _median(ours)),
        f"{row.target:g} ×" if row.target else "",
        f"{max(row.shares):.2f}" if row.shares else "",
    )


def _median(values: Iterable[float | None]) -> float | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return statistics.median(known) if known and len(known) == len(found) else None


def _verdict(row: Row, real: float | None, ours: float | None) -> str:
    if not row.values.get("alertmanager") or not row.values.get("ampp") or (real is None and ours is None):
        return ""
    if ours is None:
        return "behind"
    if real is None:
        scale = 1000 if row.unit == "ms" else 1
        return f"more than {row.deadline * scale / max(ours, 1e-9):.0f} × faster"
    if not real or not ours:
        return ""
    gain = ours / real if row.better == "more" else real / ours
    if round(gain, 2) < 1:
        return f"{gain:.2f} ×, behind"
    word = {"MiB": "smaller", "answers": "as many"}.get(row.unit, "faster")
    return f"{gain:.1f} × {word}" if gain >= 2 else f"{gain:.2f} × {word}"


def _spread(values: list[float | None], deadline: float) -> str:
    if not values:
        return "-"
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return f"no answer in {deadline:g} s"
    middle = statistics.median(known)
    form = ",.0f" if middle >= 100 else ".1f" if middle >= 10 else ".2f"
    text = format(middle, form)
    return text if len(known) == 1 else f"{text} ({format(min(known), form)}-{format(max(known), form)})"


def machine() -> dict[str, Any]:
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    return {"processor": processor, "cores": os.cpu_count(), "Linux": platform.release(),
            "Python": platform.python_version()}  # fmt: skip


def write(report: Report, page: Path) -> None:
    """Put the table between the page's markers. Raises ValueError when it has none."""
    text = page.read_text(encoding="utf-8")
    if _BLOCK.search(text) is None:
        raise ValueError(f"{page} has no lines <!-- bench: … --> and <!-- end --> to write between")
    page.write_text(_BLOCK.sub(lambda found: found[1] + report.markdown() + found[3], text), encoding="utf-8")
