"""How an ending is put into words, which are upstream's, and into an `Outcome`."""

from typing import Final

from ampp.core.alert import Snapshot
from ampp.core.duration import format_go
from ampp.core.notify import Notify, Outcome
from ampp.core.reason import FailureReason
from ampp.core.record import Try
from ampp.deliver.apart import apart
from ampp.deliver.message import in_order
from ampp.deliver.sender import SendError, about, label
from ampp.observe.log import Logger

__all__ = ["failed", "fatal", "gave_up", "log_success", "prepared", "told"]

_log: Final = Logger("dispatcher")

_MANY: Final = 500
"""Alerts from which on they are put in order in a thread, so that nobody else waits for it."""


def told(notify: Notify) -> tuple[Snapshot, ...]:
    """The alerts that the integration is to hear of, in upstream's order. Of many, this takes a while."""
    all_of_them = notify.integration.send_resolved
    alerts = notify.alerts if all_of_them else [alert for alert in notify.alerts if alert.firing]
    return tuple(in_order(alerts))


async def prepared(notify: Notify) -> tuple[Snapshot, ...]:
    """The same once all that the integration is to hear is at hand; what takes a while is done in a thread."""
    if notify.route_labels.templated:
        await apart(notify.route_labels.rendered)
    if len(notify.alerts) < _MANY:
        return told(notify)
    return await apart(told, notify)


def _prefix(notify: Notify) -> str:
    return f"{notify.integration.receiver}/{label(notify.integration)}: notify retry canceled"


def fatal(notify: Notify, attempts: int, error: SendError) -> str:
    return f"{_prefix(notify)} due to unrecoverable error after {attempts} attempts: {error}"


def gave_up(notify: Notify, attempts: int, cause: SendError | None, canceled: bool) -> str:
    why = str(cause) if cause else "context canceled" if canceled else "context deadline exceeded"
    return f"{_prefix(notify)} after {attempts} attempts: {why}"


def failed(
    notify: Notify,
    attempts: int,
    took: int,
    *,
    error: str,
    reason: FailureReason = FailureReason.CANCELED,
    retryable: bool = True,
    canceled: bool = False,
    tries: tuple[Try, ...] = (),
) -> Outcome:
    return Outcome(
        notify=notify,
        ok=False,
        attempts=attempts,
        took=took,
        reason=reason,
        error=error,
        retryable=retryable,
        canceled=canceled,
        tries=tries,
    )


def log_success(outcome: Outcome) -> None:
    """One attempt is a matter of course (debug); more than one ended a trouble that was warned of (info)."""
    notify = outcome.notify
    log = _log.info if outcome.attempts > 1 else _log.debug
    if outcome.attempts == 1 and not _log.debugging:
        return
    log(
        "Notify success",
        **about(notify.integration),
        aggrGroup=notify.group_key,
        attempts=outcome.attempts,
        duration=format_go(outcome.took),
        numAlerts=sum(notify.integration.send_resolved or alert.firing for alert in notify.alerts),
    )
