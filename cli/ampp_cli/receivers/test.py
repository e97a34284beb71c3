"""`ampp receivers test`."""

from pathlib import Path

import click

from ampp_cli.suggestion import configured_receivers

__all__ = ["command"]


def _duration(_context: click.Context, _option: click.Parameter, text: str) -> float:
    from ampp.core.clock import SECOND
    from ampp.core.duration import DurationError, parse_go

    try:
        return parse_go(text) / SECOND
    except DurationError as error:
        raise click.BadParameter(str(error)) from error


@click.command("test")
@click.argument("name", shell_complete=configured_receivers)
@click.option("--config.file", "file", default="alertmanager.yml", show_default=True, metavar="FILE", type=click.Path())
@click.option(
    "--alert",
    "alert_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON of one alert or a list, as POST /api/v2/alerts takes it. One that has ended is told as resolved.",
)
@click.option("--dry-run", is_flag=True, help="Print the requests and mails instead of sending them.")
@click.option("--show-secrets", is_flag=True, help="With --dry-run: print secrets and whole URLs too.")
@click.option("--timeout", default="30s", show_default=True, callback=_duration, help="For each integration.")
@click.option("--web.external-url", "external", default="", metavar="URL", help="As the daemon has it.")
@click.option(
    "--ampp.config.file", "ampp_file", default="", metavar="FILE", type=click.Path(), help="As the daemon has it."
)
def command(
    name: str,
    file: str,
    alert_file: Path | None,
    dry_run: bool,
    show_secrets: bool,
    timeout: float,
    external: str,
    ampp_file: str,
) -> int:
    """Send a test notification to every integration of the receiver NAME, whether a route leads to it or not.

    Alerts get the label test="true" on top. The group is always the same, so that a second call with an alert that has
    ended resolves what the first one opened. The exit status is 1 if an integration fails.
    """
    if show_secrets and not dry_run:
        raise click.UsageError("--show-secrets goes with --dry-run")
    from ampp_cli.receivers.trial import run

    return run(name, file, alert_file, timeout, external, ampp_file, dry_run=dry_run, show_secrets=show_secrets)
