"""`ampp db compact`."""

from pathlib import Path

import click

from ampp_cli.storage import storage_option

__all__ = ["command"]


@click.command("compact")
@storage_option
def command(directory: Path) -> None:
    """Write the databases anew without their free space. No daemon may use them, and the largest must fit once more."""
    from ampp.store.sqlite.care import compact

    for name, before, after in compact(directory):
        click.echo(f"{name}: {before} to {after} bytes")
