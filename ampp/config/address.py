"""Kinds for addresses: URLs, open and secret, and host:port."""

from typing import Annotated, Any, Final, TypeAlias

import msgspec

from ampp.config.decode import FAILED, Decoder, Kind
from ampp.config.emit import Tree
from ampp.config.kind import SecretKind
from ampp.config.node import Node
from ampp.config.secret import SECRET_TEXT, Secret
from ampp.config.template import SYNTAX_HINT, syntax_error
from ampp.config.url import Url, UrlError, parse, parse_http
from ampp.core.quote import go_quote

__all__ = ["HostAndPort", "HostPort", "ProxyUrl", "SecretUrl", "TemplateUrl", "WebUrl"]

_URL_HINT: Final = "write a whole address: https://host.example/path"


class _TemplateUrlKind(SecretKind):
    """A webhook's URL: secret, and free to be a template; what is none must be a URL."""

    go = "common.plain"

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node, self.go)
        if text is FAILED:
            return FAILED
        if "{{" in text:
            if wrong := syntax_error(text):
                raise d.invalid(node, f"invalid template syntax: {wrong}", SYNTAX_HINT)
        elif text and text != SECRET_TEXT:
            try:
                parse_http(text)
            except UrlError as error:
                raise d.invalid(node, f"invalid URL: {error}", _URL_HINT) from None
        return Secret(text)


class _WebUrlKind(Kind):
    """An http or https URL; None when unset."""

    go = "string"
    custom = True
    outer = "*common.URL"

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is FAILED:
            return FAILED
        try:
            return parse_http(text)
        except UrlError as error:
            raise d.invalid(node, str(error), _URL_HINT) from None

    def tree(self, value: Url) -> Tree:
        return str(value)


class _SecretUrlKind(Kind):
    """An http or https URL kept secret. A dumped `<secret>` reads back as an empty one."""

    go = "string"
    custom = True
    outer = "*common.SecretURL"

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is FAILED:
            return FAILED
        if text == SECRET_TEXT:
            return Secret()
        try:
            return Secret(str(parse_http(text)))
        except UrlError as error:
            raise d.invalid(node, str(error), _URL_HINT) from None

    def tree(self, value: Secret) -> Tree:
        return SECRET_TEXT


class _ProxyUrlKind(Kind):
    """Any URL; its password is masked in dumps."""

    go = "string"
    custom = True
    outer = "config.URL"

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is FAILED:
            return FAILED
        try:
            return parse(text)
        except UrlError as error:
            raise d.invalid(node, str(error), _URL_HINT) from None

    def tree(self, value: Url) -> Tree:
        return value.redacted()


class HostPort(msgspec.Struct, frozen=True):
    """A network address; both parts empty means unset."""

    host: str = ""
    port: str = ""

    def __bool__(self) -> bool:
        return bool(self.host or self.port)

    def __str__(self) -> str:
        if not self:
            return ""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _HostPortKind(Kind):
    go = "string"
    custom = True
    outer = "config.HostPort"
    zero = HostPort()

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is FAILED:
            return FAILED
        try:
            return _split_host_port(text)
        except ValueError as error:
            raise d.invalid(node, str(error), "write host:port, for example mail.example.org:587") from None

    def tree(self, value: HostPort) -> Tree:
        return str(value)


def _split_host_port(text: str) -> HostPort:
    """Go's net.SplitHostPort, and its words for what is wrong; empty text is the unset address."""
    if not text:
        return HostPort()
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"address {text}: missing port in address")
    if text[0] == "[":
        end = text.find("]")
        if end < 0:
            raise ValueError(f"address {text}: missing ']' in address")
        if end + 1 == len(text):
            raise ValueError(f"address {text}: missing port in address")
        if end + 1 != len(host):
            why = "too many colons in address" if text[end + 1] == ":" else "missing port in address"
            raise ValueError(f"address {text}: {why}")
        host, begin, rest = text[1:end], 1, end + 1
    else:
        if ":" in host:
            raise ValueError(f"address {text}: too many colons in address")
        begin = rest = 0
    if "[" in text[begin:]:
        raise ValueError(f"address {text}: unexpected '[' in address")
    if "]" in text[rest:]:
        raise ValueError(f"address {text}: unexpected ']' in address")
    if not port:
        raise ValueError(f"address {go_quote(text)}: port cannot be empty")
    return HostPort(host, port)


SecretUrl: TypeAlias = Annotated[Secret | None, _SecretUrlKind()]
TemplateUrl: TypeAlias = Annotated[Secret, _TemplateUrlKind(pointer=False)]
WebUrl: TypeAlias = Annotated[Url | None, _WebUrlKind()]
ProxyUrl: TypeAlias = Annotated[Url | None, _ProxyUrlKind()]
HostAndPort: TypeAlias = Annotated[HostPort, _HostPortKind()]
