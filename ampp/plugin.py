"""All that a package needs which brings a receiver type of its own: see docs/plugins.md.

These names stay. What a plug-in takes from elsewhere in ampp may change without notice.
"""

from ampp.config.address import SecretUrl, WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.http import HttpConfig
from ampp.config.kind import Flag, GoDuration, LongDuration, SecretText, Strings, Text, TextMap, Unsigned
from ampp.config.receivers.entry import Entry, HttpEntry, template
from ampp.config.receivers.plugin import ReceiverType
from ampp.config.secret import Secret
from ampp.config.section import KEEP
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.message import data, message
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import BuildError, Sender, SendError
from ampp.deliver.timeout import limited
from ampp.template.renderer import Renderer

__all__ = [
    "KEEP",
    "Answer",
    "BuildError",
    "Client",
    "Data",
    "Entry",
    "Flag",
    "Global",
    "GoDuration",
    "HttpConfig",
    "HttpEntry",
    "Invalid",
    "LongDuration",
    "Notify",
    "ReceiverType",
    "Renderer",
    "Rendering",
    "Secret",
    "SecretText",
    "SecretUrl",
    "SendError",
    "Sender",
    "Snapshot",
    "Strings",
    "Text",
    "TextMap",
    "Unsigned",
    "WebUrl",
    "check",
    "data",
    "limited",
    "message",
    "template",
]
