"""`ampp explain`: why somebody was told about an alert, or was not."""

import re
import sys
from typing import Any, Final

import click

from ampp_cli.remote.client import Remote
from ampp_cli.server import server_options

__all__ = ["command"]

_FINGERPRINT: Final = re.compile(r"[0-9a-fA-F]{16}|[0-9a-fA-F]{64}")


@click.command("explain")
@click.argument("what", nargs=-1, required=True, metavar="FINGERPRINT|MATCHER...")
@click.option("--at", "at", metavar="TIME", help="As it was then: RFC 3339, '2026-11-27 14:30', -2h or '2h ago'.")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Most alerts to explain.")
@click.option("-o", "--output", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@server_options
def command(remote: Remote, what: tuple[str, ...], at: str | None, limit: int, form: str) -> int:
    """Say by which way through the routes an alert goes, what keeps it back, and what each receiver was told and when.

    WHAT is the alert's fingerprint, or matchers as `ampp alert query` takes them. Exit status: 0 when something was
    explained, 1 when there is no such alert.
    """
    moment = None if at is None else _at(at)
    if len(what) == 1 and _FINGERPRINT.fullmatch(what[0]):
        names, more = [what[0].lower()], 0
    else:
        names, more = _matching(remote, what, moment, limit)
    query = [] if moment is None else [("at", moment)]
    found: list[dict[str, Any]] = [remote.get(f"/api/v2/alerts/{name}/explain", query) for name in names]
    if form == "json":
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    else:
        from ampp_cli.explain_text import text

        sys.stdout.write("\n".join(text(one) for one in found))
    if more:
        sys.stderr.write(f"{more} more alerts match: use --limit, or more matchers\n")
    if not found:
        sys.stderr.write("ampp explain: no such alert\n")
        return 1
    return 0


def _at(text: str) -> str:
    from datetime import UTC, datetime

    from ampp_cli.when import WhenError, moment, rfc3339

    try:
        return rfc3339(moment(text, datetime.now(UTC)))
    except WhenError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error


def _matching(remote: Remote, words: tuple[str, ...], at: str | None, limit: int) -> tuple[list[str], int]:
    """Fingerprints of the alerts that match: of those there are now, else of those that the history knows; and how many
    there are beyond the limit."""
    from ampp.core.matcher import Op
    from ampp_cli.selection import matchers_from

    matchers = matchers_from(words)
    if at is None:
        filters = [("filter", str(matcher)) for matcher in matchers]
        current = [str(alert["fingerprint"]) for alert in remote.get("/api/v2/alerts", filters)]
        if current:
            return current[:limit], max(0, len(current) - limit)
    names = {Op.EQ: "labels", Op.NE: "labels_ne", Op.RE: "labels_regex", Op.NRE: "labels_not_regex"}
    query = []
    for matcher in matchers:
        # The history finds a pattern anywhere in the value; here it is to match all of it.
        value = f"^(?:{matcher.value})$" if matcher.op in (Op.RE, Op.NRE) else matcher.value
        query.append((f"{names[matcher.op]}[{matcher.name}]", value))
    if at is not None:
        query.append(("to", at))
    query += [("per_page", "1000"), ("sort_field", "created_at")]
    events = remote.get("/api/v2/history", query)["alerts"]
    found = list(dict.fromkeys(str(event["am_fingerprint"]) for event in events))
    return found[:limit], max(0, len(found) - limit)
