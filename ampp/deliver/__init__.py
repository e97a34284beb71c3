"""How the decided reaches people: workers, retry, health, and one sender per receiver type.

Delivery never decides *whether* somebody is told; `ampp.core.engine` does, with a `Notify`.
"""

from ampp.deliver.health import Health
from ampp.deliver.integrations import build
from ampp.deliver.sender import BuildError, Sender, SendError, Senders, Unsendable
from ampp.deliver.worker import Delivery, Report

__all__ = ["BuildError", "Delivery", "Health", "Report", "SendError", "Sender", "Senders", "Unsendable", "build"]
