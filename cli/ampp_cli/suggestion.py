"""Live values for completion: what the server knows, asked with a short deadline. Silent when there is no answer.

Each function is a `shell_complete` of click: context, parameter and the beginning of a word in, suggestions out. The
server is the one that the command line so far, the environment or the default files name.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ampp_cli.remote.client import Remote

__all__ = ["OPEN", "configured_receivers", "label_names", "receiver_names", "silence_ids"]

OPEN: Final = "open"
"""The type of a suggestion after which the word goes on: no blank is put behind it."""

_DEADLINE: Final = 0.5
"""Seconds to wait for the server, in all."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/@%+-]+", re.ASCII)
"""Values that need no quotes in any shell."""
_MATCHER: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(=)(.*)", re.ASCII | re.DOTALL)

_Suggestions = list["CompletionItem[str]"]


def silence_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> _Suggestions:
    """Ids of silences that are not over, those not named yet, with their matchers and comments."""
    named = set(context.params.get(parameter.name or "") or ())

    def found(remote: "Remote") -> Iterator["CompletionItem[str]"]:
        from ampp_cli.remote.operation import GET_SILENCES
        from ampp_cli.silence.listing import matchers_of

        for silence in remote.fetch_list(GET_SILENCES):
            if (silence.get("status") or {}).get("state") != "expired" and silence.get("id") not in named:
                yield _item(str(silence["id"]), f"{matchers_of(silence)} {silence.get('comment', '')}")

    return _asked(context, incomplete, found)


def receiver_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> _Suggestions:
    """Names of the receivers that the server has."""

    def found(remote: "Remote") -> Iterator["CompletionItem[str]"]:
        from ampp_cli.remote.operation import GET_RECEIVERS

        for receiver in remote.fetch_list(GET_RECEIVERS):
            yield _item(str(receiver["name"]))

    return _asked(context, incomplete, found)


def label_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> _Suggestions:
    """`name=` for the labels of current alerts; behind the sign, the values that need no quotes."""
    given = _MATCHER.fullmatch(incomplete)

    def found(remote: "Remote") -> Iterator["CompletionItem[str]"]:
        from ampp_cli.remote.operation import GET_ALERTS

        labels: set[tuple[str, str]] = set()
        for alert in remote.fetch_list(GET_ALERTS):
            labels.update((alert.get("labels") or {}).items())
        if given is None:
            yield from (_item(f"{name}=", kind=OPEN) for name in sorted({name for name, _ in labels}))
        else:
            values = sorted(value for name, value in labels if name == given[1] and _PLAIN.fullmatch(value))
            yield from (_item(f"{given[1]}={value}") for value in values)

    return _asked(context, incomplete, found)


def configured_receivers(context: click.Context, parameter: click.Parameter, incomplete: str) -> _Suggestions:
    """Names of the receivers in the file that `--config.file` names."""
    names: list[str] = []
    with contextlib.suppress(Exception), open(str(context.params.get("file")), "rb") as file:
        # Whatever is wrong with the file is told when the command runs.
        import yaml

        loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        names = [str(receiver["name"]) for receiver in yaml.load(file, loader)["receivers"]]
    return [_item(name) for name in names if name.startswith(incomplete)]


def _item(value: str, help: str = "", kind: str = "plain") -> "CompletionItem[str]":  # noqa: A002
    from click.shell_completion import CompletionItem

    return CompletionItem(value, kind, help.strip() or None)


def _asked(
    context: click.Context, incomplete: str, found: Callable[["Remote"], Iterator["CompletionItem[str]"]]
) -> _Suggestions:
    from ampp import __version__
    from ampp_cli.remote.address import AddressError, forgiving
    from ampp_cli.remote.client import Remote, RemoteError
    from ampp_cli.server import LOCAL

    try:
        address = forgiving(context.params.get("url") or LOCAL)
        http_config = context.params.get("http_config") or ""
        with Remote(address, _DEADLINE, f"ampp/{__version__}", http_config) as remote:
            return [one for one in found(remote) if one.value.startswith(incomplete)]
    except (AddressError, RemoteError, KeyError):
        return []
