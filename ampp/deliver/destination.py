"""Which addresses may be dialled where others than the configuration's author have a say in it.

What is written plainly in the configuration is dialled wherever it leads, as Alertmanager does. A destination is
*influenced* when the host of its URL comes out of a template, which alerts fill, when a redirect leads to another host,
or when it was found at run time. There the `Level` in force decides, about the address that the connection really has:
names are looked up and judged before anything is dialled, and who answers is judged again before anything is sent, so
that a name which changes its meaning in between (DNS rebinding) gains nothing.

A proxy looks names up by itself: through one, only hosts that are addresses are judged here.
"""

import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from enum import Enum
from typing import Final, TypeAlias

__all__ = ["Level", "Refused", "at", "check", "check_literal", "fixed", "refusal", "set_level"]


class Level(Enum):
    """What is refused to influenced destinations; `network.refuse` in ampp.yml.

    `LINK_LOCAL` keeps to addresses that nobody runs a receiver at, and clouds hand out credentials from. `INTERNAL`
    refuses all that is no public address: loopback, private and shared ranges.
    """

    NONE = "none"
    LINK_LOCAL = "link-local"
    INTERNAL = "internal"


class Refused(Exception):
    """The destination must not be dialled; the text says why, without its URL."""


_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_level: Final[ContextVar[Level]] = ContextVar("level", default=Level.LINK_LOCAL)

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
"""Where clouds serve what only the machine itself is to know, beside link-local addresses."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")

_FIXED: Final = re.compile(r"https?://[^/?#\\{}\s]+[/?#]", re.IGNORECASE)


def set_level(level: Level) -> None:
    """From now on, in this task and those it starts, this is the level."""
    _level.set(level)


@contextlib.contextmanager
def at(level: Level) -> Iterator[None]:
    """Within the block, in this task and those it starts, this is the level."""
    token = _level.set(level)
    try:
        yield
    finally:
        _level.reset(token)


def fixed(template: str) -> bool:
    """Whether what a URL's template renders to always has the host that is written in it."""
    return "{{" not in template or _FIXED.match(template) is not None


def refusal(address: _Address, level: Level) -> str:
    """Why an influenced destination must not be at `address`, in a few words; "" if it may."""
    if level is Level.NONE:
        return ""
    address = _inner(address)
    for kind, found in (
        ("an unspecified address", address.is_unspecified),
        ("a link-local address", address.is_link_local),
        ("a multicast address", address.is_multicast),
        ("a reserved address", address.version == 4 and address.is_reserved),
        ("a cloud's metadata address", address in _METADATA),
    ):
        if found:
            return kind
    if level is Level.INTERNAL:
        if address.is_loopback:
            return "a loopback address"
        if not address.is_global:
            return "a private address"
    return ""


def check_literal(host: str) -> None:
    """Judge a host that is an address, in any way the system would read as one. Raises `Refused`; names pass."""
    if _parse(host) is not None:
        check((host,))


def check(addresses: Iterable[str]) -> None:
    """Judge addresses by the level of the moment. Raises `Refused`."""
    level = _level.get()
    for text in addresses:
        address = _parse(text)
        why = refusal(address, level) if address is not None else "which is no internet address"
        if why:
            raise Refused(
                f"refused to dial {text}, {why}: alerts or a redirect led there (network.refuse: {level.value})"
            )


def _parse(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    try:
        # The C library's forms: 127.1, 0x7f000001, 2130706433.
        return ipaddress.ip_address(socket.inet_aton(text))
    except (OSError, UnicodeEncodeError):
        return None


def _inner(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 one stands for, however it is wrapped."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
