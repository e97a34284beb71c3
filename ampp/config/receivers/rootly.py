"""`rootly_configs`: one Rootly incident for each group of alerts. Upstream has no such receiver."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.http import Authorization, HttpConfig
from ampp.config.kind import Flag, GoDuration, SecretText, Strings, Text, TextMap
from ampp.config.receivers.entry import HttpEntry, either, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP
from ampp.config.url import parse_http
from ampp.core.clock import SECOND

__all__ = ["RootlyConfig"]


class RootlyConfig(HttpEntry, frozen=True, kw_only=True):
    """After inheriting, `http_config` carries the key. All texts but the key's are templates; ids are Rootly's own.

    `labels` are set on the incident; without any, the labels that all alerts of the group share are. `update` says
    whether an open incident is changed when more is to be told. `timeout` in nanoseconds, 0 for none.
    """

    go: ClassVar[str] = "rootly.plain"
    type: ClassVar[str] = "rootly"

    api_url: WebUrl = parse_http("https://api.rootly.com/")
    api_key: SecretText = Secret()
    api_key_file: Text = ""
    title: Text = template("__subject")
    summary: Text = template("__text_alerts_markdown")
    resolution_message: Text = template("__subject")
    severity_id: Text = ""
    environment_ids: Strings = ()
    service_ids: Strings = ()
    group_ids: Strings = ()
    incident_type_ids: Strings = ()
    labels: TextMap = {}
    private: Flag = False
    update: Annotated[Flag, KEEP] = True
    timeout: Annotated[GoDuration, KEEP] = 10 * SECOND

    def settle(self) -> Self:
        if self.api_url is None:
            raise Invalid("api_url must not be empty", field="api_url")
        if wrong := either(self.api_key, self.api_key_file, "api_key", "one of api_key or api_key_file is required"):
            raise Invalid(wrong)
        return self

    def inherit(self, base: Global) -> Self:
        http = self.http_config or base.http_config or HttpConfig()
        if http.authorization is not None or http.basic_auth is not None or http.oauth2 is not None:
            raise Invalid(
                "http_config must not authenticate, since api_key does",
                field="http_config",
                hint="give the receiver an http_config of its own if the one in global authenticates",
            )
        key = Authorization(type="Bearer", credentials=self.api_key, credentials_file=self.api_key_file)
        return replace(self, http_config=replace(http, authorization=key))
