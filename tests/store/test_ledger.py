"""How the table of current alerts takes in its backlog: what is written, and what the journal then need not hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_rows import T0, alert

from ampp.core.clock import SECOND
from ampp.core.record import Posted
from ampp.store.sqlite import tables
from ampp.store.sqlite.backlog import SLICE_ROWS
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.database import ALERTS, SILENCES
from ampp.store.sqlite.file import File
from ampp.store.sqlite.ledger import Ledger

NAMES = [f"a{n}" for n in range(3 * SLICE_ROWS)]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    alerts, silences = (
        File(tmp_path / name, schema, full=False) for name, schema in (("a.db", ALERTS), ("s.db", SILENCES))
    )
    alerts.open()
    silences.open()
    yield Ledger(alerts, silences, seq=0, clock=lambda: T0)
    alerts.close()
    silences.close()


def keep(ledger: Ledger, record: Posted) -> None:
    ledger.commit([(record, encode(record))])


def take_in(ledger: Ledger) -> Iterator[object]:
    """Slice by slice; up to which record the table then says it has come."""
    while ledger.backlog:
        ledger.apply(SLICE_ROWS)
        yield tables.get_meta(ledger.alerts.connection).get("applied")


def test_a_long_record_is_noted_with_its_last_slice(ledger: Ledger) -> None:
    keep(ledger, Posted(at=T0, alerts=(alert("before"),)))
    assert list(take_in(ledger)) == [1]
    keep(ledger, Posted(at=T0, alerts=tuple(map(alert, NAMES))))
    assert list(take_in(ledger)) == [1, 1, 2]


def test_what_is_merely_refreshed_does_not_set_the_table_back(ledger: Ledger) -> None:
    """Or a crash just then would have the last record written over what was refreshed since."""
    keep(ledger, Posted(at=T0, alerts=tuple(map(alert, NAMES))))
    assert list(take_in(ledger)) == [0, 0, 1]
    later = [alert(name, updated=T0 + SECOND) for name in NAMES]
    ledger.backlog.extend(ledger.seq, [(row.key, row) for row in later], journalled=False)
    assert list(take_in(ledger)) == [1, 1, 1]
    rows = ledger.alerts.connection.execute("SELECT row FROM alerts ORDER BY id").fetchall()
    assert [row for (row,) in rows] == list(map(encode, later))
