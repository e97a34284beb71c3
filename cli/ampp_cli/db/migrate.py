"""`ampp db migrate`."""

from pathlib import Path

import click

from ampp_cli.storage import storage_option

__all__ = ["command"]


@click.command("migrate")
@click.option("--to", type=click.IntRange(1), default=None, help="Go back to this version of the schema.")
@click.option("--database", default="", help="Only this one, such as history.db.")
@storage_option
def command(directory: Path, to: int | None, database: str) -> None:
    """Bring the databases to the newest schema, which the daemon does by itself when it starts.

    With --to, take them back for an older program: how, each database knows by itself. No daemon may use them.
    """
    from ampp.store.sqlite.backup import DATABASES
    from ampp.store.sqlite.care import migrate_directory

    if database and database not in DATABASES:
        raise click.BadParameter(f"there are {', '.join(DATABASES)}", param_hint="--database")
    for name, before, after in migrate_directory(directory, to, database):
        click.echo(f"{name}: {f'version {before} to {after}' if before != after else f'stays at version {after}'}")
