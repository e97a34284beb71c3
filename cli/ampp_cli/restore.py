"""`ampp restore`."""

from pathlib import Path

import click

from ampp_cli.storage import storage_option

__all__ = ["command"]


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--replace", is_flag=True, help="Move databases that are there already aside.")
@click.option("--check", is_flag=True, help="Only look whether the backup is whole.")
@storage_option
def command(source: Path, replace: bool, check: bool, directory: Path) -> None:
    """Put the backup SOURCE into the storage directory; no daemon may use it.

    Everything is checked first: a backup that is not whole changes nothing.
    """
    from ampp.store.sqlite import backup

    if check:
        manifest = backup.check(source)
        click.echo(f"{source} is whole: made {manifest.created} by ampp {manifest.version}")
        return
    manifest, moved = backup.restore(source, directory, replace=replace)
    for name, target in moved.items():
        click.echo(f"{name} was moved to {target}", err=True)
    click.echo(f"restored {', '.join(manifest.files)} of {manifest.created} to {directory}")
