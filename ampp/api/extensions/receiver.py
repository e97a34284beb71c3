"""Receivers: how each of their integrations fares, and a test notification through them."""

from typing import Any, Final

import msgspec
import trio

from ampp import config as configuration
from ampp.api.extensions.answer import Ask, Problem, Route, answer, decoded, guarded, wrong
from ampp.api.extensions.receiver_contract import CONTRACT
from ampp.api.reply import Reply
from ampp.config import ConfigError
from ampp.config.error import closest
from ampp.core.clock import SECOND
from ampp.core.plan import Receiver
from ampp.core.timestamp import format_millis
from ampp.deliver import integrations, trial
from ampp.deliver.health import Health
from ampp.deliver.sender import BuildError, Senders, Unsendable
from ampp.ingest.alertmanager import decode_alerts
from ampp.ingest.fault import IngestError
from ampp.live import Live

__all__ = ["ReceiverApi", "fares"]

_TIMEOUT: Final = 30.0
"""Seconds that each integration has for a test."""

_WORST: Final = ("unsendable", "failing", "retrying", "healthy", "unknown")
"""States, the one first that a receiver is said to be in when any of its integrations is."""


class _Test(msgspec.Struct, forbid_unknown_fields=True):
    receiver: str
    integration: str | None = None
    integration_index: int | None = None
    alerts: list[msgspec.Raw] = []


class ReceiverApi:
    """The handlers over one router."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live
        self._testing: Final = trio.Lock()

    def routes(self) -> tuple[Route, ...]:
        table = (("GET", "receivers/health", self.health), ("POST", "receivers/test", self.test))
        return tuple(Route(verb, path, guarded(handler), CONTRACT[path]) for verb, path, handler in table)

    async def health(self, ask: Ask) -> Reply:
        """GET /receivers/health: every receiver in the order of the configuration, those no route leads to as well."""
        wanted = ask.parameters.get("receiver", [])
        shown = [one for one in fares(self._live) if not wanted or one["name"] in wanted]
        return answer(ask, {"receivers": shown, "count": len(shown)})

    async def test(self, ask: Ask) -> Reply:
        """POST /receivers/test: tell a receiver's integrations something, once, beside all groups and logs."""
        asked = decoded(ask, _Test)
        receiver = self._receiver(asked)
        try:
            posts = decode_alerts(msgspec.json.encode(asked.alerts)) if asked.alerts else [trial.sample()]
        except IngestError as error:
            raise wrong("alerts", error.message) from None
        if self._testing.locked():
            raise Problem("CONFLICT", "another test is under way")
        async with self._testing:
            results = await self._tell(receiver, posts)
        shown = [
            {
                "integration": one.integration.name,
                "integration_index": one.integration.idx,
                "sent": one.sent,
                "error": one.error,
                "duration": one.took / SECOND,
            }
            for one in results
        ]
        return answer(ask, {"receiver": receiver.name, "sent": all(one.sent for one in results), "results": shown})

    def _receiver(self, asked: _Test) -> Receiver:
        """The receiver, with those of its integrations that are asked for."""
        receivers = self._live.plan.receivers
        receiver = receivers.get(asked.receiver)
        if receiver is None:
            near = closest(asked.receiver, receivers)
            raise Problem("NOT_FOUND", "there is no such receiver" + (f"; did you mean {near}?" if near else ""))
        wanted = tuple(
            to
            for to in receiver.integrations
            if asked.integration in (None, to.name) and asked.integration_index in (None, to.idx)
        )
        if not wanted:
            raise Problem("NOT_FOUND", f"receiver {receiver.name} has no such integration")
        return msgspec.structs.replace(receiver, integrations=wanted)

    async def _tell(self, receiver: Receiver, posts: list[Any]) -> list[trial.Result]:
        config, external_url = self._live.config, self._live.external_url

        def build() -> Senders:
            renderer = configuration.renderer(config.document.templates)
            return integrations.build_for(config, receiver, external_url, renderer)

        try:
            senders = await trio.to_thread.run_sync(build)
        except ConfigError as error:
            raise Problem("INTERNAL_ERROR", error.render()) from None
        except BuildError as error:
            raise Problem("INTERNAL_ERROR", str(error)) from None
        alerts = trial.snapshots(posts)
        results: dict[Any, trial.Result] = {}

        async def tell(to: Any) -> None:
            results[to] = await trial.attempt(to, senders[to], alerts, _TIMEOUT)

        try:
            async with trio.open_nursery() as nursery:
                for to in senders:
                    nursery.start_soon(tell, to)
        finally:
            with trio.move_on_after(1, shield=True):
                for sender in senders.values():
                    if not isinstance(sender, Unsendable):
                        await sender.aclose()
        return [results[to] for to in senders]


def fares(live: Live) -> list[dict[str, Any]]:
    """How every receiver fares. One that no route leads to is never told anything, and is `unused`."""
    by_receiver: dict[str, list[Health]] = {}
    for health in live.delivery.health():
        by_receiver.setdefault(health.integration.receiver, []).append(health)
    used = {route.receiver for route in live.plan.root.walk()}
    shown = []
    for receiver in live.plan.receivers.values():
        each = by_receiver.get(receiver.name, [])
        states = {health.state for health in each}
        state = next((state for state in _WORST if state in states), "unknown")
        told = {"name": receiver.name, "state": state if receiver.name in used else "unused"}
        shown.append({**told, "integrations": [_integration(health) for health in each]})
    return shown


def _integration(health: Health) -> dict[str, Any]:
    return {
        "integration": health.integration.name,
        "integration_index": health.integration.idx,
        "send_resolved": health.integration.send_resolved,
        "state": health.state,
        "last_success": _instant(health.last_success),
        "last_failure": _instant(health.last_failure),
        "failures": health.failures,
        "error": health.unsendable or health.error,
        "queued": health.queued,
        "running": health.running,
    }


def _instant(wall: int | None) -> str | None:
    return None if wall is None else format_millis(wall)
