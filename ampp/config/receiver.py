"""A receiver: a name, labels, and lists of entries by type."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Self

from msgspec.structs import replace

from ampp.config.error import Invalid
from ampp.config.kind import Text, TextMapOrNone
from ampp.config.receivers import (
    BUILD,
    AlertmanagerConfig,
    DiscordConfig,
    EmailConfig,
    Entry,
    IncidentioConfig,
    JiraConfig,
    MattermostConfig,
    MsteamsConfig,
    Msteamsv2Config,
    OpsgenieConfig,
    PagerdutyConfig,
    PushoverConfig,
    RocketchatConfig,
    RootlyConfig,
    SlackConfig,
    SnsConfig,
    TelegramConfig,
    VictoropsConfig,
    WebexConfig,
    WebhookConfig,
    WechatConfig,
    plugin,
)
from ampp.config.receivers.plugin import PluginEntries
from ampp.config.section import KEEP, Section, Sections
from ampp.core.quote import go_quote

__all__ = ["ReceiverSection"]

_LIST: Final = "_configs"


def _entries(cls: type[Entry], go: str) -> Sections:
    return Sections(cls, f"[]*{go}", pointer=True)


class ReceiverSection(Section, frozen=True, kw_only=True):
    """One receiver. After the whole configuration is checked, no list holds a None.

    A null in the list of receivers is a receiver without a name, which upstream accepts.
    """

    name: Annotated[Text, KEEP] = ""
    labels: TextMapOrNone = None
    discord_configs: Annotated[tuple[DiscordConfig, ...], _entries(DiscordConfig, "discord.DiscordConfig")] = ()
    email_configs: Annotated[tuple[EmailConfig, ...], _entries(EmailConfig, "config.EmailConfig")] = ()
    incidentio_configs: Annotated[
        tuple[IncidentioConfig, ...], _entries(IncidentioConfig, "incidentio.IncidentioConfig")
    ] = ()
    pagerduty_configs: Annotated[
        tuple[PagerdutyConfig, ...], _entries(PagerdutyConfig, "pagerduty.PagerdutyConfig")
    ] = ()
    slack_configs: Annotated[tuple[SlackConfig, ...], _entries(SlackConfig, "config.SlackConfig")] = ()
    webhook_configs: Annotated[tuple[WebhookConfig, ...], _entries(WebhookConfig, "webhook.WebhookConfig")] = ()
    opsgenie_configs: Annotated[tuple[OpsgenieConfig, ...], _entries(OpsgenieConfig, "opsgenie.OpsGenieConfig")] = ()
    wechat_configs: Annotated[tuple[WechatConfig, ...], _entries(WechatConfig, "config.WechatConfig")] = ()
    pushover_configs: Annotated[tuple[PushoverConfig, ...], _entries(PushoverConfig, "pushover.PushoverConfig")] = ()
    victorops_configs: Annotated[tuple[VictoropsConfig, ...], _entries(VictoropsConfig, "config.VictorOpsConfig")] = ()
    sns_configs: Annotated[tuple[SnsConfig, ...], _entries(SnsConfig, "sns.SNSConfig")] = ()
    telegram_configs: Annotated[tuple[TelegramConfig, ...], _entries(TelegramConfig, "telegram.TelegramConfig")] = ()
    webex_configs: Annotated[tuple[WebexConfig, ...], _entries(WebexConfig, "config.WebexConfig")] = ()
    msteams_configs: Annotated[tuple[MsteamsConfig, ...], _entries(MsteamsConfig, "msteams.MSTeamsConfig")] = ()
    msteamsv2_configs: Annotated[
        tuple[Msteamsv2Config, ...], _entries(Msteamsv2Config, "msteamsv2.MSTeamsV2Config")
    ] = ()
    jira_configs: Annotated[tuple[JiraConfig, ...], _entries(JiraConfig, "jira.JiraConfig")] = ()
    rocketchat_configs: Annotated[
        tuple[RocketchatConfig, ...], _entries(RocketchatConfig, "rocketchat.RocketchatConfig")
    ] = ()
    mattermost_configs: Annotated[
        tuple[MattermostConfig, ...], _entries(MattermostConfig, "mattermost.MattermostConfig")
    ] = ()
    rootly_configs: Annotated[tuple[RootlyConfig, ...], _entries(RootlyConfig, "rootly.RootlyConfig")] = ()
    alertmanager_configs: Annotated[
        tuple[AlertmanagerConfig, ...], _entries(AlertmanagerConfig, "alertmanager.AlertmanagerConfig")
    ] = ()

    foreign_field: ClassVar[str] = "plugged"
    plugged: dict[str, tuple[Entry, ...]] = {}
    """The lists of types that plug-ins bring, by key, in the order of the file."""

    @classmethod
    def foreign(cls, key: str) -> PluginEntries | None:
        kind = key.removesuffix(_LIST)
        found = plugin.find(kind) if kind != key else None
        return PluginEntries(kind, found.schema) if found is not None else None

    def settle(self) -> Self:
        if not self.name:
            raise Invalid("missing name in receiver")
        labels = dict(self.labels or {})
        given = labels.setdefault("name", self.name)
        if given != self.name:
            raise Invalid(
                f'receiver label "name" must match receiver name {go_quote(self.name)}, got {go_quote(given)}',
                field="labels",
            )
        return replace(self, labels=labels)

    def of_type(self, kind: str) -> tuple[Entry, ...]:
        """The entries of one type, such as "webhook"."""
        entries: tuple[Entry, ...] = getattr(self, kind + _LIST, ())
        return entries or self.plugged.get(kind + _LIST, ())

    def with_entries(self, changed: Mapping[str, tuple[Entry, ...]]) -> Self:
        """The receiver with other entries for some types."""
        plugged = {key: changed.get(key.removesuffix(_LIST), entries) for key, entries in self.plugged.items()}
        own = {kind + _LIST: entries for kind, entries in changed.items() if kind + _LIST not in plugged}
        return replace(self, plugged=plugged, **own)

    def plugged_types(self) -> tuple[str, ...]:
        """The types among the entries that plug-ins bring, in alphabetical order."""
        return tuple(sorted(key.removesuffix(_LIST) for key in self.plugged))

    def entries(self) -> list[tuple[str, int, Entry]]:
        """Type, number within the type, and entry, in upstream's build order, those of plug-ins last."""
        kinds = (*BUILD, *self.plugged_types())
        return [(kind, i, entry) for kind in kinds for i, entry in enumerate(self.of_type(kind))]
