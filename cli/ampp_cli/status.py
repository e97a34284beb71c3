"""`ampp status`."""

import time
from typing import Any

import click

from ampp_cli.output import GREEN, YELLOW, Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.document import items, mapping, text
from ampp_cli.remote.operation import GET_STATUS
from ampp_cli.server import server_options
from ampp_cli.table import clean
from ampp_cli.when import instant, span

__all__ = ["command"]


@click.command("status")
@output_options(watch=True)
@server_options
def command(output: Output, remote: Remote) -> None:
    """Show the server's version, how long it runs, and how its cluster is."""

    def draw() -> str:
        remote.renew()
        status = remote.fetch_object(GET_STATUS)
        return output.object(status, _fields(status, output, remote))

    output.repeat(draw)


def _fields(status: dict[str, Any], output: Output, remote: Remote) -> list[tuple[str, str]]:
    version = {name: clean(str(value)) for name, value in mapping(status, "versionInfo").items()}
    started = instant(text(status, "uptime"))
    state = clean(text(status, "cluster", "status"))
    fields = [
        ("Server", remote.address.base),
        ("Version", f"{version.get('version', '')} ({version.get('revision', '')})"),
        ("Up", span(time.time() - started) if started else ""),
        ("Cluster", output.painted(state, GREEN if state in ("ready", "disabled") else YELLOW)),
        ("Peers", str(len(items(status, "cluster", "peers")))),
    ]
    if output.form != "simple":
        fields += [
            ("Started", clean(text(status, "uptime"))),
            ("Node", clean(text(status, "cluster", "name"))),
            ("Branch", version.get("branch", "")),
            ("Built", f"{version.get('buildDate', '')} by {version.get('buildUser', '')}"),
            ("Runtime", version.get("goVersion", "")),
        ]
    return fields
