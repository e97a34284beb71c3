"""The `event_recorder` section: where events of the daemon are written besides its own journal."""

from typing import Annotated, Any, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import SecretUrl
from ampp.config.error import Invalid
from ampp.config.http import HttpOrNone, TlsOrNone, join
from ampp.config.kind import Flag, Integer, LongDuration, Strings, Text
from ampp.config.section import KEEP, Section, Sections
from ampp.core.quote import go_quote

__all__ = ["EventRecorderSection", "FileOutput", "KafkaOutput", "StdoutOutput", "WebhookOutput"]


class FileOutput(Section, frozen=True, kw_only=True):
    """Events as lines of JSON in a file."""

    go: ClassVar[str] = "eventrecorder.plain"

    path: Annotated[Text, KEEP] = ""

    def settle(self) -> Self:
        if not self.path:
            raise Invalid("event_recorder file output requires a path")
        return self


class WebhookOutput(Section, frozen=True, kw_only=True):
    """Events posted one by one, or with `batch` as lists. Zero means upstream's default for every number."""

    go: ClassVar[str] = "eventrecorder.plain"

    url: Annotated[SecretUrl, KEEP] = None
    http_config: HttpOrNone = None
    timeout: LongDuration = 0
    workers: Integer = 0
    max_retries: Integer = 0
    retry_backoff: LongDuration = 0
    batch: Flag = False
    batch_max_events: Integer = 0
    batch_max_bytes: Integer = 0
    batch_flush_interval: LongDuration = 0

    def settle(self) -> Self:
        if self.url is None:
            raise Invalid("event_recorder webhook output requires a url")
        if not self.url:
            raise Invalid("event_recorder webhook output requires an absolute http(s) url", field="url")
        settings = self.batch_max_events, self.batch_max_bytes, self.batch_flush_interval
        if min(settings) < 0:
            raise Invalid("event_recorder webhook batch settings cannot be negative")
        if not self.batch and any(settings):
            raise Invalid("event_recorder webhook batch settings require batch: true")
        return self


class KafkaOutput(Section, frozen=True, kw_only=True):
    """Events produced to a topic."""

    go: ClassVar[str] = "eventrecorder.plain"

    brokers: Annotated[Strings, KEEP] = ()
    topic: Annotated[Text, KEEP] = ""
    client_id: Text = ""
    format: Text = ""
    acks: Text = ""
    compression: Text = ""
    buffer_size: Integer = 0
    tls_config: TlsOrNone = None

    def settle(self) -> Self:
        if not self.brokers:
            raise Invalid("event_recorder kafka: at least one broker is required")
        if "" in self.brokers:
            raise Invalid("event_recorder kafka: broker entries must be non-empty", field="brokers")
        if self.acks not in ("", "none", "leader", "all"):
            raise Invalid(
                f'event_recorder kafka: unknown acks {go_quote(self.acks)}, must be "none", "leader", or "all"',
                field="acks",
            )
        if self.compression not in ("", "none", "gzip", "snappy", "lz4", "zstd"):
            raise Invalid(
                f"event_recorder kafka: unknown compression {go_quote(self.compression)}", field="compression"
            )
        if not self.topic:
            raise Invalid("event_recorder kafka output requires a topic")
        chosen = self.format or "json"
        if chosen not in ("json", "protobuf"):
            raise Invalid(
                f'event_recorder kafka: unknown format {go_quote(chosen)}, must be "json" or "protobuf"', field="format"
            )
        return replace(self, format=chosen)


class StdoutOutput(Section, frozen=True, kw_only=True):
    """Events as lines of JSON on standard output."""

    go: ClassVar[str] = "eventrecorder.StdoutOutputConfig"
    custom: ClassVar[bool] = False


class EventRecorderSection(Section, frozen=True, kw_only=True):
    """Every event goes to every output."""

    go: ClassVar[str] = "eventrecorder.Config"
    custom: ClassVar[bool] = False

    file_outputs: Annotated[tuple[FileOutput, ...], Sections(FileOutput, "[]eventrecorder.FileOutputConfig")] = ()
    webhook_outputs: Annotated[
        tuple[WebhookOutput, ...], Sections(WebhookOutput, "[]eventrecorder.WebhookOutputConfig")
    ] = ()
    kafka_outputs: Annotated[tuple[KafkaOutput, ...], Sections(KafkaOutput, "[]eventrecorder.KafkaOutputConfig")] = ()
    stdout_outputs: Annotated[
        tuple[StdoutOutput, ...], Sections(StdoutOutput, "[]eventrecorder.StdoutOutputConfig")
    ] = ()

    def under(self, directory: str) -> Self:
        """The same with its relative paths joined to `directory`."""

        def moved(output: Any, key: str) -> Any:
            part = getattr(output, key)
            return output if part is None else replace(output, **{key: part.under(directory)})

        return replace(
            self,
            file_outputs=tuple(replace(output, path=join(directory, output.path)) for output in self.file_outputs),
            webhook_outputs=tuple(moved(output, "http_config") for output in self.webhook_outputs),
            kafka_outputs=tuple(moved(output, "tls_config") for output in self.kafka_outputs),
        )
