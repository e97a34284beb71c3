"""`jira_configs`: an issue in Jira."""

from typing import Annotated, Any, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.decode import Decoder
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import AnyMap, FlagOrNone, LongDuration, Strings, Text
from ampp.config.node import SCALAR, Node
from ampp.config.receivers.entry import HttpEntry, template
from ampp.config.section import Section, Struct

__all__ = ["JiraConfig", "JiraField"]


class JiraField(Section, frozen=True, kw_only=True):
    """A templated field; `enable_update` None or true: it is also written when an issue is updated."""

    go: ClassVar[str] = "jira.plain"

    template: Text = ""
    enable_update: FlagOrNone = None


class _JiraFieldKind(Struct):
    """Either the template alone, or a mapping."""

    def read(self, d: Decoder, node: Node) -> Any:
        if node.kind is SCALAR:
            return JiraField(template=d.text(node))
        return super().read(d, node)

    def read_quoted_null(self, d: Decoder, node: Node) -> Any:
        return d.mismatch(node, "jira.JiraFieldConfig")


def _field(name: str) -> tuple[_JiraFieldKind, JiraField]:
    """The kind of a field and its default; a mapping without `template` keeps the default one."""
    text = template(name)
    return _JiraFieldKind(JiraField, pointer=False, start={"template": text}), JiraField(template=text)


_SUMMARY, _DEFAULT_SUMMARY = _field("jira.default.summary")
_DESCRIPTION, _DEFAULT_DESCRIPTION = _field("jira.default.description")


class JiraConfig(HttpEntry, frozen=True, kw_only=True):
    """`reopen_duration` in nanoseconds."""

    go: ClassVar[str] = "jira.plain"
    type: ClassVar[str] = "jira"

    api_url: WebUrl = None
    api_type: Text = "auto"
    project: Text = ""
    summary: Annotated[JiraField, _SUMMARY] = _DEFAULT_SUMMARY
    description: Annotated[JiraField, _DESCRIPTION] = _DEFAULT_DESCRIPTION
    labels: Strings = ()
    priority: Text = template("jira.default.priority")
    issue_type: Text = ""
    reopen_transition: Text = ""
    resolve_transition: Text = ""
    wont_fix_resolution: Text = ""
    reopen_duration: LongDuration = 0
    fields: AnyMap = {}

    def settle(self) -> Self:
        if not self.project:
            raise Invalid("missing project in jira_config")
        if not self.issue_type:
            raise Invalid("missing issue_type in jira_config")
        if self.api_type not in ("auto", "cloud", "datacenter"):
            raise Invalid("unknown api_type on jira_config, must be auto, cloud or datacenter", field="api_type")
        return self

    def inherit(self, base: Global) -> Self:
        url = self.api_url or base.jira_api_url
        if url is None:
            raise Invalid("no global Jira Cloud URL set", hint="set api_url here or jira_api_url in global")
        return replace(self, http_config=self.http_config or base.http_config, api_url=url)
