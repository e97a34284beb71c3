"""The cases, by the names under which they can be chosen."""

from typing import Final

from benchmarks.command import commands, queries
from benchmarks.footprint import memory, starting
from benchmarks.listing import inhibited, listed, silenced
from benchmarks.notifying import due, latency, reloaded
from benchmarks.posting import mixed, new, resent, single
from benchmarks.setting import Case

__all__ = ["CASES"]

CASES: Final[dict[str, Case]] = {
    "resent": resent,
    "new": new,
    "single": single,
    "mixed": mixed,
    "listing": listed,
    "silences": silenced,
    "inhibition": inhibited,
    "reload": reloaded,
    "latency": latency,
    "due": due,
    "memory": memory,
    "start": starting,
    "commands": commands,
    "queries": queries,
}
