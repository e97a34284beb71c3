"""How bad an alert is, by the words that count to each level."""

from collections.abc import Mapping
from typing import Final

from ampp.config.severity import Scale

__all__ = ["LEVELS", "Severities"]

LEVELS: Final = ("critical", "warning", "info", "other")
"""From the worst to the mildest."""

_PER: Final = 100
"""Words that a level may have; those beyond count as the last."""


class Severities:
    """Looks levels up. An alert's `order` says which of two is worse, within a level too."""

    def __init__(self, scale: Scale) -> None:
        self._orders: Final = {
            word.lower(): level * _PER + min(place, _PER - 1)
            for level, (_, words) in enumerate(scale.levels())
            for place, word in enumerate(words)
        }

    def order(self, labels: Mapping[str, str]) -> int:
        """The lower, the worse."""
        return self._orders.get(labels.get("severity", "").lower(), 3 * _PER)

    def rank(self, severity: str) -> int:
        """An index of `LEVELS`."""
        return self.rank_of(self._orders.get(severity.lower(), 3 * _PER))

    @staticmethod
    def rank_of(order: int) -> int:
        """The index of `LEVELS` that an order belongs to."""
        return order // _PER
