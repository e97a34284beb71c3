"""The `global` section: what receivers fall back to."""

from typing import Annotated, Final

from ampp.config.address import HostAndPort, HostPort, SecretUrl, WebUrl
from ampp.config.error import Invalid
from ampp.config.http import HttpConfig, HttpOrNone, TlsConfig, TlsOrNone
from ampp.config.kind import Flag, FlagOrNone, LongDuration, SecretText, SecretTextOrNone, Text
from ampp.config.secret import Secret
from ampp.config.section import KEEP, Section
from ampp.config.url import parse_http
from ampp.core.clock import MINUTE

__all__ = ["Global", "check_global"]


class Global(Section, frozen=True, kw_only=True):
    """Defaults for all receivers. An absent section is this class as it stands."""

    resolve_timeout: Annotated[LongDuration, KEEP] = 5 * MINUTE
    http_config: HttpOrNone = HttpConfig()
    jira_api_url: WebUrl = None
    smtp_from: Text = ""
    smtp_hello: Text = "localhost"
    smtp_smarthost: HostAndPort = HostPort()
    smtp_auth_username: Text = ""
    smtp_auth_password: SecretText = Secret()
    smtp_auth_password_file: Text = ""
    smtp_auth_secret: SecretText = Secret()
    smtp_auth_secret_file: Text = ""
    smtp_auth_identity: Text = ""
    smtp_require_tls: Annotated[Flag, KEEP] = True
    smtp_tls_config: TlsOrNone = TlsConfig()
    smtp_force_implicit_tls: FlagOrNone = None
    slack_api_url: SecretUrl = None
    slack_api_url_file: Text = ""
    slack_app_token: SecretText = Secret()
    slack_app_token_file: Text = ""
    slack_app_url: WebUrl = parse_http("https://slack.com/api/chat.postMessage")
    pagerduty_url: WebUrl = parse_http("https://events.pagerduty.com/v2/enqueue")
    opsgenie_api_url: WebUrl = parse_http("https://api.opsgenie.com/")
    opsgenie_api_key: SecretText = Secret()
    opsgenie_api_key_file: Text = ""
    wechat_api_url: WebUrl = parse_http("https://qyapi.weixin.qq.com/cgi-bin/")
    wechat_api_secret: SecretText = Secret()
    wechat_api_secret_file: Text = ""
    wechat_api_corp_id: Text = ""
    victorops_api_url: WebUrl = parse_http("https://alert.victorops.com/integrations/generic/20131114/alert/")
    victorops_api_key: SecretText = Secret()
    victorops_api_key_file: Text = ""
    telegram_api_url: WebUrl = parse_http("https://api.telegram.org")
    telegram_bot_token: SecretText = Secret()
    telegram_bot_token_file: Text = ""
    webex_api_url: WebUrl = parse_http("https://webexapis.com/v1/messages")
    rocketchat_api_url: WebUrl = parse_http("https://open.rocket.chat/")
    rocketchat_token: SecretTextOrNone = None
    rocketchat_token_file: Text = ""
    rocketchat_token_id: SecretTextOrNone = None
    rocketchat_token_id_file: Text = ""
    mattermost_webhook_url: SecretUrl = None
    mattermost_webhook_url_file: Text = ""


_EITHER_BEFORE: Final = ("slack_app_token", "slack_api_url")
_EITHER_AFTER: Final = (
    "opsgenie_api_key",
    "victorops_api_key",
    "telegram_bot_token",
    "smtp_auth_password",
    "rocketchat_token",
    "rocketchat_token_id",
    "smtp_auth_secret",
    "wechat_api_secret",
    "mattermost_webhook_url",
)
"""Keys that exclude their `_file` form, in upstream's order of checking."""

_POINTERS: Final = ("slack_api_url", "rocketchat_token", "rocketchat_token_id", "mattermost_webhook_url")


def check_global(section: Global) -> None:
    """Raise `Invalid` when a secret is given both inline and in a file, or Slack both by token and by URL."""
    for key in _EITHER_BEFORE:
        _check_either(section, key)
    token = bool(section.slack_app_token or section.slack_app_token_file)
    url = section.slack_api_url
    # The same address twice is the old way of using a token, which upstream lets people leave step by step.
    twice = url is not None and section.slack_app_url is not None and url.reveal() == str(section.slack_app_url)
    if token and (url is not None or section.slack_api_url_file) and not twice:
        raise Invalid(
            "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured",
            field="slack_api_url_file" if url is None else "slack_api_url",
        )
    for key in _EITHER_AFTER:
        _check_either(section, key)


def _check_either(section: Global, key: str) -> None:
    inline = getattr(section, key)
    given = inline is not None if key in _POINTERS else bool(inline)
    if given and getattr(section, key + "_file"):
        raise Invalid(f"at most one of {key} & {key}_file must be configured", field=key + "_file")
