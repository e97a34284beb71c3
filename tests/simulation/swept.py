"""A simulated world's files as a daemon would have left them, of whose journal the oldest part has been swept."""

from pathlib import Path

import apsw

from ampp.core.record import SilencePut, SilencesPruned
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.database import ALERTS, SILENCES, open_database
from ampp.store.sqlite.history.schema import HISTORY
from ampp.store.sqlite.history.unfold import Unfolding
from tests.simulation.recorded import Recorded


def store(world: Recorded, directory: Path) -> None:
    """Write the whole of it."""
    alerts = open_database(directory / "alerts.db", ALERTS, full=False)
    silences = open_database(directory / "silences.db", SILENCES, full=False)
    history = open_database(directory / "history.db", HISTORY, full=False)
    told = world.projection
    with alerts:
        alerts.executemany(
            "INSERT INTO journal (at, kind, body) VALUES (?, ?, ?)",
            [(record.at, str(record.__struct_config__.tag), encode(record)) for record in world.tape],
        )
        alerts.executemany(
            "INSERT INTO alerts (key, row) VALUES (?, ?)", [(key, encode(row)) for key, row in told.alerts.items()]
        )
        alerts.execute("INSERT INTO meta VALUES ('config_text', ?)", (list(world.plans)[-1],))
        alerts.executemany("INSERT INTO log VALUES (?, ?)", [(key, encode(entry)) for key, entry in told.log.items()])
    with silences:
        silences.executemany(
            "INSERT INTO silences (id, row) VALUES (?, ?)", [(name, encode(one)) for name, one in told.silences.items()]
        )
        silences.executemany("INSERT INTO revisions (at, id, row) VALUES (?, ?, ?)", _revisions(world))
    unfolding = Unfolding(history)
    with history:
        unfolding.take(world.tape)
    for connection in (alerts, silences, history):
        connection.close()


def sweep(directory: Path, share: float) -> None:
    """Delete about this share of the journal's records: all that are older than one of them, as retention does it."""
    connection = apsw.Connection(str(directory / "alerts.db"))
    connection.execute(
        "DELETE FROM journal WHERE at < (SELECT at FROM journal ORDER BY seq LIMIT 1 OFFSET "
        "(SELECT CAST(max(seq) * ? AS INTEGER) - min(seq) FROM journal))",
        (share,),
    )
    connection.close()


def _revisions(world: Recorded) -> list[tuple[int, str, bytes | None]]:
    found: list[tuple[int, str, bytes | None]] = []
    for record in world.tape:
        if isinstance(record, SilencePut):
            found += [(record.at, one.id, encode(one)) for one in record.silences]
        elif isinstance(record, SilencesPruned):
            found += [(record.at, name, None) for name in record.ids]
    return found
