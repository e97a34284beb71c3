import msgspec
import pytest
from store_rows import T0, YEAR_9999, alert, delivered, entry, flushed, group, outbox, posted, silence

from ampp.core.clock import ZERO
from ampp.core.record import (
    Collected,
    ConfigLoaded,
    GroupDropped,
    LogPruned,
    Record,
    SilencePut,
    SilencesPruned,
    Started,
    Stopped,
)
from ampp.store.sqlite import codec

RECORDS: list[Record] = [
    Started(at=T0, version="1", resumed=True),
    Stopped(at=T0, turns=T0 - 1),
    ConfigLoaded(at=T0, hash=2**48 - 1, text="route: {receiver: é}\n", kept_timers=True),
    posted("A", "B"),
    posted("A", ends=YEAR_9999, starts=ZERO),
    Collected(at=T0, alerts=(b"{}",)),
    flushed(1),
    GroupDropped(at=T0, route="{}", labels=b"{}", cause="reload"),
    delivered(1),
    delivered(1, ok=False),
    LogPruned(at=T0, keys=("a",)),
    SilencePut(at=T0, silences=(silence(), silence("x", ends=YEAR_9999, expires=2**70))),
    SilencesPruned(at=T0, ids=("a", "b")),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_come_back_equal(record: Record) -> None:
    assert codec.RECORD(codec.encode(record)) == record


@pytest.mark.parametrize("at", [-(2**63) - 1, -(2**63), 0, 2**64 - 1, 2**64, YEAR_9999, ZERO])
def test_any_instant_survives_in_any_row(at: int) -> None:
    row = alert("A", ends=at, starts=at, updated=at)
    assert codec.ALERT(codec.encode(row)) == row
    log = msgspec.structs.replace(entry(), timestamp=at, data={"number-like": "123", "n": 5, "f": 1.5})
    assert codec.LOG(codec.encode(log)) == log
    assert codec.GROUP(codec.encode(group(next_=at))) == group(next_=at)


def test_other_rows() -> None:
    assert codec.OUTBOX(codec.encode(outbox(3))) == outbox(3)
    assert codec.SILENCE(codec.encode(silence())) == silence()


def test_nonsense_is_refused() -> None:
    for data in (b"", b"\xc1", codec.encode({"t": "nothing"}), codec.encode(5)):
        with pytest.raises(msgspec.DecodeError):
            codec.RECORD(data)
