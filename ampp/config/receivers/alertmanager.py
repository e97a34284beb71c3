"""`alertmanager_configs`: the alerts themselves, handed on to another Alertmanager. Upstream has no such receiver."""

from typing import Annotated, ClassVar, Final, Self

from msgspec.structs import replace

from ampp.config.address import SecretUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import GoDuration, LongDuration, Text
from ampp.config.receivers.entry import HttpEntry, either
from ampp.config.section import KEEP
from ampp.core.clock import HOUR, SECOND

__all__ = ["AlertmanagerConfig"]

_NO_URL: Final = "one of url or url_file must be configured"


class AlertmanagerConfig(HttpEntry, frozen=True, kw_only=True):
    """`url` is the other's base address, or that of its `/api/v2/alerts`. Durations in nanoseconds.

    `expire_after`: a firing alert that is not heard of again for so long is over for the other side. Must be longer
    than the routes' repeat_interval, or the alert ends there between two notifications. `timeout` 0 for none.
    """

    go: ClassVar[str] = "alertmanager.plain"
    type: ClassVar[str] = "alertmanager"

    url: SecretUrl = None
    url_file: Text = ""
    expire_after: Annotated[LongDuration, KEEP] = 24 * HOUR
    timeout: Annotated[GoDuration, KEEP] = 10 * SECOND

    def settle(self) -> Self:
        if wrong := either(self.url, self.url_file, "url", _NO_URL):
            raise Invalid(wrong)
        if self.expire_after <= 0:
            raise Invalid("expire_after must be positive", field="expire_after")
        return self

    def inherit(self, base: Global) -> Self:
        return replace(self, http_config=self.http_config or base.http_config)
