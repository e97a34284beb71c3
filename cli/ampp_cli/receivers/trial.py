"""`ampp receivers test`: a test notification to one receiver, by the senders that the daemon uses, or what it would be.

A dry run answers each request itself, with what the senders look for in an answer, and takes each mail. Requests that
would follow from what the real answer says can therefore differ.
"""

from pathlib import Path
from typing import Final, NoReturn

import click
import httpx
import trio
from msgspec.json import encode

from ampp.config import Config, ConfigError, compile, load_file, renderer  # noqa: A004
from ampp.config.error import closest
from ampp.config.settings import load_settings
from ampp.core.alert import Snapshot
from ampp.core.notify import Notify
from ampp.core.plan import Receiver
from ampp.deliver import destination, trial
from ampp.deliver.http import answering
from ampp.deliver.integrations import build_for
from ampp.deliver.letter import Letter, catching
from ampp.deliver.outcome import told
from ampp.deliver.sender import BuildError, Sender, Senders, Unsendable, label
from ampp.external import ExternalError, resolve
from ampp.ingest.alertmanager import decode_alerts
from ampp.ingest.fault import IngestError
from ampp_cli.redaction import Redaction

__all__ = ["run"]

_ANSWER: Final = encode(
    {
        "ok": True,
        "success": True,
        "status": "ok",
        "errcode": 0,
        "id": "dry-run",
        "key": "dry-run",
        "data": {"id": "dry-run"},
        "ts": "1",
        "channel": "dry-run",
        "access_token": "dry-run",
        "token_type": "Bearer",
        "expires_in": 3600,
        "AccessKeyId": "dry-run",
        "SecretAccessKey": "dry-run",
        "Token": "dry-run",
        "Expiration": "2999-01-01T00:00:00Z",
    }
)
_XML_ANSWER: Final = (
    b"<Dry><AccessKeyId>dry-run</AccessKeyId><SecretAccessKey>dry-run</SecretAccessKey>"
    b"<SessionToken>dry-run</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Dry>"
)
"""What Amazon's services answer: a message is taken, or a role is."""


def run(
    name: str,
    file: str,
    alert_file: Path | None,
    timeout: float,
    external: str,
    ampp_file: str,
    *,
    dry_run: bool,
    show_secrets: bool,
) -> int:
    """Test the receiver `name` of the configuration `file`; the exit status. `timeout` in seconds.

    `external` and `ampp_file` are the daemon's external URL and the path of its ampp.yml, if it has such.
    """
    try:
        destination.set_level(destination.Level(load_settings(ampp_file).network.refuse))
        config = load_file(file)
        receiver = _receiver(config, name)
        senders = build_for(config, receiver, resolve(external, "", 9093).url, renderer(config.document.templates))
    except ConfigError as error:
        raise click.ClickException(error.render()) from error
    except (BuildError, ExternalError) as error:
        raise click.ClickException(str(error)) from error
    alerts = _alerts(alert_file)
    if not senders:
        click.echo(f"receiver {name} has no integrations: nothing to send")
        return 0
    redaction = Redaction(config.document, show=show_secrets) if dry_run else None
    return trio.run(_all, senders, alerts, timeout, redaction)


def _receiver(config: Config, name: str) -> Receiver:
    receivers = compile(config).receivers
    if name in receivers:
        return receivers[name]
    near = closest(name, receivers)
    hint = f"did you mean {near}?" if near else f"there are: {', '.join(receivers)}"
    raise click.ClickException(f"no receiver named {name} in the configuration: {hint}")


def _alerts(file: Path | None) -> tuple[Snapshot, ...]:
    if file is None:
        return trial.snapshots([trial.sample()])
    body = file.read_bytes().strip()
    try:
        posts = decode_alerts(b"[" + body + b"]" if body.startswith(b"{") else body)
    except IngestError as error:
        raise click.ClickException(f"{file}: {error}") from error
    if not posts:
        raise click.ClickException(f"{file}: no alert in it")
    return trial.snapshots(posts)


async def _all(
    senders: Senders,
    alerts: tuple[Snapshot, ...],
    timeout: float,
    redaction: Redaction | None,
) -> int:
    """One after the other, so that what is printed can be read. `redaction`: this is a dry run."""
    failed = 0
    if redaction is not None:
        # What foreign senders may do without ampp's client is kept from the network too.
        trio.socket.set_custom_socket_factory(_NoNetwork())
    for to, sender in senders.items():
        try:
            notify = trial.notification(to, alerts, timeout)
            if isinstance(sender, Unsendable):
                click.echo(f"{label(to)}: {sender.why}")
                failed += 1
            elif not told(notify):
                click.echo(f"{label(to)}: {trial.NOTHING}")
            elif redaction is None:
                failed += not await _send(sender, notify, timeout)
            else:
                failed += not await _show(sender, notify, timeout, redaction)
        finally:
            if not isinstance(sender, Unsendable):
                await sender.aclose()
    return 1 if failed else 0


class _NoNetwork(trio.abc.SocketFactory):
    def socket(self, *_: object, **__: object) -> NoReturn:
        raise OSError("a dry run has no network")


async def _send(sender: Sender, notify: Notify, timeout: float) -> bool:
    wrong = await trial.try_once(sender, notify, timeout)
    click.echo(f"{label(notify.integration)}: {'failed: ' + wrong if wrong else 'sent'}")
    return not wrong


async def _show(sender: Sender, notify: Notify, timeout: float, redaction: Redaction) -> bool:
    """Print what `sender` would send; whether there was something."""
    to, count = notify.integration, 0

    def instead(method: str, url: httpx.URL, fields: list[tuple[bytes, bytes]], body: bytes | None) -> httpx.Response:
        nonlocal count
        count += 1
        lines = [f"{label(to)}: request {count}", f"{method} {redaction.url(url)}"]
        for name, value in fields:
            shown = name.decode("latin-1"), value.decode("utf-8", "replace")
            lines.append(f"{shown[0]}: {redaction.header(*shown)}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        text = (body or b"").decode("utf-8", "replace")
        click.echo("\n".join([*lines, "", redaction.text(text).rstrip("\n"), ""]))
        answer = _XML_ANSWER if (body or b"").startswith(b"Action=") else _ANSWER
        return httpx.Response(200, headers={"Content-Type": "application/json"}, content=answer)

    def take(letter: Letter) -> None:
        nonlocal count
        count += 1
        lines = [f"{label(to)}: mail {count}", f"Server: {letter.server}, {redaction.text(letter.way)}"]
        lines.append(f"MAIL FROM:<{letter.sender}>")
        lines += [f"RCPT TO:<{recipient}>" for recipient in letter.recipients]
        text = letter.content.decode("utf-8", "replace").replace("\r\n", "\n")
        click.echo("\n".join([*lines, "", redaction.text(text).rstrip("\n"), ""]))

    with answering(instead), catching(take):
        wrong = await trial.try_once(sender, notify, timeout)
    if wrong and count == 0:
        click.echo(f"{label(to)}: failed before anything was sent: {wrong}")
    return count > 0
