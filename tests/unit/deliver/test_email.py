"""Mail against real servers: what arrives, by which way, and what each refusal makes of the attempt."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from ampp.config import ConfigError, load
from ampp.config.address import HostPort
from ampp.config.http import OAuth2, TlsConfig
from ampp.config.receivers.email import EmailConfig, Threading
from ampp.config.secret import Secret
from ampp.core.plan import Integration
from ampp.core.reason import FailureReason
from ampp.deliver import smtp
from ampp.deliver.integrations.email import Email, build
from ampp.deliver.sender import SendError
from ampp.template.renderer import Renderer

from .kit import alert, notify, running
from .mailbox import Mail, Mailbox, TokenMailbox, mailbox, scripted
from .server import answer, serving
from .test_http import Authority

RENDERER = Renderer()
MAIL = Integration("team", "email", 0, True)
PASSWORD = "pässword"
TOKENS = (b"good", b"b4d")


def mailer(port: int | str, host: str = "127.0.0.1", **more: Any) -> Email:
    given = {"to": "ops@example.org", "from_": "am@example.org", "hello": "am.example", "require_tls": False}
    config = EmailConfig(smarthost=HostPort(host, str(port)), **{**given, **more})
    sender = build(config, "http://am:9093", RENDERER)
    assert isinstance(sender, Email)
    return sender


async def sent(sender: Email, box: Mailbox, *alerts: Any, **more: Any) -> Mail:
    told = notify(MAIL, *alerts, **more)
    assert await sender.send(told, told.alerts) == told.data
    await sender.aclose()
    return box.mails[-1]


async def failure(sender: Email) -> SendError:
    told = notify(MAIL)
    with trio.fail_after(20), pytest.raises(SendError) as caught:
        await sender.send(told, told.alerts)
    await sender.aclose()
    assert caught.value.reason is FailureReason.OTHER
    return caught.value


def parsed(mail: Mail) -> EmailMessage:
    message = email.message_from_bytes(mail.content, policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def texts(mail: Mail) -> dict[str, str]:
    return {part.get_content_type(): part.get_content() for part in parsed(mail).iter_parts()}


# What arrives.


async def test_what_arrives() -> None:
    with mailbox() as box:
        mail = await sent(
            mailer(
                box.port,
                to="Ops <ops@example.org>, {{ .GroupLabels.alertname }}@example.org",
                from_="{{ .Receiver }} <am@example.org>",
                headers={"X-Status": "{{ .Status }}", "X-Empty": ""},
                text="{{ .Status }} of {{ .GroupLabels.alertname }}\n.\n..\nline \n",
                html="<b>{{ .GroupLabels.alertname }}</b>",
            ),
            box,
            data={"kept": 1},
        )
    assert mail.sender == "am@example.org"
    assert mail.recipients == ["ops@example.org", "Down@example.org"]
    assert (mail.hello, mail.user, mail.secure) == ("am.example", "", False)
    assert mail.options == ["BODY=8BITMIME", "SMTPUTF8"]
    shape = re.fullmatch(
        rb"X-Status: firing\r\nX-Empty: \r\nSubject: \[FIRING:1\] Down \r\n"
        rb"To: Ops <ops@example\.org>, Down@example\.org\r\nFrom: team <am@example\.org>\r\n"
        rb"Message-Id: <\d+\.\d+@[^>\s]+>\r\n"
        rb"Date: (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] 20\d\d \d\d:\d\d:\d\d [+-]\d{4}\r\n"
        rb"Content-Type: multipart/alternative;  boundary=([0-9a-f]{60})\r\nMIME-Version: 1\.0\r\n\r\n"
        rb"--\1\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n"
        rb"firing of Down\r\n\.\r\n\.\.\r\nline=20\r\n\r\n"
        rb"--\1\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n"
        rb"<b>Down</b>\r\n--\1--\r\n",
        mail.content,
    )
    assert shape is not None


async def test_resolved_and_the_default_text() -> None:
    with mailbox() as box:
        mail = await sent(mailer(box.port), box, alert(firing=False, zone="<x>"))
    assert parsed(mail)["Subject"] == "[RESOLVED] Down (<x>)"
    assert list(texts(mail)) == ["text/html"]
    assert "&lt;x&gt;" in texts(mail)["text/html"]


@pytest.mark.parametrize(
    ("html", "text", "parts"),
    [("", "only", {"text/plain": "only"}), ("<i>", "", {"text/html": "<i>"}), ("", "", {})],
)
async def test_an_empty_part_is_left_out(html: str, text: str, parts: dict[str, str]) -> None:
    with mailbox() as box:
        mail = await sent(mailer(box.port, html=html, text=text), box)
    got = email.message_from_bytes(mail.content, policy=email.policy.SMTP)
    assert {p.get_content_type(): p.get_payload(decode=True) for p in got.walk() if not p.is_multipart()} == {
        media: content.encode() for media, content in parts.items()
    } or not parts
    assert mail.content.count(b"Content-Transfer-Encoding") == len(parts)


async def test_unicode_everywhere() -> None:
    text = "äöü \U0001f600 \u2028 " * 20
    with mailbox() as box:
        mail = await sent(
            mailer(
                box.port,
                to="Jürgen <jürgen@bücher.example>",
                headers={"Subject": "{{ .CommonLabels.zone }}", "X-Long": "ü" * 200},
                text="{{ .CommonLabels.zone }}\n" + text,
                html="<p>{{ .CommonLabels.zone }}",
            ),
            box,
            alert(zone="Zürich \U0001f600"),
        )
    assert mail.recipients == ["jürgen@bücher.example"]
    message = parsed(mail)
    assert message["Subject"] == "Zürich \U0001f600"
    assert message["X-Long"] == "ü" * 200
    assert texts(mail)["text/plain"] == "Zürich \U0001f600\r\n" + text
    assert texts(mail)["text/html"] == "<p>Zürich \U0001f600"
    assert mail.content.isascii()


async def test_a_header_that_is_configured_takes_the_place_of_ours() -> None:
    headers = {"From": "Boss <boss@example.org>", "To": "all", "Subject": "s", "Message-Id": "<mine@x>"}
    with mailbox() as box:
        mail = await sent(mailer(box.port, headers=headers), box)
    assert (mail.sender, mail.recipients) == ("am@example.org", ["ops@example.org"])
    head = mail.content.partition(b"\r\n\r\n")[0]
    for name, value in headers.items():
        assert re.findall(rf"(?mi)^{name}: (.*)\r$", head.decode()) == [value]


async def test_attempts_share_their_message_id_and_notifications_do_not() -> None:
    with mailbox({"DATA": ["451 later"]}) as box:
        sender = mailer(box.port)
        told = notify(MAIL)
        with pytest.raises(SendError, match=r"^delivery failure: 451 later$"):
            await sender.send(told, told.alerts)
        await sender.send(told, told.alerts)
        await sender.send(told, told.alerts)
        other = msgspec.structs.replace(told, flush=2)
        await sender.send(other, other.alerts)
    first, again, next_one = (parsed(mail)["Message-Id"] for mail in box.mails)
    assert first == again != next_one


@pytest.mark.parametrize("by", ["none", "daily"])
async def test_threads(by: str) -> None:
    with mailbox() as box:
        sender = mailer(box.port, threading=Threading(enabled=True, thread_by_date=by))
        mails = [await sent(sender, box, group=group) for group in ("{}:{a=1}", "{}:{a=1}", "{}:{a=2}")]
    roots = [parsed(mail)["References"] for mail in mails]
    assert [parsed(mail)["In-Reply-To"] for mail in mails] == roots
    assert roots[0] == roots[1] != roots[2]
    day = r"\d{4}-\d\d-\d\d" if by == "daily" else ""
    assert re.fullmatch(rf"<alert-[0-9a-f]{{16}}-{day}@alertmanager>", roots[0])
    if not day:
        assert roots[0] == "<alert-31e10edc603fcaf8-@alertmanager>"


async def test_ten_megabytes_arrive_whole_and_hold_up_nobody() -> None:
    line = "0123456789 ü" * 8
    text = "\n".join([line] * 90_000)
    assert len(text.encode()) > 9_000_000
    with mailbox() as box:
        mail = await sent(mailer(box.port, html="", text=text), box)
    assert texts(mail)["text/plain"] == text.replace("\n", "\r\n")
    body = mail.content.partition(b"\r\n--")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76


async def test_a_long_subject_is_folded() -> None:
    subject = "word " * 500
    with mailbox() as box:
        mail = await sent(mailer(box.port, headers={"Subject": subject, "X-U": "ü " * 700}), box)
    assert parsed(mail)["Subject"].split() == subject.split()
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998


# What must not get through.


async def test_headers_cannot_be_slipped_in() -> None:
    evil = "x\r\nBcc: all@example.org\r\n\r\n<b>body\r\n.\r\nMAIL FROM:<evil@example.org>\r\n"
    with mailbox() as box:
        mail = await sent(
            mailer(
                box.port,
                headers={"Subject": "{{ .CommonLabels.zone }}", "X-Cr": "{{ .CommonLabels.zone }}"},
                text="{{ .CommonLabels.zone }}",
            ),
            box,
            alert(zone=evil),
        )
        assert len(box.mails) == 1
    message = parsed(mail)
    assert message["Bcc"] is None
    assert message.keys()[:2] == ["Subject", "X-Cr"]
    assert texts(mail)["text/plain"] == evil
    assert mail.recipients == ["ops@example.org"]


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("a@b\r\nRCPT TO:<evil@x>", "mail: expected comma"),
        ('"a\r\nRCPT TO:<evil@x>"@b', "mail: missing word in phrase: mail: bad character in quoted-string: '\\r'"),
        ("a@b\n", "mail: expected comma"),
        ("", "mail: no address"),
        ("nobody", "mail: missing '@' or angle-addr"),
        ("<a@b> SIZE=1", "mail: expected comma"),
    ],
)
async def test_addresses_that_are_none_are_not_tried_again(to: str, text: str) -> None:
    async with scripted(b"220 hi\r\n") as server:
        error = await failure(mailer(server.port, to="{{ .CommonLabels.alertname | reReplaceAll `.*` `` }}" + to))
        assert (str(error), error.retry) == (f"parse 'to' addresses: {text}", False)
        error = await failure(mailer(server.port, from_=to))
        assert (str(error), error.retry) == (f"parse 'from' addresses: {text}", False)
        assert server.connections == 0


async def test_an_odd_address_stays_inside_its_command() -> None:
    with mailbox() as box:
        mail = await sent(mailer(box.port, to='"a> NOTIFY=NEVER <\\"b"@example.org, gone@[127.0.0.1]'), box)
    assert mail.recipients == ['"a> NOTIFY=NEVER <\\"b"@example.org', "gone@[127.0.0.1]"]


async def test_a_group_of_recipients() -> None:
    with mailbox() as box:
        mail = await sent(mailer(box.port, to="Team: a@b.c, B (c) <b@b.c>; , d@e.f,"), box)
    assert mail.recipients == ["a@b.c", "b@b.c", "d@e.f"]


async def test_exactly_one_sender() -> None:
    error = await failure(mailer(1, from_="a@b, c@d"))
    assert (str(error), error.retry) == ("must be exactly one 'from' address (got: 2)", False)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"from_": "{{ .x }}"}, "execute 'from' template: "),
        ({"to": "{{ .x }}"}, "execute 'to' template: "),
        ({"headers": {"X-A": "{{ .x }}"}}, 'execute "X-A" header template: '),
        ({"text": "{{ .x }}"}, "execute text template: "),
        ({"html": "{{ .x }}"}, "execute html template: "),
    ],
)
async def test_templates_that_fail_are_not_tried_again_and_nothing_is_sent(more: dict[str, Any], text: str) -> None:
    async with scripted(b"220 hi\r\n") as server:
        error = await failure(mailer(server.port, **more))
        assert str(error).startswith(text + "template: :1:3: executing ")
        assert not error.retry
        assert server.connections == 0


# Who we say we are.


@pytest.mark.parametrize(
    ("hidden", "more", "user"),
    [
        ([], {"auth_password": Secret(PASSWORD)}, "LOGIN"),
        (["LOGIN"], {"auth_password": Secret(PASSWORD), "auth_identity": ""}, "PLAIN"),
        ([], {"auth_secret": Secret("top secret")}, "CRAM-MD5"),
        ([], {"auth_password": Secret(PASSWORD), "auth_secret": Secret("top secret")}, "CRAM-MD5"),
    ],
)
async def test_the_first_offered_mechanism_with_credentials(hidden: list[str], more: dict[str, Any], user: str) -> None:
    with mailbox(auth_require_tls=False, auth_exclude_mechanism=hidden) as box:
        mail = await sent(mailer(box.port, auth_username="jürgen", **more), box)
    # aiosmtpd offers CRAM-MD5, LOGIN, PLAIN.
    assert mail.user == f"{user} jürgen"
    assert box.tried == [user]


async def test_no_user_no_authentication() -> None:
    with mailbox(auth_require_tls=False) as box:
        mail = await sent(mailer(box.port, auth_password=Secret(PASSWORD)), box)
    assert mail.user == ""


async def test_a_server_that_offers_none_is_not_asked() -> None:
    with mailbox() as box:
        mail = await sent(mailer(box.port, auth_username="a", auth_password=Secret(PASSWORD)), box)
    assert mail.user == ""


async def test_secrets_are_read_at_each_attempt(tmp_path: Path) -> None:
    password, secret = tmp_path / "password", tmp_path / "secret"
    with mailbox(auth_require_tls=False) as box:
        both = mailer(box.port, auth_username="u", auth_password_file=str(password), auth_secret_file=str(secret))
        error = await failure(both)
        assert error.retry
        assert str(error) == "find auth mechanism: " + "\n".join(
            f"could not read {file}: open {file}: no such file or directory" for file in (secret, password, password)
        )
        password.write_text(f" {PASSWORD}\n")
        assert (await sent(both, box)).user == "LOGIN u"
        secret.write_text("top secret\n")
        assert (await sent(both, box)).user == "CRAM-MD5 u"


async def test_a_token_in_the_place_of_a_password() -> None:
    grants = [answer(200, b'{"access_token":"%s","token_type":"Bearer","expires_in":3600}' % word) for word in TOKENS]
    with mailbox(kind=TokenMailbox, auth_require_tls=False, auth_exclude_mechanism=["CRAM-MD5"]) as box:
        async with serving(*grants) as tokens:
            oauth2 = OAuth2(client_id="me", client_secret=Secret("hush"), token_url=tokens.url)
            assert (await sent(mailer(box.port, auth_username="u@x", auth_xoauth2=oauth2), box)).user == "XOAUTH2 u@x"
            error = await failure(mailer(box.port, auth_username="u@x", auth_xoauth2=oauth2))
            assert error.retry
            assert str(error).startswith("XOAUTH2 auth: 535 ")
            assert "b4d" not in str(error)
        # Nobody is there to give one.
        error = await failure(mailer(box.port, auth_username="u@x", auth_xoauth2=oauth2))
        assert error.retry
        assert "connect: connection refused" in str(error)
        assert "hush" not in str(error)
        assert box.tried == ["XOAUTH2"] * 2


def test_where_tokens_come_from_is_checked() -> None:
    for entry, words in (
        ("{client_id: a}", "oauth2 token_url must be configured"),
        ("{token_url: 'http://a'}", "oauth2 client_id must be configured"),
        ("{client_id: a, token_url: 'http://a', scope: x}", "field scope not found"),
    ):
        with pytest.raises(ConfigError, match=words):
            load(
                "route: {receiver: r}\nreceivers:\n- name: r\n  email_configs:\n"
                f"  - {{to: a@b, from: c@d, smarthost: 'h:25', auth_username: u, auth_xoauth2: {entry}}}\n"
            )


async def test_no_credentials_for_what_is_offered() -> None:
    async with scripted(b"220 hi\r\n", b"250-x\r\n250 AUTH XOAUTH2 LOGIN PLAIN CRAM-MD5\r\n", b"221 bye\r\n") as server:
        error = await failure(mailer(server.port, auth_username="u"))
    assert error.retry
    assert str(error) == (
        "find auth mechanism: unknown auth mechanism: XOAUTH2\nmissing password for LOGIN auth mechanism\n"
        "missing password for PLAIN auth mechanism\nmissing secret for CRAM-MD5 auth mechanism"
    )
    assert server.heard == ["EHLO am.example", "QUIT"]


async def test_identity_goes_with_plain() -> None:
    async with scripted(b"220 hi\r\n", b"250-x\r\n250 AUTH PLAIN\r\n", b"235 ok\r\n", b"") as server:
        await failure(mailer(server.port, auth_username="u", auth_identity="boss", auth_password=Secret("p")))
    assert server.heard[1] == "AUTH PLAIN Ym9zcwB1AHA="


async def test_plain_is_not_for_open_links() -> None:
    async with scripted(b"220 hi\r\n", b"250-x\r\n250 AUTH PLAIN\r\n", b"221 bye\r\n") as server:
        # Another name for the loopback, and none of those that count as such.
        error = await failure(mailer(server.port, "127.1", auth_username="u", auth_password=Secret("p")))
    assert (str(error), error.retry) == ("*smtp.plainAuth auth: unencrypted connection", True)
    assert server.heard == ["EHLO am.example", "QUIT"]


@pytest.mark.parametrize(
    ("mechanism", "answers", "text", "heard"),
    [
        ("PLAIN", [b"334 m!\r\n", b"501 ok\r\n"], "*smtp.plainAuth auth: illegal base64", ["*", "QUIT"]),
        ("PLAIN", [b"334 \r\n", b"501 ok\r\n"], "*smtp.plainAuth auth: unexpected server challenge", ["*", "QUIT"]),
        ("LOGIN", [b"334 V2hvPw==\r\n", b"501 x\r\n"], "*email.loginAuth auth: unexpected server", ["*", "QUIT"]),
        ("LOGIN", [b"535-5.7.8 no\r\n535 really\r\n"], "*email.loginAuth auth: 535 5.7.8 no\nreally", ["QUIT"]),
        (
            "PLAIN",
            [b"500 what is AUTH PLAIN AHUAc2VzYW1l, sesame, c2VzYW1l?\r\n"],
            "*smtp.plainAuth auth: 500 what is AUTH PLAIN <secret>, <secret>, <secret>?",
            ["QUIT"],
        ),
        ("CRAM-MD5", [b"334 YQ==\r\n", b"454 later\r\n"], "*smtp.cramMD5Auth auth: 454 later", None),
        ("LOGIN", [b""], "*email.loginAuth auth: EOF", []),
    ],
)
async def test_authentication_that_fails_is_tried_again(
    mechanism: str, answers: list[bytes], text: str, heard: list[str] | None
) -> None:
    offer = f"250-x\r\n250 AUTH {mechanism}\r\n".encode()
    async with scripted(b"220 hi\r\n", offer, *answers, b"221 bye\r\n") as server:
        error = await failure(
            mailer(server.port, auth_username="u", auth_password=Secret("sesame"), auth_secret=Secret("s"))
        )
    assert str(error).startswith(text)
    assert error.retry
    if heard is not None:
        assert server.heard[2:] == heard


async def test_a_wrong_password() -> None:
    with mailbox(auth_require_tls=False) as box:
        error = await failure(mailer(box.port, auth_username="u", auth_password=Secret("wrong")))
    assert str(error).startswith("*email.loginAuth auth: 535 5.7.8")
    assert error.retry
    assert not box.mails


# TLS.


@pytest.mark.parametrize("implicit", [False, True])
async def test_tls(tmp_path: Path, implicit: bool) -> None:
    authority = Authority(tmp_path)
    context = authority.server("127.0.0.1")
    options: dict[str, Any] = {"implicit": context} if implicit else {"tls_context": context, "require_starttls": True}
    with mailbox(auth_require_tls=not implicit, **options) as box:
        more = {
            "tls_config": TlsConfig(ca=authority.pem),
            "force_implicit_tls": implicit,
            "require_tls": True,
            "auth_username": "u",
            "auth_password": Secret(PASSWORD),
        }
        mail = await sent(mailer(box.port, **more), box)
        assert (mail.user, mail.secure) == ("LOGIN u", not implicit)
        for tls, why in (
            (TlsConfig(), "tls: failed to verify certificate: x509: unable to get local issuer certificate"),
            (
                TlsConfig(ca=authority.pem, server_name="mx.example"),
                "tls: failed to verify certificate: x509: Hostname",
            ),
        ):
            error = await failure(mailer(box.port, **{**more, "tls_config": tls}))
            what = "establish TLS connection to server" if implicit else "send STARTTLS command"
            assert str(error).startswith(f"{what}: {why}")
            assert error.retry
        await sent(mailer(box.port, **{**more, "tls_config": TlsConfig(insecure_skip_verify=True)}), box)
        assert len(box.mails) == 2


async def test_the_name_to_verify_can_be_set(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with mailbox(tls_context=authority.server("mx.example")) as box:
        tls = TlsConfig(ca=authority.pem, server_name="mx.example")
        assert (await sent(mailer(box.port, require_tls=True, tls_config=tls), box)).secure


async def test_client_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("am")
    with mailbox(tls_context=authority.server("127.0.0.1", client=True)) as box:
        tls = TlsConfig(ca=authority.pem, cert=cert, key=Secret(key))
        assert (await sent(mailer(box.port, require_tls=True, tls_config=tls), box)).secure
        error = await failure(mailer(box.port, require_tls=True, tls_config=TlsConfig(ca=authority.pem)))
        assert error.retry


async def test_tls_that_is_not_offered_is_not_done_without() -> None:
    with mailbox() as box:
        error = await failure(mailer(box.port, require_tls=True))
        assert str(error) == (
            f"'require_tls' is true (default) but \"127.0.0.1:{box.port}\" does not advertise the STARTTLS extension"
        )
        assert error.retry
        assert not box.mails


async def test_what_was_said_before_the_handshake_counts_for_nothing() -> None:
    slipped = b"220 go\r\n250 AUTH PLAIN\r\n"
    async with scripted(b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", slipped, hang=True) as server:
        error = await failure(mailer(server.port, require_tls=True))
    assert (str(error), error.retry) == ("send STARTTLS command: tls: data before the handshake", True)


async def test_a_server_without_tls_where_it_must_be() -> None:
    async with scripted(b"220 hi\r\n") as server:
        error = await failure(mailer(server.port, force_implicit_tls=True))
    assert str(error) == ("establish TLS connection to server: tls: first record does not look like a TLS handshake")
    assert error.retry


async def test_a_missing_certificate_file_is_not_tried_again() -> None:
    for more in ({"require_tls": True}, {"force_implicit_tls": True}):
        error = await failure(mailer(1, tls_config=TlsConfig(ca_file="missing"), **more))
        assert not error.retry
        assert str(error) == (
            "parse TLS configuration: unable to read CA cert: unable to read file missing: "
            "open missing: no such file or directory"
        )
    # What is not used need not be there.
    async with scripted(b"") as server:
        error = await failure(mailer(server.port, tls_config=TlsConfig(ca_file="missing")))
        assert (str(error), error.retry) == ("create SMTP client: EOF", True)


# What goes wrong between here and there.


OK = (b"220 hi\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")


@pytest.mark.parametrize(
    ("replies", "text", "last"),
    [
        ([b""], "create SMTP client: EOF", None),
        ([b"554 go away\r\n"], "create SMTP client: 554 go away", "QUIT"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], 'create SMTP client: short response: "HTTP/1.1 400 Bad Request"', None),
        ([b"hi!\r\n"], 'create SMTP client: short response: "hi!"', None),
        ([b"0x5 what\r\n"], 'create SMTP client: invalid response code: "0x5 what"', None),
        ([b"220 hi\r\n", b"502 no\r\n", b"503 nor\r\n"], "send EHLO command: 503 nor", "QUIT"),
        ([b"220 hi\r\n", b""], "send EHLO command: EOF", "EHLO am.example"),
        ([*OK[:2], b"550 not from you\r\n"], "send MAIL command: 550 not from you", "QUIT"),
        ([*OK[:2], b"451 later\r\n"], "send MAIL command: 451 later", "QUIT"),
        ([*OK[:2], b"251 odd\r\n"], "send MAIL command: 251 odd", "QUIT"),
        ([*OK[:3], b"550-no\r\n550 such user\r\n"], "send RCPT command: 550 no\nsuch user", "QUIT"),
        ([*OK[:4], b"552 full\r\n"], "send DATA command: 552 full", "QUIT"),
        ([*OK[:4], b""], "send DATA command: EOF", "DATA"),
        ([b"220" + b"-x\r\n220" * 20_000], "create SMTP client: reply too long", None),
        ([b"x" * 100_000], "create SMTP client: reply too long", None),
    ],
)
async def test_refusals_are_tried_again(replies: list[bytes], text: str, last: str | None) -> None:
    async with scripted(*replies, b"221 bye\r\n") as server:
        error = await failure(mailer(server.port))
    assert (str(error), error.retry) == (text, True)
    if last is not None:
        assert server.heard[-1] == last


@pytest.mark.parametrize("code", [421, 450, 452, 550, 552, 554])
@pytest.mark.parametrize(
    ("command", "what"), [("MAIL", "send MAIL command"), ("RCPT", "send RCPT command"), ("DATA", "delivery failure")]
)
async def test_a_server_that_recovers_is_told_once(code: int, command: str, what: str) -> None:
    refusal = f"{code} 4.2.0 not now"
    with mailbox({command: [refusal]}) as box:
        sender = mailer(box.port)
        error = await failure(sender)
        assert (str(error), error.retry) == (f"{what}: {refusal}", True)
        async with running({MAIL: sender}) as stage:
            stage.delivery.submit(notify(MAIL))
            [outcome] = await stage.until(1)
            assert outcome.ok
        assert len(box.mails) == 1


async def test_an_old_server() -> None:
    """HELO, replies without text, single line feeds, and a hang-up in the place of a farewell."""
    replies = [b"500 what?\n", b"250\r\n", b"250\r\n", b"250\n", b"354 \r\n"]
    async with scripted(b"220-\r\nold\r\n220 server\n", *replies, hang=True) as server:
        told = notify(MAIL)
        sender = mailer(server.port, text="t", html="")
        with trio.move_on_after(0.5) as scope:
            await sender.send(told, told.alerts)
        assert scope.cancelled_caught
    assert server.heard[:5] == [
        "EHLO am.example",
        "HELO am.example",
        "MAIL FROM:<am@example.org>",
        "RCPT TO:<ops@example.org>",
        "DATA",
    ]
    assert server.heard[-1] == "."


async def test_a_yes_is_a_yes_whatever_follows() -> None:
    async def talk(stream: trio.SocketStream) -> None:
        await stream.send_all(b"220 hi\r\n")
        replies = [b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]
        heard = b""
        while b"\r\n.\r\n" not in heard:
            heard += await stream.receive_some()
            while replies and heard.count(b"\r\n") > 4 - len(replies):
                await stream.send_all(replies.pop(0))
        await stream.send_all(b"250 mine now\r\n")
        # No answer to QUIT, and none ever.
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, talk, [listener])
        async with running({MAIL: mailer(listener.socket.getsockname()[1])}) as stage:
            stage.delivery.submit(notify(MAIL, within=0.6))
            [outcome] = await stage.until(1)
        assert outcome.ok
        nursery.cancel_scope.cancel()


async def test_nobody_listens() -> None:
    async with scripted(b"") as server:
        pass
    where = f"dial tcp 127.0.0.1:{server.port}: connect: connection refused"
    error = await failure(mailer(server.port))
    assert (str(error), error.retry) == (f"establish connection to server: {where}", True)
    error = await failure(mailer(server.port, force_implicit_tls=True))
    assert (str(error), error.retry) == (f"establish TLS connection to server: {where}", True)


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("nowhere.invalid", "25", "dial tcp: lookup nowhere.invalid"),
        ("127.0.0.1", "no-such-service", "dial tcp: lookup tcp/no-such-service: unknown port"),
        ("127.0.0.1", "65536", "dial tcp: address 65536: invalid port"),
        ("a" * 70, "25", f"dial tcp: lookup {'a' * 70}: no such host"),
    ],
)
async def test_addresses_that_lead_nowhere(host: str, port: str, text: str) -> None:
    error = await failure(mailer(port, host))
    assert str(error).startswith(f"establish connection to server: {text}")
    assert error.retry


@pytest.mark.parametrize("wait", ["_REPLY_WAIT", "_CONNECT_WAIT"])
async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch, wait: str) -> None:
    tls = wait == "_CONNECT_WAIT"
    monkeypatch.setattr(smtp, wait, 0.1)
    async with scripted(b"\r" if tls else b"22", hang=True) as server:
        if tls:
            error = await failure(mailer(server.port, force_implicit_tls=True))
            assert error.retry
        else:
            monkeypatch.setattr(smtp.Session._reply, "__defaults__", (0.1,))
            error = await failure(mailer(server.port))
            assert str(error) == f"create SMTP client: read tcp 127.0.0.1:{server.port}: i/o timeout"
            assert error.retry


@pytest.mark.parametrize("stage", range(6))
async def test_the_deadline_ends_an_attempt_at_any_point(stage: int) -> None:
    async with scripted(*[*OK, b""][:stage] or [b"2"], hang=True) as server:
        with trio.move_on_after(0.3) as scope:
            told = notify(MAIL)
            await mailer(server.port).send(told, told.alerts)
        assert scope.cancelled_caught
    # Nothing was said after the point at which the server fell silent, least of all that a mail was complete.
    assert "QUIT" not in server.heard


async def test_a_cancelled_mail_is_not_completed() -> None:
    heard = bytearray()

    async def talk(stream: trio.SocketStream) -> None:
        await stream.send_all(b"".join(OK))
        # Read no more than a part, until the other side gives up.
        while b"xxx" not in heard:
            heard.extend(await stream.receive_some(4096))
        await gone.wait()
        async for more in stream:
            heard.extend(more)
        read.set()

    gone, read = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, talk, [listener])
        sender = mailer(listener.socket.getsockname()[1], html="", text="x" * 20_000_000)
        told = notify(MAIL)
        with trio.move_on_after(3) as scope:
            await sender.send(told, told.alerts)
        assert scope.cancelled_caught
        gone.set()
        with trio.fail_after(10):
            await read.wait()
        nursery.cancel_scope.cancel()
    assert b"\r\n.\r\n" not in heard
    assert b"QUIT" not in heard
