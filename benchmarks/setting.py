"""One side under one condition: how to start it, how large, how long, and what a case says of it."""

import contextlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks import load
from benchmarks.body import Body, bodies
from benchmarks.load import Address, Blast, Overdue
from benchmarks.sink import Sink
from benchmarks.throttle import Throttle
from tests.support import Daemon

__all__ = ["Case", "Reading", "Setting", "address", "config", "fill", "median", "sent"]


@dataclass(frozen=True)
class Reading:
    """One number of one run; `value` is None when there was no answer within `deadline` seconds.

    `better` is `more` or `less`; `target` the factor by which ampp is to be better; `share` the generator's of a core.
    """

    name: str
    unit: str
    value: float | None
    better: str = "less"
    target: float | None = None
    share: float | None = None
    deadline: float = 0.0


def config(sink: Sink, *, by: str = "alertname", wait: str = "1s", interval: str = "10s", more: str = "") -> str:
    return (
        f"route: {{receiver: hook, group_by: [{by}], group_wait: {wait}, group_interval: {interval}, "
        f"repeat_interval: 4h}}\n"
        f'receivers: [{{name: hook, webhook_configs: [{{url: "http://127.0.0.1:{sink.port}/timed"}}]}}]\n{more}'
    )


@dataclass(frozen=True)
class Setting:
    """`command` starts the daemon, `version` prints the daemon's version, `amtool` is the tool that goes with it.

    `short` shrinks sizes and durations so far that every case runs, and nothing measured means anything.
    """

    command: Sequence[str]
    version: Sequence[str]
    amtool: Sequence[str]
    sink: Sink
    short: bool
    deadline: float
    prefix: Sequence[str] = ()
    silent: set[str] = field(default_factory=set)
    """Readings for which there was no answer in an earlier round: not waited for again."""

    @property
    def ours(self) -> bool:
        return "ampp" in " ".join(self.version)

    def size(self, full: int) -> int:
        return max(40, full // 100) if self.short else full

    def sizes(self, full: dict[str, int]) -> dict[str, int]:
        """The sizes to go through, by name."""
        return dict([*full.items()][-1:]) if self.short else full

    def span(self, full: float) -> float:
        """Seconds."""
        return full / 50 if self.short else full

    @contextlib.contextmanager
    def daemon(self, text: str = "", throttle: Throttle | None = None) -> Iterator[Daemon]:
        daemon = Daemon(
            self.command,
            text or config(self.sink),
            prefix=self.prefix,
            before_exec=throttle.enter if throttle else None,
        )
        try:
            if throttle and throttle.enter is None:
                raise RuntimeError(f"cannot hold a starting process by {throttle.how}")
            daemon.start(timeout=120)
            daemon.api().wait_ready(120)
            yield daemon
        finally:
            daemon.close()

    def ask(self, name: str, unit: str, action: Callable[[], tuple[float, float]], **more: float) -> Reading:
        """`action` gives a value and the generator's share; a reading without a value if it takes too long."""
        if name not in self.silent:
            try:
                value, share = action()
                return Reading(name, unit, value, share=share, target=more.get("target"))
            except Overdue:
                self.silent.add(name)
        return Reading(name, unit, None, target=more.get("target"), deadline=self.deadline)


Case = Callable[[Setting], Iterator[Reading]]


def address(daemon: Daemon) -> Address:
    return daemon.host, daemon.port


def sent(blast: Blast) -> Blast:
    """Raises RuntimeError when anything was refused."""
    if blast.refused:
        raise RuntimeError(f"{blast.refused} of {blast.requests} requests refused")
    return blast


def fill(daemon: Daemon, count: int) -> list[Body]:
    """Post the alerts 0 to `count`; returns them, to be sent again."""
    some = bodies(count, 64)
    sent(load.blast(address(daemon), load.once(some)))
    return some


def median(action: Callable[[], tuple[float, float]], times: int) -> tuple[float, float]:
    """The median of the values, the highest of the shares."""
    found = [action() for _ in range(times)]
    return statistics.median(value for value, _ in found), max(share for _, share in found)
