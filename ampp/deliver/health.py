"""How each destination fares, for whoever looks. Shown, never enforced: receivers are retried as upstream does."""

from typing import Literal, TypeAlias

import msgspec

from ampp.core.plan import Integration

__all__ = ["Health", "State"]

State: TypeAlias = Literal["healthy", "retrying", "failing", "unsendable", "unknown"]


class Health(msgspec.Struct, frozen=True):
    """One integration's record since the configuration took effect. Instants are wall nanoseconds, `None` for never.

    `failures` counts notifications (not attempts) that failed since the last success; `error` is the last failed
    attempt's text and stays after it is mended. `queued`: waiting for a first or another attempt; `running`: in the
    middle of one. `retrying`: the last attempt failed, and another is to come. `unsendable` says why this integration
    cannot send at all, and is empty for those that can.
    """

    integration: Integration
    last_success: int | None = None
    last_failure: int | None = None
    failures: int = 0
    error: str = ""
    queued: int = 0
    running: int = 0
    unsendable: str = ""
    retrying: bool = False

    @property
    def state(self) -> State:
        """All of it in one word; `unknown` until something was sent."""
        if self.unsendable:
            return "unsendable"
        if self.failures:
            return "failing"
        if self.retrying:
            return "retrying"
        return "unknown" if self.last_success is None else "healthy"
