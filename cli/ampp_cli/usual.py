"""The questions typed most, answered without click: importing that would take longer than asking the server.

Options and work are those of the click commands of the same names. Only lines that hold nothing unusual are answered
here; help, completion, mistakes and all that takes its time anyway are left to click, which reads the line anew.
"""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["answer"]

_SEARCHES = {"alert query": "ampp_cli.alert.search", "silence query": "ampp_cli.silence.search"}


def answer(arguments: list[str]) -> int | None:
    """The exit status of `ampp` with `arguments`, or None: nothing was done, and click is to do it."""
    place = _SEARCHES.get(" ".join(arguments[:2]))
    if place is None or "_AMPP_COMPLETE" in os.environ:
        return None
    gc.disable()  # it is over before collecting anything would pay
    from ampp_cli import output, server
    from ampp_cli.option import plain
    from ampp_cli.remote.address import AddressError, forgiving
    from ampp_cli.remote.client import Remote, RemoteError
    from ampp_cli.selection import usual_filters
    from ampp_cli.when import WhenError, duration

    command = __import__(place, fromlist=("search",))
    read = plain((*command.OPTIONS, *output.OPTIONS, *output.WATCH, *server.OPTIONS), arguments[2:])
    if read is None or usual_filters(read[1]) is None:
        return None
    values, words = read
    form, headers, colour = values.pop("form"), not values.pop("no_headers"), output.coloured(values.pop("color"))
    url, timeout = values.pop("url"), values.pop("timeout")
    for name in ("http_config", "watch", "interval"):  # as they stand by default, or the line would be click's
        del values[name]
    try:
        address, seconds = forgiving(url), duration(timeout)
    except (AddressError, WhenError):
        return None
    try:
        with Remote(address, seconds, server.AGENT) as remote:
            command.search(tuple(words), **values, output=output.Output(form, headers, colour), remote=remote)
    except RemoteError as error:
        sys.stderr.write(f"ampp: {server.told(error, url)}\n")
        return 1
    return 0
