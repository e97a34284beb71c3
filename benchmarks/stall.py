"""How long ampp's event loop was held up, from its own metric `ampp_loop_stall_seconds`."""

import re
from dataclasses import dataclass

from benchmarks.fetch import fetch
from benchmarks.load import Address

__all__ = ["Stall", "counter", "read"]

_BUCKET = re.compile(rb'^ampp_loop_stall_seconds_bucket\{le="([^"]+)"\} (\S+)', re.MULTILINE)


@dataclass(frozen=True)
class Stall:
    """How many looks found the loop late by at most so many seconds."""

    buckets: dict[float, float]

    def __sub__(self, before: "Stall") -> "Stall":
        return Stall({most: count - before.buckets.get(most, 0) for most, count in self.buckets.items()})

    def at_most(self, share: float) -> float:
        """The upper bound of the bucket in which that share of the looks lies; `inf` beyond the last."""
        total = max(self.buckets.values(), default=0)
        return next((most for most, count in sorted(self.buckets.items()) if count >= share * total), float("inf"))


def read(address: Address) -> Stall:
    text = fetch(address, "/metrics", 60).body
    return Stall({float(most): float(count) for most, count in _BUCKET.findall(text)})


def counter(address: Address, name: str) -> float:
    """The sum of a metric's series."""
    text = fetch(address, "/metrics", 60).body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if re.match(rf"{name}(\{{|\s)", line))
