"""Black-box test support: start a daemon, receive what it sends, talk to its API."""

from tests.support.api import Answer, Api
from tests.support.daemon import Daemon, DaemonError, ampp_command, ampp_missing, real_binary
from tests.support.sink import Delivery, Sink

__all__ = [
    "Answer",
    "Api",
    "Daemon",
    "DaemonError",
    "Delivery",
    "Sink",
    "ampp_command",
    "ampp_missing",
    "real_binary",
]
