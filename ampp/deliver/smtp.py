"""The client side of SMTP (RFC 5321), as Go's net/smtp speaks it: one connection, one command at a time.

Everything waits on trio, so an attempt whose time is over is simply cancelled. A session that ends before the final dot
of a mail leaves nothing behind: the server drops what it has not been told the end of.
"""

import base64
import binascii
import contextlib
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Final

import msgspec
import trio

from ampp.core.quote import go_quote
from ampp.deliver.dial import dial
from ampp.deliver.fault import describe
from ampp.deliver.sasl import Mechanism, SaslError, redact

__all__ = ["Session", "SmtpError", "connect", "dotted"]


class SmtpError(Exception):
    """The server said no, or nothing. The message is Go's: `550 no such user`, `EOF`."""


class _Answer(msgspec.Struct, frozen=True):
    """A reply; `text` has the lines without their codes."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code:03d} {self.text}"


_CONNECT_WAIT: Final = 15.0
"""Seconds for a connection, and again for its TLS handshake, as for HTTP."""

_REPLY_WAIT: Final = 300.0
"""Seconds for the reply to a command, and for the greeting (RFC 5321, 4.5.3.2)."""

_ACCEPT_WAIT: Final = 600.0
"""Seconds for a mail to go over, and again for the server to accept it."""

_QUIT_WAIT: Final = 1.0
"""Seconds for the farewell, which decides nothing."""

_REPLY_LIMIT: Final = 64 * 1024
"""Bytes of one reply."""

_CHUNK: Final = 64 * 1024

# Go knows these without asking the system; the smallest images have no list of services to ask.
_SERVICES: Final = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465}


def dotted(mail: bytes) -> bytes:
    """A mail as it goes over the line, final dot and all; this takes a while if it is long.

    Every line end becomes CRLF, so that no server sees an end where none is.
    """
    # Whole passes in C, each short; a regex would hold up the other threads for as long as it takes.
    lines = mail.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
    return (b"\n" + lines).replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")[2:] + b"\r\n.\r\n"


class Session:
    """A conversation with one server. To be closed whatever happens.

    `secure`: nobody can listen. `extensions`: what the server offers, upper-case names to parameters; empty before
    `hello` and when it does not speak ESMTP.
    """

    def __init__(self, stream: trio.abc.Stream, host: str, port: int, *, secure: bool) -> None:
        self.secure = secure
        self.extensions: Mapping[str, str] = {}
        self._stream = stream
        self._host = host
        self._port = port
        self._name = ""
        self._unread = bytearray()
        self._idle = False

    async def greet(self) -> None:
        """Wait for the server's greeting. Raises `SmtpError`."""
        _expect(await self._reply(), 220)

    async def hello(self, name: str) -> None:
        """EHLO, or HELO for a server that does not know it. Raises `SmtpError`."""
        self._name = name
        answer = await self._command(f"EHLO {name}")
        if answer.code == 250:
            self._extended(answer)
        else:
            _expect(await self._command(f"HELO {name}"), 250)

    async def starttls(self, context: ssl.SSLContext) -> None:
        """Go on under TLS. Raises `SmtpError`; then nothing more can be said."""
        _expect(await self._command("STARTTLS"), 220)
        self._idle = False
        if self._unread:
            # Whoever slipped this in wants it to be taken for something said under TLS.
            raise SmtpError("tls: data before the handshake")
        self._stream = await _handshake(self._stream, context, self._host, self._port)
        self.secure = True
        self._idle = True
        answer = await self._command(f"EHLO {self._name}")
        _expect(answer, 250)
        self._extended(answer)

    async def authenticate(self, how: Mechanism) -> None:
        """Raises `SmtpError`, in which the secret does not show."""
        if how.guarded and not self.secure and self._host not in ("localhost", "127.0.0.1", "::1"):
            raise SmtpError("unencrypted connection")
        answer = await self._command(f"AUTH {how.name} {base64.b64encode(how.initial).decode()}".rstrip())
        while answer.code == 334:
            try:
                response = how.respond(base64.b64decode(answer.text, validate=True))
            except binascii.Error:
                why = "illegal base64 data in the server's challenge"
            except SaslError as error:
                why = str(error)
            else:
                answer = await self._command(base64.b64encode(response).decode())
                continue
            await self._command("*")
            raise SmtpError(why)
        if answer.code != 235:
            raise SmtpError(redact(str(answer), how))

    async def mail(self, path: str) -> None:
        """MAIL: begin a mail from this address. Raises `SmtpError`."""
        command = f"MAIL FROM:<{path}>"
        if "8BITMIME" in self.extensions:
            command += " BODY=8BITMIME"
        if "SMTPUTF8" in self.extensions:
            command += " SMTPUTF8"
        _expect(await self._command(command), 250)

    async def recipient(self, path: str) -> None:
        """RCPT: one more recipient. Raises `SmtpError`."""
        answer = await self._command(f"RCPT TO:<{path}>")
        if answer.code // 10 != 25:
            raise SmtpError(str(answer))

    async def data(self) -> None:
        """DATA: ask to send the mail. Raises `SmtpError`."""
        _expect(await self._command("DATA"), 354)

    async def message(self, mail: bytes) -> None:
        """The mail itself, `dotted`, after `data`; back when the server has taken it over. Raises `SmtpError`."""
        whole = memoryview(mail)
        self._idle = False
        with trio.move_on_after(_ACCEPT_WAIT) as sending:
            for start in range(0, len(whole), _CHUNK):
                await self._send(whole[start : start + _CHUNK])
        if sending.cancelled_caught:
            raise SmtpError(f"write tcp {self._address}: i/o timeout")
        _expect(await self._reply(_ACCEPT_WAIT), 250)

    async def aclose(self) -> None:
        """Say goodbye if that is possible at this point, and close. Never raises, and never takes long."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _QUIT_WAIT):
            if self._idle:
                with contextlib.suppress(SmtpError):
                    await self._command("QUIT")
        await _close(self._stream)

    @property
    def _address(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    def _extended(self, answer: _Answer) -> None:
        pairs = (line.partition(" ") for line in answer.text.split("\n")[1:])
        self.extensions = {name.upper(): parameters for name, _, parameters in pairs}

    async def _command(self, line: str) -> _Answer:
        if "\r" in line or "\n" in line:
            raise SmtpError("smtp: A line must not contain CR or LF")
        self._idle = False
        with trio.move_on_after(_REPLY_WAIT) as sending:
            await self._send(line.encode("utf-8", "surrogateescape") + b"\r\n")
        if sending.cancelled_caught:
            raise SmtpError(f"write tcp {self._address}: i/o timeout")
        return await self._reply()

    async def _send(self, data: bytes | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise SmtpError(_broken(error, self._host, self._port)) from None

    async def _reply(self, wait: float = _REPLY_WAIT) -> _Answer:
        with trio.move_on_after(wait):
            answer = await self._read_reply()
            self._idle = True
            return answer
        raise SmtpError(f"read tcp {self._address}: i/o timeout")

    async def _read_reply(self) -> _Answer:
        size = 0
        lines: list[str] = []
        code = 0
        while True:
            raw = await self._line(_REPLY_LIMIT - size)
            size += len(raw) + 1
            line = raw.decode(errors="replace")
            found = _CODE.match(line)
            if not lines:
                if found is None:
                    kind = "short response" if len(line) < 4 or line[3] not in " -" else "invalid response code"
                    raise SmtpError(f"{kind}: {go_quote(line)}")
                code = int(found[1])
            # As Go, take a line without the code for one more line of text.
            own = found is not None and int(found[1]) == code
            lines.append(line[4:] if own else line)
            if own and line[3:4] != "-":
                return _Answer(code, "\n".join(lines))

    async def _line(self, limit: int) -> bytes:
        """The next line without its end."""
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            if searched > limit:
                raise SmtpError("reply too long")
            try:
                more = await self._stream.receive_some(4096)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise SmtpError(_broken(error, self._host, self._port)) from None
            if not more:
                raise SmtpError("EOF")
            self._unread += more
        if end > limit:
            raise SmtpError("reply too long")
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line.removesuffix(b"\r")


_CODE: Final = re.compile(r"([1-9][0-9]{2})(?:[ -]|$)", re.ASCII)


async def connect(host: str, port: str, context: ssl.SSLContext | None) -> Session:
    """Connect to a server, under TLS from the start where a context is given. Raises `SmtpError`.

    What comes next is `Session.greet`.
    """
    number = await _number(port)
    target = host or "localhost"
    stream: trio.abc.Stream | None = None
    with trio.move_on_after(_CONNECT_WAIT):
        try:
            stream = await dial(target, number)
        except UnicodeError:
            # Too long, or not to be had in IDNA.
            raise SmtpError(f"dial tcp: lookup {target}: no such host") from None
        except OSError as error:
            raise SmtpError(describe(error, target, number, dialled=True)) from None
    if stream is None:
        raise SmtpError(f"dial tcp {host}:{number}: i/o timeout")
    if context is not None:
        stream = await _handshake(stream, context, target, number)
    return Session(stream, host, number, secure=context is not None)


async def _number(port: str) -> int:
    if port in _SERVICES:
        return _SERVICES[port]
    try:
        number = int(port) if port.isdecimal() else await trio.to_thread.run_sync(socket.getservbyname, port, "tcp")
    except OSError:
        raise SmtpError(f"dial tcp: lookup tcp/{port}: unknown port") from None
    if number > 65535:
        raise SmtpError(f"dial tcp: address {port}: invalid port")
    return number


async def _handshake(stream: trio.abc.Stream, context: ssl.SSLContext, host: str, port: int) -> trio.abc.Stream:
    """The stream under TLS; if that fails, `stream` is closed."""
    # Mail servers too are known to hang up without a closing alert; SMTP itself says where everything ends.
    secured = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    done = False
    try:
        with trio.move_on_after(_CONNECT_WAIT):
            await secured.do_handshake()
            done = True
    except (trio.BrokenResourceError, ssl.SSLError, ValueError) as error:
        raise SmtpError(_broken(error, host, port)) from None
    finally:
        if not done:
            await _close(stream)
    if not done:
        raise SmtpError("tls: handshake timed out")
    return secured


async def _close(stream: trio.abc.Stream) -> None:
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(stream)


def _broken(error: Exception, host: str, port: int) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLEOFError):
        return "EOF"
    if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
        return "tls: first record does not look like a TLS handshake"
    return describe(error, host, port)


_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")


def _expect(answer: _Answer, code: int) -> None:
    if answer.code != code:
        raise SmtpError(str(answer))
