"""What `ampp silence query` does."""

from __future__ import annotations

import time

from ampp_cli.option import Option
from ampp_cli.remote.document import text
from ampp_cli.remote.operation import GET_SILENCES
from ampp_cli.selection import filters_from
from ampp_cli.silence.listing import SILENCES
from ampp_cli.when import WhenError, duration, instant

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from ampp_cli.output import Output
    from ampp_cli.remote.client import Query, Remote

__all__ = ["OPTIONS", "search"]

OPTIONS: Final = (
    Option("expired", "-e", "--expired", flag=True, help="Those that are over, instead of the others."),
    Option("everything", "-A", "--all", flag=True, help="Those that are over, too."),
    Option("quiet", "-q", "--quiet", flag=True, help="Only ids; the same as -o name."),
    Option("created_by", "--created-by", metavar="AUTHOR", help="Only those of one author."),
    Option(
        "beginning",
        "--id",
        rare=True,
        metavar="ID",
        suggested="silence_ids",
        help="Only the one with this id, or whose id begins so.",
    ),
    Option(
        "within",
        "--within",
        rare=True,
        metavar="DURATION",
        help="Only those that end within that time, or ended if --expired.",
    ),
)


def search(
    matchers: Sequence[str],
    expired: bool,
    everything: bool,
    quiet: bool,
    created_by: str | None,
    beginning: str | None,
    within: str | None,
    output: Output,
    remote: Remote,
) -> None:
    """Show the silences that have all matchers among theirs."""
    query: Query = [("filter", wanted.text) for wanted in filters_from(matchers)]
    try:
        limit = duration(within) if within is not None else None
    except WhenError as error:
        import click

        raise click.BadParameter(str(error), param_hint="--within") from error
    if quiet:
        output = output.as_form("name")

    def keep(silence: dict[str, Any], now: float) -> bool:
        ends = instant(text(silence, "endsAt"))
        if not everything and (ends <= now) != expired:
            return False
        if limit is not None and not (now - limit <= ends <= now if expired else now <= ends <= now + limit):
            return False
        if created_by is not None and text(silence, "createdBy") != created_by:
            return False
        return beginning is None or text(silence, "id").startswith(beginning)

    def draw() -> str:
        remote.renew()
        now = time.time()
        found = [s for s in remote.fetch_list(GET_SILENCES, query) if keep(s, now)]
        found.sort(key=lambda silence: instant(text(silence, "endsAt")))
        if beginning is not None and not found and not output.watch:
            import click

            raise click.ClickException(
                f"no silence has an id that begins with {beginning} (--all looks among those over)"
            )
        return output.text(SILENCES, found)

    output.repeat(draw)
