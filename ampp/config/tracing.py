"""The `tracing` section: where spans are sent."""

from typing import Annotated, ClassVar, Self

from ampp.config.error import Invalid
from ampp.config.http import HeadersOrNone, TlsOrNone
from ampp.config.kind import Choice, Flag, LongDuration, Number, Text
from ampp.config.section import Section

__all__ = ["TracingSection"]


def _client_type(text: str) -> None:
    if text not in ("http", "grpc"):
        raise Invalid(f"expected tracing client type to be to be http or grpc, but got {text}")


class TracingSection(Section, frozen=True, kw_only=True):
    """`endpoint` is empty only when there is no tracing. `timeout` in nanoseconds."""

    go: ClassVar[str] = "tracing.plain"

    client_type: Annotated[str, Choice("tracing.plain", _client_type)] = "grpc"
    endpoint: Text = ""
    sampling_fraction: Number = 0.0
    insecure: Flag = False
    tls_config: TlsOrNone = None
    headers: HeadersOrNone = None
    compression: Text = ""
    timeout: LongDuration = 0

    def settle(self) -> Self:
        if not self.endpoint:
            raise Invalid("tracing endpoint must be set")
        if self.compression not in ("", "gzip"):
            raise Invalid(
                f"invalid compression type {self.compression} provided, valid options: gzip", field="compression"
            )
        return self
