"""`ampp backup`."""

from pathlib import Path

import click

from ampp_cli.storage import storage_option

__all__ = ["command"]


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@storage_option
def command(target: Path, directory: Path) -> None:
    """Copy the whole state to TARGET: a new directory, or a file whose name ends in .tar, .tar.gz or .tgz.

    The daemon may run meanwhile; all databases are copied as they were at one moment.
    """
    from ampp.store.sqlite.backup import backup

    manifest = backup(directory, target)
    for name, copied in manifest.files.items():
        click.echo(f"{name}: {copied.bytes} bytes")
    click.echo(f"backed up {directory} to {target}")
