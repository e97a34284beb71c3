"""The bodies of requests: alerts as Prometheus sends them, encoded before the clock runs."""

import json
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

__all__ = ["Body", "alerts", "bodies", "instant", "silences", "stamp"]

_STAMP = b"@@STAMP@@"
_NUMBER = re.compile(r"\{n(?:%(\d+))?\}")
_PAST = "2026-01-01T00:00:00.000Z"


class Body:
    """One POST whose end times (and what else carries the stamp) can be renewed at almost no cost."""

    def __init__(self, some: Any, *, count: int = 1, path: str = "/api/v2/alerts") -> None:
        text = json.dumps(some, separators=(",", ":")).encode()
        self.count = count
        self._parts = text.split(_STAMP)
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Prometheus/2.42.0\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def text(self, stamp: bytes) -> bytes:
        """The body alone."""
        return stamp.join(self._parts)

    def wire(self, stamp: bytes) -> bytes:
        """The whole request."""
        body = self.text(stamp)
        return b"%s%d\r\n\r\n%s" % (self._head, len(body), body)


def alerts(
    numbers: Iterable[int],
    *,
    changing: bool = False,
    starts: str = _PAST,
    ends: str = _STAMP.decode(),
    **labels: str,
) -> list[dict[str, Any]]:
    """Alerts as Prometheus sends them: 9 labels, 3 annotations, some 650 bytes; 20 alert names.

    `labels` come on top, or instead; `{n}` in them stands for the number, `{n%7}` for its rest.
    """
    return [
        {
            "annotations": {
                "description": f"The request latency of instance node-{n:06d} has been above its limit for 10 minutes",
                "runbook_url": "https://runbooks.example.com/high-latency",
                "summary": f"High latency, seen {_STAMP.decode()}" if changing else "High latency on this instance",
            },
            "endsAt": ends,
            "startsAt": starts,
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=rate%28http_seconds%5B5m%5D%29&g0.tab=1",
            "labels": dict(
                sorted(
                    {
                        "alertname": f"HighLatency{n % 20}",
                        "cluster": "production-eu-1",
                        "environment": "production",
                        "instance": f"node-{n:06d}.example.com:9100",
                        "job": "node-exporter",
                        "namespace": f"team-{n % 50}",
                        "replica": "a",
                        "severity": "warning" if n % 3 else "critical",
                        "team": f"team-{n % 7}",
                        **{name: _numbered(value, n) for name, value in labels.items()},
                    }.items()
                )
            ),
        }
        for n in numbers
    ]


def _numbered(text: str, number: int) -> str:
    return _NUMBER.sub(lambda found: str(number % int(found[1]) if found[1] else number), text)


@lru_cache(maxsize=16)
def _bodies(first: int, count: int, size: int, changing: bool, starts: str, labels: tuple[tuple[str, str], ...]) -> Any:
    made = []
    for begin in range(first, first + count, size):
        numbers = range(begin, min(begin + size, first + count))
        some = alerts(numbers, changing=changing, starts=starts, **dict(labels))
        made.append(Body(some, count=len(some)))
    return made


def bodies(
    count: int, size: int, *, first: int = 0, changing: bool = False, starts: str = _PAST, **labels: str
) -> list[Body]:
    """`count` alerts from number `first` on, in requests of `size`. Encoded once and then remembered."""
    made: list[Body] = _bodies(first, count, size, changing, starts, tuple(labels.items()))
    return made


def silences(count: int, first: int = 0) -> list[Body]:
    """Silences of one instance each, every other alert's; one in ten by a regular expression."""
    made = []
    for n in range(first, first + count):
        regex = n % 10 == 0
        value = f"node-{2 * n:06d}" + (".*" if regex else ".example.com:9100")
        draft = {
            "matchers": [{"name": "instance", "value": value, "isRegex": regex, "isEqual": True}],
            "startsAt": instant(),
            "endsAt": instant(7200),
            "createdBy": "benchmark",
            "comment": f"number {n}",
        }
        made.append(Body(draft, path="/api/v2/silences"))
    return made


def instant(later: float = 0.0) -> str:
    at = datetime.fromtimestamp(time.time() + later, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def stamp(later: float = 0.0) -> bytes:
    """An end time some minutes ahead, as Prometheus sets it; differs from call to call by milliseconds."""
    return instant(1200 + later).encode()
