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


def take_in(ledger: Ledger) -> Iterator[list[str]]:
    """Slice by slice; the statements of each, by their first word."""
    said: list[str] = []

    def heard(_: object, statement: str, __: object) -> bool:
        said.append(statement.split()[0])
        return True

    connection = ledger.alerts.connection
    while ledger.backlog:
        said.clear()
        connection.exec_trace = heard
        ledger.apply(SLICE_ROWS)
        connection.exec_trace = None
        yield list(said)


def applied(ledger: Ledger) -> object:
    return tables.get_meta(ledger.alerts.connection).get("applied")


def test_what_is_merely_refreshed_takes_one_statement_a_slice(ledger: Ledger) -> None:
    keep(ledger, Posted(at=T0, alerts=tuple(map(alert, NAMES))))
    slices = list(take_in(ledger))
    assert applied(ledger) == 1
    later = [alert(name, updated=T0 + SECOND) for name in NAMES]
    ledger.backlog.extend(ledger.seq, [(row.key, row) for row in later], journalled=False)
    assert list(take_in(ledger)) == [["INSERT"]] * 3
    # A long record is of a piece with what is noted of it, and only with its last slice.
    assert [len(each) > 1 for each in slices] == [True, False, True]
    rows = ledger.alerts.connection.execute("SELECT row FROM alerts ORDER BY id").fetchall()
    assert [row for (row,) in rows] == list(map(encode, later))


def test_that_the_table_has_come_further_is_noted_with_it(ledger: Ledger) -> None:
    for seq, name in enumerate(NAMES[:4], 1):
        keep(ledger, Posted(at=T0, alerts=(alert(name),)))
        assert [len(each) > 1 for each in take_in(ledger)] == [True]
        assert applied(ledger) == seq
    row = alert(NAMES[0], updated=T0 + SECOND)
    ledger.backlog.extend(ledger.seq, [(row.key, row)], journalled=False)
    # Whoever deletes from the journal notes it anew.
    with ledger.alerts.connection:
        ledger.applied(ledger.alerts.connection)
    assert [len(each) > 1 for each in take_in(ledger)] == [True]
    assert applied(ledger) == 4
