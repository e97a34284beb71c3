"""Lints of receivers: those nobody uses, and what is sent unencrypted, unverified or not at all."""

import ipaddress
from collections.abc import Iterator
from typing import Final, get_args

from ampp.config.address import HostPort, SecretUrl, TemplateUrl, WebUrl
from ampp.config.document import Config
from ampp.config.http import HttpConfig
from ampp.config.kind import SecretKind
from ampp.config.lint.finding import Finding
from ampp.config.lint.source import Path, Source
from ampp.config.receivers import EmailConfig, Entry
from ampp.config.secret import SECRET_TEXT, Secret
from ampp.config.section import section_fields
from ampp.config.url import UrlError, parse
from ampp.core.plan import Plan

__all__ = ["lint_receivers", "lint_secrets"]

_ADDRESSES: Final = tuple(type(get_args(alias)[1]) for alias in (SecretUrl, TemplateUrl, WebUrl))
_SECRET_ADDRESS: Final = type(get_args(SecretUrl)[1])
_INSTEAD: Final = {
    "secret_key": "leave it out: the environment's or the machine's own AWS credentials are used then",
    "secrets": "use files",
}
_OPENING: Final = frozenset(("pagerduty", "opsgenie", "victorops", "jira", "incidentio", "rootly", "alertmanager"))
"""Types that open something at the other side, which stays open if the end is not told."""


def lint_receivers(source: Source, config: Config, plan: Plan) -> Iterator[Finding]:
    """All findings about receivers but those about secrets."""
    used = {route.receiver for route in plan.root.walk()}
    for number, receiver in enumerate(config.receivers):
        path: Path = ("receivers", number)
        entries = receiver.entries()
        spot = source.node((*path, "name"))
        if receiver.name not in used:
            yield source.finding(
                "unused-receiver", spot, f"no route leads to the receiver {receiver.name}", "remove it, or route to it"
            )
        if not entries:
            yield source.finding(
                "empty-receiver",
                spot,
                f"the receiver {receiver.name} has no integrations: what it gets is told to nobody",
                "that is the way to drop alerts; if it is not what you meant, add one",
            )
        for kind, idx, entry in entries:
            yield from _entry(source, (*path, kind + "_configs", idx), kind, entry)
    yield from _verification(source)


def _entry(source: Source, path: Path, kind: str, entry: Entry) -> Iterator[Finding]:
    here = source.node(path)
    if not entry.send_resolved:
        opening = kind in _OPENING
        yield source.finding(
            "send-resolved-off",
            source.key((*path, "send_resolved")) if source.has((*path, "send_resolved")) else here,
            f"{kind} is not told when alerts end" + (": what it opened stays open" if opening else ""),
            "set send_resolved: true",
        )
    for name in _plain_addresses(entry):
        spot = source.node((*path, name)) if source.has((*path, name)) else here
        if _credentials(getattr(entry, "http_config", None)):
            yield source.finding(
                "credentials-over-http", spot, f"{name} is http: the credentials are sent unencrypted", "use https"
            )
        else:
            yield source.finding(
                "plain-http", spot, f"{name} is http: notifications are sent unencrypted", "use https where you can"
            )
    if isinstance(entry, EmailConfig) and _plain_mail(entry):
        spot = source.node((*path, "require_tls")) if source.has((*path, "require_tls")) else here
        yield source.finding(
            "plain-mail",
            spot,
            f"mail goes to {entry.smarthost} even if it cannot be encrypted",
            "set require_tls: true",
        )


def _plain_addresses(entry: Entry) -> Iterator[str]:
    for key, field in section_fields(type(entry)).items():
        if isinstance(field.kind, _ADDRESSES):
            value = getattr(entry, field.name)
            text = value.reveal() if isinstance(value, Secret) else str(value or "")
            if text.startswith("http://") and not _local(_host(text)):
                yield key


def _host(text: str) -> str:
    try:
        host = parse(text).host
    except UrlError:  # a template may stand in it
        return ""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and ":" in host else host


def _local(host: str) -> bool:
    """Whether it is this machine itself, so that nothing passes over a network."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _credentials(http: HttpConfig | None) -> bool:
    return http is not None and any((http.basic_auth, http.authorization, http.oauth2))


def _plain_mail(entry: EmailConfig) -> bool:
    host: HostPort = entry.smarthost
    return entry.require_tls is False and not entry.force_implicit_tls and not _local(host.host)


def _verification(source: Source) -> Iterator[Finding]:
    for path, node, _ in source.written("global", "receivers"):
        if path[-1] == "insecure_skip_verify" and node.value.lower() in ("true", "yes", "on", "y"):
            yield source.finding(
                "tls-verify-off",
                node,
                "certificates are not verified: whoever answers is believed",
                "name the certificate authority with ca_file instead",
            )


def lint_secrets(source: Source) -> Iterator[Finding]:
    """Secrets that stand in the file itself."""
    for path, node, kind in source.written("global", "receivers"):
        if not node.value or node.nullish or node.value == SECRET_TEXT or "{{" in node.value:
            continue
        name = next(str(step) for step in reversed(path) if isinstance(step, str))
        if name == "url":
            secret = isinstance(kind, (SecretKind, *_ADDRESSES)) and _password(node.value)
        else:
            secret = isinstance(kind, (SecretKind, _SECRET_ADDRESS))
        if secret:
            hint = _INSTEAD.get(name, f"use {name}_file")
            yield source.finding("plain-secret", node, f"{name} is a secret in plain text", hint)


def _password(text: str) -> bool:
    try:
        return bool(parse(text).password)
    except UrlError:
        return False
