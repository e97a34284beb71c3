"""Alertmanager++: an alert router that stands in for Prometheus Alertmanager.

`COMPATIBLE` is the Alertmanager version whose interfaces ampp answers to; `__version__` is ampp's own.
"""

from typing import Final

__version__: Final = "0.1.0"
COMPATIBLE: Final = "0.34.0"

__all__ = ["COMPATIBLE", "__version__"]
