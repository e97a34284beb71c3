"""How each destination fares, for whoever looks. Shown, never enforced: receivers are retried as upstream does."""

import msgspec

from ampp.core.plan import Integration

__all__ = ["Health"]


class Health(msgspec.Struct, frozen=True):
    """One integration's record since the configuration took effect. Instants are wall nanoseconds, `None` for never.

    `failures` counts notifications (not attempts) that failed since the last success; `error` is the last failed
    attempt's text and stays after it is mended. `queued`: waiting for a first or another attempt; `running`: in the
    middle of one. `unsendable` says why this integration cannot send at all, and is empty for those that can.
    """

    integration: Integration
    last_success: int | None = None
    last_failure: int | None = None
    failures: int = 0
    error: str = ""
    queued: int = 0
    running: int = 0
    unsendable: str = ""
