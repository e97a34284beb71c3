"""What the API speaks of, as values, member by member in the order in which Alertmanager's client writes them.

Decoding is lenient, as Go's is: a server of another age may lack members, and what we do not know is passed over.
"""

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "Alert",
    "AlertState",
    "Cluster",
    "Created",
    "Matcher",
    "Peer",
    "Silence",
    "SilenceState",
    "Status",
    "Version",
    "encode",
]


class AlertState(msgspec.Struct, rename="camel"):
    """`state` is active, suppressed or unprocessed; the lists name what suppresses."""

    inhibited_by: list[str] | None = None
    muted_by: list[str] | None = None
    silenced_by: list[str] | None = None
    state: str = ""


class Alert(msgspec.Struct, rename={"generator_url": "generatorURL", "starts": "startsAt", "ends": "endsAt"}):
    """One alert as listed. Times stay text until somebody wants to see them."""

    annotations: dict[str, str] | None = None
    ends: str = ""
    fingerprint: str = ""
    receivers: list[dict[str, Any]] | None = None
    starts: str = ""
    status: AlertState = msgspec.field(default_factory=AlertState)
    updated: str = msgspec.field(name="updatedAt", default="")
    generator_url: str | UnsetType = UNSET
    labels: dict[str, str] = {}


class Matcher(msgspec.Struct, rename="camel"):
    """`is_equal` is absent where the server knows no negation."""

    is_equal: bool | UnsetType | None = UNSET
    is_regex: bool = False
    name: str = ""
    value: str = ""


class SilenceState(msgspec.Struct):
    state: str = ""


class Silence(msgspec.Struct, rename="camel", omit_defaults=False):
    """One silence, listed or to be posted; a new one has no `id`, and none to be posted has state or update time."""

    id: str | UnsetType = UNSET
    status: SilenceState | UnsetType = UNSET
    updated: str | UnsetType = msgspec.field(name="updatedAt", default=UNSET)
    annotations: dict[str, str] | UnsetType = UNSET
    comment: str | None = None
    created_by: str | None = None
    ends: str | None = msgspec.field(name="endsAt", default=None)
    matchers: list[Matcher] | None = None
    starts: str | None = msgspec.field(name="startsAt", default=None)


class Created(msgspec.Struct):
    """What the server answers to a silence."""

    silence_id: str = msgspec.field(name="silenceID", default="")


class Peer(msgspec.Struct):
    address: str = ""
    name: str = ""


class Cluster(msgspec.Struct):
    name: str | UnsetType = UNSET
    peers: list[Peer] | None = None
    status: str = ""


class Config(msgspec.Struct):
    original: str = ""


class Version(msgspec.Struct, rename="camel"):
    branch: str = ""
    build_date: str = ""
    build_user: str = ""
    go_version: str = ""
    revision: str = ""
    version: str = ""


class Status(msgspec.Struct, rename="camel"):
    """The server's own account of itself."""

    cluster: Cluster = msgspec.field(default_factory=Cluster)
    config: Config = msgspec.field(default_factory=Config)
    uptime: str = ""
    version_info: Version | None = None


_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def encode(value: Any) -> bytes:
    """JSON as Go's encoder writes it, HTML escapes and all, without a newline."""
    encoded = _encode(value)
    for raw, escaped in (
        (b"<", b"\\u003c"),
        (b">", b"\\u003e"),
        (b"&", b"\\u0026"),
        (b"\xe2\x80\xa8", b"\\u2028"),
        (b"\xe2\x80\xa9", b"\\u2029"),
    ):
        encoded = encoded.replace(raw, escaped)
    return encoded
