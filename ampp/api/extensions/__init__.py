"""What ampp's API has beyond Alertmanager's, each path both below /api/v2/ and at the top: the same handler, the same
answer. `openapi` describes all of it, in a document of its own, so that Alertmanager's stays as clients know it."""

from ampp.api.extensions.answer import Route
from ampp.api.extensions.backtest import BacktestApi
from ampp.api.extensions.dashboard import DashboardApi
from ampp.api.extensions.explain import ExplainApi
from ampp.api.extensions.explain_contract import SCHEMAS
from ampp.api.extensions.history import HistoryApi
from ampp.api.extensions.inhibition import InhibitionApi
from ampp.api.extensions.openapi import with_document
from ampp.api.extensions.probe import ProbeApi
from ampp.api.extensions.receiver import ReceiverApi
from ampp.api.extensions.silence import SilenceApi
from ampp.api.extensions.stream_contract import DESCRIBED, EVENTS
from ampp.api.extensions.version import VersionApi
from ampp.live import Live

__all__ = ["extensions"]


def extensions(live: Live) -> tuple[Route, ...]:
    """Every route there is beyond Alertmanager's."""
    routes = (
        *HistoryApi(live.history, live.metrics.history).routes(),
        *ExplainApi(live).routes(),
        *BacktestApi(live).routes(),
        *VersionApi(live).routes(),
        *SilenceApi(live).routes(),
        *InhibitionApi(live).routes(),
        *ReceiverApi(live).routes(),
        *DashboardApi(live).routes(),
        *ProbeApi(live).routes(),
    )
    return with_document(routes, DESCRIBED, {**SCHEMAS, **EVENTS})
