"""Mail: one message per notification, handed to a mail server; what the server will not take is tried again.

Upstream renders while the connection is open and, when a template fails in the middle, still ends the mail, half
written. Here nothing is said to a server before the whole mail stands.
"""

import contextlib
import secrets
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from ampp.config.http import TlsConfig
from ampp.config.receivers.email import EmailConfig
from ampp.config.secret import Secret
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver import sasl, smtp
from ampp.deliver.address import AddressError, addresses, path
from ampp.deliver.apart import apart
from ampp.deliver.letter import Letter, taker
from ampp.deliver.message import data, group_hash
from ampp.deliver.mime import compose
from ampp.deliver.rendering import message as say
from ampp.deliver.secret import Files, SecretError, read_now
from ampp.deliver.sender import BuildError, Sender, SendError
from ampp.deliver.tls import Tls
from ampp.template.error import TemplateError
from ampp.template.renderer import Renderer

if TYPE_CHECKING:
    from ampp.deliver.oauth import Tokens

__all__ = ["Email", "build"]


class Email:
    """Sends to the recipients of one entry of `email_configs`."""

    def __init__(self, config: EmailConfig, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._external_url = external_url
        self._renderer = renderer
        self._files = Files()
        self._tokens = _tokens(config, self._files)
        self._headers = {**config.headers}
        self._headers.setdefault("Subject", '{{ template "email.default.subject" . }}')
        self._headers.setdefault("To", config.to)
        self._headers.setdefault("From", config.from_)
        implicit = config.force_implicit_tls
        self._implicit = config.smarthost.port == "465" if implicit is None else implicit
        self._starttls = bool(config.require_tls) and not self._implicit
        self._hostname = socket.gethostname() or "localhost.localdomain"
        self._salt = secrets.token_hex(16)

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        letter = await apart(self._write, notify, alerts)
        if (take := taker()) is not None:
            take(letter)
            return notify.data
        context = await self._context() if self._implicit or self._starttls else None
        host = self._config.smarthost
        with _step(f"establish {'TLS ' if self._implicit else ''}connection to server"):
            session = await smtp.connect(host.host, host.port, context if self._implicit else None)
        try:
            await self._introduce(session, context)
            await _hand_over(session, letter)
        finally:
            await session.aclose()
        return notify.data

    async def aclose(self) -> None:
        """Only the way to the token server is kept between mails."""
        if self._tokens is not None:
            await self._tokens.aclose()

    async def _introduce(self, session: smtp.Session, context: ssl.SSLContext | None) -> None:
        """All that comes before the mail: greetings, TLS, credentials."""
        with _step("create SMTP client"):
            await session.greet()
        with _step("send EHLO command"):
            await session.hello(self._config.hello or "localhost")
        if self._starttls and context is not None:
            if "STARTTLS" not in session.extensions:
                where = f'"{self._config.smarthost}"'
                why = f"'require_tls' is true (default) but {where} does not advertise the STARTTLS extension"
                raise SendError(why, retry=True)
            with _step("send STARTTLS command"):
                await session.starttls(context)
        offered = session.extensions.get("AUTH")
        if offered is not None and self._config.auth_username:
            mechanism = await self._mechanism(offered)
            with _step(f"{mechanism.go} auth"):
                await session.authenticate(mechanism)

    async def _mechanism(self, offered: str) -> sasl.Mechanism:
        """The first of the server's mechanisms for which there are credentials."""
        config = self._config
        user = config.auth_username.encode()
        wrong: list[str] = []
        for name in offered.split(" "):
            try:
                if name == "CRAM-MD5":
                    # Upstream keeps a line end, with which no server would agree.
                    if secret := (await self._secret(config.auth_secret, config.auth_secret_file)).rstrip(b"\r\n"):
                        return sasl.cram_md5(user, secret)
                    wrong.append("missing secret for CRAM-MD5 auth mechanism")
                elif name == "XOAUTH2" and self._tokens is not None:
                    return sasl.xoauth2(user, await self._tokens.authorization())
                elif name in ("PLAIN", "LOGIN"):
                    if password := await self._password():
                        if name == "PLAIN":
                            return sasl.plain(config.auth_identity.encode(), user, password)
                        return sasl.login(user, password)
                    wrong.append(f"missing password for {name} auth mechanism")
                else:
                    wrong.append(f"unknown auth mechanism: {name}")
            except (SecretError, SendError) as error:
                wrong.append(str(error))
        raise SendError("find auth mechanism: " + "\n".join(wrong), retry=True)

    async def _password(self) -> bytes:
        password = await self._secret(self._config.auth_password, self._config.auth_password_file)
        # What is written inline is taken as it is.
        return password.strip() if self._config.auth_password_file else password

    async def _secret(self, value: Secret, file: str) -> bytes:
        if not file:
            return value.reveal().encode()
        try:
            return await self._files.run(partial(read_now, file))
        except SecretError as error:
            raise SecretError(f"could not read {file}: {str(error).partition(': ')[2]}") from None

    async def _context(self) -> ssl.SSLContext:
        try:
            return await self._files.run(partial(_context, self._config.tls_config or TlsConfig()))
        except (BuildError, SecretError) as error:
            raise SendError(f"parse TLS configuration: {error}", retry=False) from None

    def _write(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Letter:
        told = data(notify, alerts, self._external_url)

        def text(what: str, template: str, *, stand_in: bool = True) -> str:
            try:
                return say(self._renderer, template, told) if stand_in else self._renderer.text(template, told)
            except TemplateError as error:
                raise SendError(f"execute {what}: {error}", retry=False) from None

        config = self._config
        sender = _parse("from", text("'from' template", config.from_, stand_in=False))
        if len(sender) != 1:
            raise SendError(f"must be exactly one 'from' address (got: {len(sender)})", retry=False)
        recipients = _parse("to", text("'to' template", config.to, stand_in=False))
        headers = [(name, text(f'"{name}" header template', template)) for name, template in self._headers.items()]
        headers += self._own_headers(notify)
        parts = []
        if config.text:
            parts.append(("text/plain", text("text template", config.text)))
        if config.html:
            try:
                parts.append(("text/html", say(self._renderer, config.html, told, html=True)))
            except TemplateError as error:
                raise SendError(f"execute html template: {error}", retry=False) from None
        content = compose(headers, parts, secrets.token_hex(30))
        return Letter(
            sender=path(sender[0]),
            recipients=tuple(map(path, recipients)),
            content=content,
            line=smtp.dotted(content),
            server=str(config.smarthost),
            way=self._way(),
        )

    def _way(self) -> str:
        tls = "implicit TLS" if self._implicit else "STARTTLS required" if self._starttls else "no TLS"
        user = self._config.auth_username
        return f"{tls}, as {user} if the server asks who it is" if user else f"{tls}, without credentials"

    def _own_headers(self, notify: Notify) -> list[tuple[str, str]]:
        now = datetime.now().astimezone()
        headers = []
        if "Message-Id" not in self._headers:
            headers.append(("Message-Id", self._message_id(notify)))
        if self._config.threading.enabled:
            day = "" if self._config.threading.thread_by_date == "none" else now.strftime("%Y-%m-%d")
            group = group_hash(notify)[:16]
            # Nobody ever sent this one; mail programs gather below it those that refer to it.
            root = f"<alert-{group}-{day}@alertmanager>"
            headers += [("References", root), ("In-Reply-To", root)]
        headers.append(("Date", format_datetime(now)))
        return headers

    def _message_id(self, notify: Notify) -> str:
        """The same for all attempts of one notification, so that a mail taken twice can be seen to be one.

        Of the token alone it cannot be made: that comes again once the log has forgotten what was told.
        """
        text = f"{self._salt}\0{notify.token}\0{notify.flush}\0{notify.deadline}"
        number = sha256(text.encode()).digest()
        return f"<{int.from_bytes(number[:8])}.{int.from_bytes(number[8:16])}@{self._hostname}>"


async def _hand_over(session: smtp.Session, letter: Letter) -> None:
    with _step("send MAIL command"):
        await session.mail(letter.sender)
    for recipient in letter.recipients:
        with _step("send RCPT command"):
            await session.recipient(recipient)
    with _step("send DATA command"):
        await session.data()
    with _step("delivery failure"):
        await session.message(letter.line)


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    """Whatever goes wrong between here and the server may go better next time."""
    try:
        yield
    except smtp.SmtpError as error:
        raise SendError(f"{what}: {error}", retry=True) from None


def _parse(what: str, text: str) -> list[str]:
    try:
        return addresses(text)
    except AddressError as error:
        raise SendError(f"parse '{what}' addresses: {error}", retry=False) from None


def _context(config: TlsConfig) -> ssl.SSLContext:
    tls = Tls(config, protocol="")
    return tls.context(tls.read())


def _tokens(config: EmailConfig, files: Files) -> "Tokens | None":
    if config.auth_xoauth2 is None:
        return None
    # Without this way to authenticate, mail has no use for an HTTP client.
    from ampp.deliver import http

    return http.tokens(config.auth_xoauth2, files)


def build(config: EmailConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `email_configs`. Raises `BuildError`."""
    return Email(config, external_url, renderer)
