"""Real mail servers on loopback: aiosmtpd in a thread, and one on trio that says what a test wants it to."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import trio
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mail(msgspec.Struct):
    """What came in: `content` as it was before the dots were doubled. `user`: who authenticated, and how."""

    sender: str
    recipients: list[str]
    options: list[str]
    content: bytes
    hello: str
    user: str
    secure: bool


class _Server(SMTP):
    """Asks for user and password in the words that upstream understands."""

    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "password:"


class Mailbox:
    """The handler of a server: keeps what comes, refuses what `refuse` (by a command's name) says."""

    def __init__(self, refuse: dict[str, list[str]] | None = None) -> None:
        self.port = 0
        self.mails: list[Mail] = []
        self.tried: list[str] = []
        self._refuse = refuse or {}
        self._user = ""

    def authenticate(self, _server: SMTP, _session: Session, _env: Envelope, how: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.tried.append(how)
        self._user = f"{how} {given.login.decode()}"
        return AuthResult(success=given.password == "pässword".encode(), handled=False)

    async def auth_CRAM__MD5(self, server: SMTP, _args: list[str]) -> AuthResult:
        challenge = b"<1896.697170952@postoffice.example.net>"
        answer = await server.challenge_auth(challenge)
        assert isinstance(answer, bytes)
        user, _, digest = answer.decode().rpartition(" ")
        self.tried.append("CRAM-MD5")
        self._user = f"CRAM-MD5 {user}"
        expected = hmac.new(b"top secret", challenge, hashlib.md5).hexdigest()
        return AuthResult(success=digest == expected, handled=False)

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, path: str, options: list[str]
    ) -> str:
        if answer := self._refused("MAIL"):
            return answer
        envelope.mail_from, envelope.mail_options = path, list(options)
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, path: str, _options: list[str]
    ) -> str:
        if answer := self._refused("RCPT"):
            return answer
        envelope.rcpt_tos.append(path)
        return "251 will forward" if path.startswith("gone") else "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := self._refused("DATA"):
            return answer
        assert envelope.mail_from is not None
        assert isinstance(envelope.original_content, bytes)
        self.mails.append(
            Mail(
                sender=envelope.mail_from,
                recipients=[str(path) for path in envelope.rcpt_tos],
                options=envelope.mail_options,
                content=envelope.original_content,
                hello=str(session.host_name),
                user=self._user if session.authenticated else "",
                secure=session.ssl is not None,
            )
        )
        return "250 queued"

    def _refused(self, command: str) -> str:
        answers = self._refuse.get(command, [])
        return answers.pop(0) if answers else ""


class TokenMailbox(Mailbox):
    """Takes the token `good`, and tells whoever has another why not, in the way that Google does."""

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]).decode()
        user = said.removeprefix("user=").partition("\1")[0]
        self.tried.append("XOAUTH2")
        self._user = f"XOAUTH2 {user}"
        if said == f"user={user}\1auth=Bearer good\1\1":
            return AuthResult(success=True)
        answer = await server.challenge_auth(b'{"status":"400"}')
        assert answer == b""
        return AuthResult(success=False, handled=False)


@contextlib.contextmanager
def mailbox(
    refuse: dict[str, list[str]] | None = None,
    *,
    implicit: ssl.SSLContext | None = None,
    kind: type[Mailbox] = Mailbox,
    **options: Any,
) -> Iterator[Mailbox]:
    """An aiosmtpd server for the time of the block; `options` are those of its `SMTP`, `kind` that of its handler."""
    box = kind(refuse)
    loop = asyncio.new_event_loop()

    def serve() -> SMTP:
        options.setdefault("enable_SMTPUTF8", True)
        return _Server(box, hostname="mx.example", loop=loop, authenticator=box.authenticate, **options)

    server = loop.run_until_complete(loop.create_server(serve, "127.0.0.1", 0, ssl=implicit))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Script:
    """What a scripted server heard, line by line, over all connections."""

    def __init__(self) -> None:
        self.port = 0
        self.heard: list[str] = []
        self.connections = 0


@contextlib.asynccontextmanager
async def scripted(greeting: bytes, *replies: bytes, hang: bool = False) -> AsyncIterator[Script]:
    """A server that greets, and answers each line with the next reply; an empty one hangs up, as the end does.

    With `hang` the server listens on at the end, and keeps silent.
    """
    script = Script()

    async def talk(stream: trio.SocketStream) -> None:
        script.connections += 1
        lines = _Lines(stream)
        async with stream:
            with contextlib.suppress(trio.BrokenResourceError, EOFError):
                if not greeting:
                    return
                await stream.send_all(greeting)
                for reply in replies:
                    script.heard.append(await lines.next())
                    if not reply:
                        return
                    await stream.send_all(reply)
                while hang:
                    script.heard.append(await lines.next())

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        script.port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, talk, [listener])
        yield script
        nursery.cancel_scope.cancel()


class _Lines:
    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._unread = b""

    async def next(self) -> str:
        """The next line. Raises `EOFError`."""
        while b"\r\n" not in self._unread:
            more = await self._stream.receive_some(65536)
            if not more:
                raise EOFError
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line.decode(errors="replace")
