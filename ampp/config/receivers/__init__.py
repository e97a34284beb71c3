"""One schema file per receiver type, and the orders in which upstream walks through the types.

`BUILD` is the order in which a receiver's integrations are built and numbered, `CHECK` the one in which entries
inherit and are checked; the order of the dump is the order of the fields of `ampp.config.receiver.ReceiverSection`.
In all three the types that upstream does not have come last.
"""

from typing import Final

from ampp.config.receivers.alertmanager import AlertmanagerConfig
from ampp.config.receivers.discord import DiscordConfig
from ampp.config.receivers.email import EmailConfig
from ampp.config.receivers.entry import Entry, HttpEntry
from ampp.config.receivers.incidentio import IncidentioConfig
from ampp.config.receivers.jira import JiraConfig
from ampp.config.receivers.mattermost import MattermostConfig
from ampp.config.receivers.msteams import MsteamsConfig
from ampp.config.receivers.msteamsv2 import Msteamsv2Config
from ampp.config.receivers.opsgenie import OpsgenieConfig
from ampp.config.receivers.pagerduty import PagerdutyConfig
from ampp.config.receivers.pushover import PushoverConfig
from ampp.config.receivers.rocketchat import RocketchatConfig
from ampp.config.receivers.rootly import RootlyConfig
from ampp.config.receivers.slack import SlackConfig
from ampp.config.receivers.sns import SnsConfig
from ampp.config.receivers.telegram import TelegramConfig
from ampp.config.receivers.victorops import VictoropsConfig
from ampp.config.receivers.webex import WebexConfig
from ampp.config.receivers.webhook import WebhookConfig
from ampp.config.receivers.wechat import WechatConfig

__all__ = [
    "BUILD",
    "CHECK",
    "AlertmanagerConfig",
    "DiscordConfig",
    "EmailConfig",
    "Entry",
    "HttpEntry",
    "IncidentioConfig",
    "JiraConfig",
    "MattermostConfig",
    "MsteamsConfig",
    "Msteamsv2Config",
    "OpsgenieConfig",
    "PagerdutyConfig",
    "PushoverConfig",
    "RocketchatConfig",
    "RootlyConfig",
    "SlackConfig",
    "SnsConfig",
    "TelegramConfig",
    "VictoropsConfig",
    "WebexConfig",
    "WebhookConfig",
    "WechatConfig",
]

BUILD: Final = (
    "webhook",
    "email",
    "pagerduty",
    "opsgenie",
    "wechat",
    "slack",
    "victorops",
    "pushover",
    "sns",
    "telegram",
    "discord",
    "webex",
    "msteams",
    "msteamsv2",
    "jira",
    "incidentio",
    "rocketchat",
    "mattermost",
    "rootly",
    "alertmanager",
)

CHECK: Final = (
    "webhook",
    "email",
    "slack",
    "pushover",
    "pagerduty",
    "incidentio",
    "opsgenie",
    "wechat",
    "victorops",
    "sns",
    "telegram",
    "discord",
    "webex",
    "msteams",
    "msteamsv2",
    "jira",
    "rocketchat",
    "mattermost",
    "rootly",
    "alertmanager",
)
