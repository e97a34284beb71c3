"""Alertmanager++: an alert router that stands in for Prometheus Alertmanager.

`COMPATIBLE` is the Alertmanager version whose interfaces ampp answers to; `__version__` is ampp's own.
"""

__version__ = "0.1.0"
COMPATIBLE = "0.34.0"

__all__ = ["COMPATIBLE", "__version__"]
