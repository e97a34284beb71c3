"""Which silences an id, or its beginning, means; and putting them back changed."""

from collections.abc import Sequence
from typing import Any

import click

from ampp_cli.document import words_from
from ampp_cli.remote.client import Refused, Remote
from ampp_cli.remote.document import text
from ampp_cli.remote.operation import GET_SILENCES, POST_SILENCES

__all__ = ["posted", "put", "silences_named"]


def silences_named(remote: Remote, words: Sequence[str]) -> list[dict[str, Any]]:
    """The silences that the words mean, by id or its beginning; `-` reads more words from stdin.

    Raises click.ClickException unless every word means one.
    """
    wanted = words_from(tuple(words))
    if not wanted:
        raise click.UsageError("no silence named: give ids, or - to read them from stdin")
    known = {text(silence, "id"): silence for silence in remote.fetch_list(GET_SILENCES)}
    found: dict[str, dict[str, Any]] = {}
    for word in wanted:
        ids = [word] if word in known else [name for name in known if name.startswith(word)]
        if len(ids) > 1:
            raise click.ClickException(f"{word} may be any of {len(ids)} silences: {', '.join(ids[:3])}…")
        if not ids:
            from ampp.config.error import closest

            near = closest(word, known)
            hint = f"; did you mean {near}?" if near else " (ampp silence query --all lists them)"
            raise click.ClickException(f"no silence {word}{hint}")
        found[ids[0]] = known[ids[0]]
    return list(found.values())


def posted(silence: dict[str, Any]) -> dict[str, Any]:
    """What is sent of a silence: all but what the server says of it."""
    return {name: value for name, value in silence.items() if name not in ("status", "updatedAt")}


def put(remote: Remote, silence: dict[str, Any]) -> str:
    """Add a silence or change the one with its id; the id that it now has. Raises RemoteError."""
    try:
        reply = remote.call(POST_SILENCES, value=posted(silence))
    except Refused as error:
        raise click.ClickException(f"the server refuses the silence: {error.payload or error}") from error
    return text(remote.object(POST_SILENCES, reply), "silenceID")
