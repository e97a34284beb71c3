"""Records for the store's tests, as the engine would write them."""

import msgspec

from ampp.core.clock import HOUR, MINUTE, SECOND
from ampp.core.matcher import Matcher, Op
from ampp.core.record import AlertRow, Decision, Delivered, Flushed, GroupRow, LogEntry, OutboxRow, Posted
from ampp.core.silence import Silence

T0 = 1_790_000_000 * SECOND
YEAR_9999 = 253_402_300_799 * SECOND


def alert(name: str, *, ends: int = T0 + HOUR, updated: int = T0, starts: int = T0) -> AlertRow:
    key = msgspec.json.encode({"alertname": name, "job": "node"})
    return AlertRow(
        key, {"summary": f"{name} is broken"}, starts, ends, updated, "http://p/g", False, 0, 0, starts, ends
    )


def posted(*names: str, at: int = T0, **fields: int) -> Posted:
    return Posted(at=at, alerts=tuple(alert(name, **fields) for name in names))


def group(route: str = "{}", labels: bytes = b"{}", next_: int = T0 + MINUTE) -> GroupRow:
    return GroupRow(route, labels, "team", T0, next_, True)


def outbox(flush: int, key: str = "{}:{}:team/webhook/0") -> OutboxRow:
    return OutboxRow(key, flush, "{}", b"{}", T0, f"token-{flush}")


def entry(timestamp: int = T0, *, receiver: str = "team", firing: tuple[int, ...] = (1, 2**64 - 1)) -> LogEntry:
    return LogEntry(
        "{}:{}", receiver, "webhook", 0, timestamp, firing, (7,), timestamp + 8 * HOUR, {"threadTs": "1.2", "n": 5}
    )


def flushed(flush: int, **fields: int) -> Flushed:
    decision = Decision("webhook", 0, True, "first notification", 1, 0, f"token-{flush}")
    return Flushed(
        at=T0, id=flush, group=group(**fields), alerts=(), suppressed=(), decisions=(decision,), outbox=(outbox(flush),)
    )


def delivered(flush: int, *, ok: bool = True, settled: bool = True) -> Delivered:
    return Delivered(
        at=T0, flush=flush, key="{}:{}:team/webhook/0", ok=ok, attempts=1, took=5, entry=entry() if ok else None,
        settled=settled,
    )  # fmt: skip


def silence(id_: str = "11111111-1111-4111-8111-111111111111", **changes: object) -> Silence:
    made = Silence(
        id=id_,
        matcher_sets=((Matcher("alertname", Op.EQ, "Foo"), Matcher("job", Op.NRE, "node|x")),),
        starts=T0,
        ends=T0 + HOUR,
        updated=T0,
        created_by="ann",
        comment="maintenance é",
        annotations={"ticket": "A-1", "empty": ""},
        expires=T0 + 121 * HOUR,
    )
    return msgspec.structs.replace(made, **changes)
