"""What ampp's API has beyond Alertmanager's, each path both below /api/v2/ and at the top: the same handler, the same
answer. `openapi` describes all of it, in a document of its own, so that Alertmanager's stays as clients know it."""

from ampp.api.extensions.answer import Route
from ampp.api.extensions.backtest import BacktestApi
from ampp.api.extensions.explain import ExplainApi
from ampp.api.extensions.history import HistoryApi
from ampp.api.extensions.openapi import with_document
from ampp.live import Live

__all__ = ["extensions"]


def extensions(live: Live) -> tuple[Route, ...]:
    """Every route there is beyond Alertmanager's."""
    return with_document(
        (
            *HistoryApi(live.history, live.metrics.history).routes(),
            *ExplainApi(live).routes(),
            *BacktestApi(live).routes(),
        )
    )
