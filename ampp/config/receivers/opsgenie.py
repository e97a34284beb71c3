"""`opsgenie_configs`: an alert in Opsgenie or Jira Service Management."""

from typing import Annotated, ClassVar, Final, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Flag, SecretText, Text, TextMap
from ampp.config.receivers.entry import HttpEntry, either, template
from ampp.config.secret import Secret
from ampp.config.section import Section, Sections
from ampp.config.template import SYNTAX_HINT, syntax_error

__all__ = ["OpsgenieConfig", "OpsgenieResponder"]

_TYPES: Final = ("team", "teams", "user", "escalation", "schedule")


class OpsgenieResponder(Section, frozen=True, kw_only=True):
    """Who is to respond: an id, a name or a user name, and what that is."""

    go: ClassVar[str] = "opsgenie.OpsGenieConfigResponder"
    custom: ClassVar[bool] = False

    id: Text = ""
    name: Text = ""
    username: Text = ""
    type: Text = ""


class OpsgenieConfig(HttpEntry, frozen=True, kw_only=True):
    """`api_url` ends in a slash after inheriting."""

    go: ClassVar[str] = "opsgenie.plain"
    type: ClassVar[str] = "opsgenie"

    api_key: SecretText = Secret()
    api_key_file: Text = ""
    api_url: WebUrl = None
    message: Text = template("opsgenie.default.message")
    description: Text = template("opsgenie.default.description")
    source: Text = template("opsgenie.default.source")
    details: TextMap = {}
    entity: Text = ""
    responders: Annotated[
        tuple[OpsgenieResponder, ...], Sections(OpsgenieResponder, "[]opsgenie.OpsGenieConfigResponder")
    ] = ()
    actions: Text = ""
    tags: Text = ""
    note: Text = ""
    priority: Text = ""
    update_alerts: Flag = False

    def settle(self) -> Self:
        if wrong := either(self.api_key, self.api_key_file, "api_key"):
            raise Invalid(wrong, field="api_key_file")
        for one in self.responders:
            if not (one.id or one.username or one.name):
                raise Invalid(
                    f"opsGenieConfig responder {_show(one, one.type)} has to have at least one of id, username or name "
                    "specified",
                    field="responders",
                )
            if "{{" in one.type:
                if wrong := syntax_error(one.type):
                    raise Invalid(
                        f"opsGenieConfig responder {_show(one, one.type)} type contains invalid template syntax: "
                        f"{wrong}",
                        field="responders",
                        hint=SYNTAX_HINT,
                    )
            elif (kind := one.type.lower()) not in _TYPES:
                raise Invalid(
                    f"opsGenieConfig responder {_show(one, kind)} type does not match valid options "
                    f"^({'|'.join(_TYPES)})$",
                    field="responders",
                )
        return self

    def inherit(self, base: Global) -> Self:
        url = self.api_url or base.opsgenie_api_url
        if url is None:
            raise Invalid("no global OpsGenie URL set")
        key, key_file = self.api_key or base.opsgenie_api_key, self.api_key_file or base.opsgenie_api_key_file
        if not key and not key_file:
            raise Invalid("no global OpsGenie API Key set either inline or in a file")
        return replace(
            self,
            http_config=self.http_config or base.http_config,
            api_url=url.with_slash(),
            api_key=key,
            api_key_file=key_file,
        )


def _show(one: OpsgenieResponder, kind: str) -> str:
    return f"{{{one.id} {one.name} {one.username} {kind}}}"
