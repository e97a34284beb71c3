"""A history taken to its newest schema and back again says the same."""

from pathlib import Path
from typing import Any

import apsw

from ampp.core import labels as labelling
from ampp.core.clock import MINUTE
from ampp.core.record import AlertRow, Posted
from ampp.store.sqlite.database import open_database
from ampp.store.sqlite.history.schema import HISTORY, MANY
from ampp.store.sqlite.history.unfold import Unfolding
from ampp.store.sqlite.migration import migrate_to
from tests.store.store_rows import T0

SAID = {
    "labels": "SELECT id, hash, fingerprint, name, severity, namespace, labels FROM alert ORDER BY id",
    "annotations": "SELECT alert, since, annotations FROM detail ORDER BY alert, since",
    "pairs": "SELECT id, name, value FROM pair ORDER BY id",
    "holders": "SELECT pair, alert FROM label ORDER BY pair, alert",
    "events": "SELECT id, alert, starts FROM event ORDER BY id",
}
ODD = {"alertname": 'A"\\\n\x00\x7f', "nul\x00": "é\u2028😀", "severity": "x"}


def unfold(connection: apsw.Connection, minute: int) -> None:
    """A report of one alert with odd labels and of many that have a label in common."""
    sets: list[dict[str, str]] = [{"alertname": f"A{n % 3}", "job": "all", "pod": f"p{n}"} for n in range(MANY + 50)]
    at = T0 + minute * MINUTE
    rows = []
    for labels in (*sets, ODD):
        annotations = {"summary": f"{labels.get('pod', '')} is down", "odd\x00\n": 'said again and again, "it\'s" \\'}
        rows.append(AlertRow(labelling.key(labels), annotations, at, at + MINUTE, at, "", False, 0, 0, at, at + MINUTE))
    with connection:
        Unfolding(connection).take([Posted(at=at, alerts=tuple(rows))])


def said(connection: apsw.Connection) -> dict[str, list[Any]]:
    return {name: list(connection.execute(query)) for name, query in SAID.items()}


def often(connection: apsw.Connection) -> list[Any]:
    return list(connection.execute("SELECT p.value, o.start, o.holder FROM often o JOIN pair p ON p.id = o.pair"))


def test_a_history_says_the_same_after_going_back_and_forth(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    connection = open_database(path, HISTORY, full=False)
    unfold(connection, 0)
    unfold(connection, 2)
    before, latest = said(connection), often(connection)
    assert labelling.key(ODD).decode() in {row[-1] for row in before["labels"]}
    assert {pair for pair, *_ in latest} == {"all"}
    assert len(latest) == 2 * (MANY + 50)
    assert connection.execute("SELECT count(*) FROM phrase").get == 1
    while connection.pragma("user_version") > 1:
        migrate_to(connection, path, int(connection.pragma("user_version")) - 1)
        assert said(connection) == before
    connection.close()
    connection = open_database(path, HISTORY, full=False)
    assert (said(connection), often(connection)) == (before, latest)
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    unfold(connection, 4)
    assert len(often(connection)) == 3 * (MANY + 50)
    assert connection.execute("SELECT count(*) FROM alert").get == MANY + 51
    connection.close()
