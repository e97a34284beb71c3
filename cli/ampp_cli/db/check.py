"""`ampp db check`."""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from ampp_cli.output import GREEN, RED, Column, Listing, Output, output_options
from ampp_cli.storage import storage_option

__all__ = ["command"]

_DATABASES: Final = Listing(
    columns=(
        Column("Database", lambda d: str(d["name"])),
        Column("State", lambda d: "sound" if d["ok"] else "broken", style=lambda d: GREEN if d["ok"] else RED),
        Column("Schema", lambda d: f"{d['schema']} of {d['newest']}"),
        Column("Bytes", lambda d: str(d["bytes"])),
        Column("Free", lambda d: str(d["free_bytes"]), least="extended"),
        Column("Rows", lambda d: " ".join(f"{name}={n}" for name, n in d["rows"].items() if n), flexible=True),
    ),
    name=lambda d: str(d["name"]),
)


@click.command("check")
@output_options()
@storage_option
@click.pass_context
def command(ctx: click.Context, directory: Path, output: Output) -> None:
    """Read every database whole and say whether it is sound; exit status 1 if one is not. The daemon may run."""
    from ampp.store.sqlite.care import inspect

    found: list[dict[str, Any]] = [msgspec.to_builtins(each) for each in inspect(directory)]
    output.show(_DATABASES, found)
    for each in found:
        for problem in each["problems"]:
            click.echo(f"{each['name']}: {problem}", err=True)
    if not all(each["ok"] for each in found):
        ctx.exit(1)
