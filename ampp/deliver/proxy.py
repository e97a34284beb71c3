"""Which proxy, if any, a request goes through: Go's rules for proxy_url, no_proxy and the environment."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import httpx

__all__ = ["Choice", "choice", "from_environment"]

Choice: TypeAlias = Callable[[httpx.URL], httpx.URL | None]
"""The proxy for a URL, or None for the direct way."""

_PORTS: Final = {"http": 80, "https": 443}


def choice(proxy_url: str, no_proxy: str) -> Choice:
    """As `proxy_url` and `no_proxy` of an http_config say. Only with a `no_proxy` is the own host always direct."""
    if not proxy_url:
        return lambda _: None
    proxy = httpx.URL(proxy_url)
    if not no_proxy:
        return lambda _: proxy
    direct = _exceptions(no_proxy)
    return lambda url: None if direct(url) else proxy


def from_environment(environment: Mapping[str, str]) -> Choice:
    """As HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their lower-case twins) say."""
    proxies = {scheme: _parse(_either(environment, f"{scheme}_proxy")) for scheme in _PORTS}
    direct = _exceptions(_either(environment, "no_proxy"))
    return lambda url: None if direct(url) else proxies.get(url.scheme)


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _parse(text: str) -> httpx.URL | None:
    if not text:
        return None
    return httpx.URL(text if "://" in text else f"http://{text}")


def _exceptions(no_proxy: str) -> Callable[[httpx.URL], bool]:
    """Whether a URL is to be reached directly, by the comma-separated list and because it is this host."""
    rules = [_rule(item) for item in (part.strip().lower() for part in no_proxy.split(",")) if item]

    def direct(url: httpx.URL) -> bool:
        host = url.host.lower()
        port = url.port or _PORTS.get(url.scheme, 0)
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        return any(rule(host, port, address) for rule in rules)

    return direct


_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Rule: TypeAlias = Callable[[str, int, _Address | None], bool]


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _rule(item: str) -> _Rule:
    if item == "*":
        return lambda _host, _port, _address: True
    if "/" in item:
        try:
            network = ipaddress.ip_network(item, strict=False)
        except ValueError:
            pass
        else:
            return lambda _host, _port, address: address is not None and address in network
    name, only = _split(item)
    literal = _address(name)
    if literal is not None:
        return lambda _host, port, address: address == literal and only in (0, port)
    # "a.b" is that host and all below it; ".a.b" and "*.a.b" only those below.
    suffix = name.removeprefix("*") if name.startswith("*.") else name
    whole = "" if suffix.startswith(".") else suffix
    suffix = suffix if suffix.startswith(".") else f".{suffix}"
    return lambda host, port, address: (
        address is None and len(suffix) > 1 and (host.endswith(suffix) or host == whole) and only in (0, port)
    )


def _split(item: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[v6]:port` or a bare host; port 0 stands for any."""
    if _address(item) is not None:
        return item, 0
    host, colon, port = item.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return item.strip("[]"), 0
