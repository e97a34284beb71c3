"""Jira: an issue per group, found again by a label, updated, and moved by transitions as the group resolves or fires.

An attempt is a conversation: search for the group's issue; create it, or update the one found; then, if its status
does not fit the group any more, ask for the issue's transitions and take the configured one. Nothing is remembered
between attempts, so that one which broke off in the middle is simply followed by a whole one.
"""

import json
import posixpath
import re
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.jira import JiraConfig
from ampp.config.url import Url
from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND
from ampp.core.notify import Data as LogData
from ampp.core.notify import Notify
from ampp.core.quote import go_quote
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Client, check
from ampp.deliver.message import data, group_hash
from ampp.deliver.payload import fill
from ampp.deliver.reply import decode, whole
from ampp.deliver.sender import Sender, SendError
from ampp.deliver.truncate import shortened
from ampp.template.data import FIRING, Data
from ampp.template.error import TemplateError
from ampp.template.jsontext import escape, to_json
from ampp.template.renderer import Renderer

__all__ = ["Jira", "build"]

_SUMMARY_LIMIT: Final = 255
_DESCRIPTION_LIMIT: Final = 32767

_MINUTE: Final = 60 * SECOND

_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept-Language": "en",
    # As upstream, which forgets to say here who it is.
    "User-Agent": "Go-http-client/1.1",
}

T = TypeVar("T", bound=msgspec.Struct)


class _Search(Body, frozen=True, kw_only=True):
    fields: tuple[str, ...]
    jql: str
    max_results: int = msgspec.field(name="maxResults")


class _Category(msgspec.Struct, frozen=True):
    key: str | None = None


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    status_category: _Category | None = None


class _Fields(msgspec.Struct, frozen=True):
    status: _Status | None = None


class _Issue(msgspec.Struct, frozen=True):
    key: str | None = None
    fields: _Fields | None = None


class _Found(msgspec.Struct, frozen=True):
    issues: list[_Issue] | None = None


class _Transition(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None


class _Transitions(msgspec.Struct, frozen=True):
    transitions: list[_Transition] | None = None


class Jira:
    """Sends to one Jira project. `external_url` is the daemon's own."""

    def __init__(self, config: JiraConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        assert isinstance(config.api_url, Url)
        self._config = config
        self._api: Url = config.api_url
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> LogData:
        """See `Sender.send`. What the log holds as data stays as it is."""
        told = data(notify, alerts, self._external_url)
        firing, label = told.status == FIRING, f"ALERT{{{group_hash(notify)}}}"
        search = await apart(self._search, told, label)
        issue = await self._find(search)
        if issue is None and not firing:
            return notify.data
        method, path = ("POST", "issue") if issue is None else ("PUT", f"issue/{issue.key or ''}")
        try:
            fields = await apart(self._fields, notify, told, label, issue is not None)
        except _Unwritable as error:
            raise SendError(f"failed to {method} request to {go_quote(path)}: {error}", retry=False) from None
        await self._ask(method, _join(self._api, path), fields, f"failed to {method} request to {go_quote(path)}: ")
        if issue is not None:
            await self._transit(issue, firing)
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    # The conversation.

    async def _find(self, search: bytes) -> _Issue | None:
        """The issue of the group, of several the one that was resolved last."""
        context = "failed to look up existing issues: "
        reply = await self._ask("POST", self._search_url(), search, f"{context}HTTP request to JIRA API: ")
        issues = _read(reply, _Found, context).issues
        return issues[0] if issues else None

    async def _transit(self, issue: _Issue, firing: bool) -> None:
        """Reopen an issue that is done, or resolve one that is not, if that is wanted."""
        if not issue.key or issue.fields is None or issue.fields.status is None:
            return
        category = issue.fields.status.status_category
        done = category is not None and category.key == "done"
        wanted = self._config.reopen_transition if firing else self._config.resolve_transition
        if done != firing or not wanted:
            return
        url = _join(self._api, f"issue/{issue.key}/transitions")
        offered = _read(await self._ask("GET", url), _Transitions, "").transitions or []
        chosen = next((one for one in offered if (one.name or "") == wanted), None)
        if chosen is None:
            raise SendError(f"can't find transition {wanted} for issue {issue.key}", retry=False)
        await self._ask("POST", url, encode({"transition": {"id": chosen.id} if chosen.id else {}}))

    async def _ask(self, method: str, url: str, body: bytes | None = None, context: str = "") -> bytes:
        """The body of a good answer. Jira asks for patience with 429; as upstream, silence is final.

        `context` goes in front of what is wrong.
        """
        try:
            answer = await self._client.request(method, url, body, _HEADERS, decisive=True)
        except SendError as error:
            raise SendError(f"{context}{error}", retry=False, reason=error.reason) from None
        try:
            check(answer, retry_codes=(429,))
            return whole(answer)
        except SendError as error:
            raise SendError(f"{context}{error}", retry=error.retry, reason=error.reason) from None

    # What is said.

    def _search_url(self) -> str:
        cloud = self._api.host.endswith("atlassian.net") if self._config.api_type == "auto" else False
        if self._config.api_type == "cloud" or cloud:
            return _join(self._api, "search/jql").replace("/rest/api/2/", "/rest/api/3/", 1)
        return _join(self._api, "search")

    def _search(self, told: Data, label: str) -> bytes:
        """The search for the group's issue: one that is open, or that may be reopened."""
        config = self._config
        wont_fix, minutes = config.wont_fix_resolution, config.reopen_duration // _MINUTE
        # A comparison alone would leave out issues that have no resolution.
        jql = f"(resolution is EMPTY or resolution != {go_quote(wont_fix)}) and " if wont_fix else ""
        if told.status == FIRING and config.reopen_transition and minutes > 0:
            jql += f"(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m) and "
        else:
            jql += "statusCategory != Done and "
        try:
            project = self._renderer.text(config.project, told)
        except TemplateError as error:
            raise SendError(
                f"failed to look up existing issues: invalid project template or value: {error}", retry=False
            ) from None
        jql += f"project={go_quote(project)} and labels={go_quote(label)} order by status ASC,resolutiondate DESC"
        return encode(_Search(fields=("status",), jql=jql, max_results=2))

    def _fields(self, notify: Notify, told: Data, label: str, update: bool) -> bytes:
        """What the issue is to hold. Raises `_Unwritable` for what JSON cannot express."""
        config = self._config
        render = partial(self._render, told)
        summary = shortened(render("summary", config.summary.template), _SUMMARY_LIMIT, "summary", notify)
        project = render("project", config.project)
        kind = render("issue_type", config.issue_type)
        own = {name: fill(value, partial(render, "fields")) for name, value in config.fields.items()}
        description = self._description(notify, render("description", config.description.template))
        labels = [render(f"labels[{i}]", text) for i, text in enumerate(config.labels)]
        priority = render("priority", config.priority)
        fields: dict[str, Any] = {
            "issuetype": {"name": kind} if kind else {},
            "labels": sorted([*labels, label]),
            "project": {"key": project},
        }
        if config.summary.enable_update is not False or not update:
            fields["summary"] = summary
        if priority:
            fields["priority"] = {"name": priority}
        try:
            written = {name: to_json(value) for name, value in (fields | own).items()}
        except TemplateError as error:
            raise _Unwritable(error) from None
        if description and (config.description.enable_update is not False or not update):
            written = {"description": description} | written
        members = ",".join([f"{to_json(name)}:{written[name]}" for name in sorted(written)])
        return f'{{"fields":{{{members}}}}}\n'.encode(errors="surrogateescape")

    def _description(self, notify: Notify, text: str) -> str:
        """The description as JSON, empty if there is none: a text, or from version 3 of the API a document."""
        text = shortened(text, _DESCRIPTION_LIMIT, "description", notify)
        if not self._api.path.rstrip("/").endswith("/3"):
            return to_json(text) if text else ""
        text = text.strip()
        try:
            return _compact(text) if text else ""
        except ValueError:
            raise SendError("description template: invalid JSON for API v3", retry=False) from None

    def _render(self, told: Data, what: str, template: str) -> str:
        try:
            return self._renderer.text(template, told)
        except TemplateError as error:
            raise SendError(f"{what} template: {error}", retry=False) from None


class _Unwritable(Exception):
    """A custom field's value that JSON cannot express; the text says which."""


def _join(api: Url, path: str) -> str:
    """The address of a resource; as Go's JoinPath, without doubled slashes and with `..` resolved."""
    parts = urlsplit(str(api))
    joined = posixpath.normpath(f"/{parts.path.strip('/')}/{path}")
    return urlunsplit(parts._replace(path=f"/{joined.lstrip('/')}"))


def _read(body: bytes, kind: type[T], context: str) -> T:
    """What Jira says; that it says something else will not change by asking again."""
    try:
        return decode(body.decode(errors="replace"), kind) or kind()
    except (msgspec.DecodeError, RecursionError) as error:
        raise SendError(f"{context}{error}", retry=False) from None


_STRING_OR_SPACE: Final = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')


def _compact(text: str) -> str:
    """JSON as it stands, without the white space. Raises `ValueError` if it is none."""
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    raw = _STRING_OR_SPACE.sub(r"\1", text).encode(errors="surrogateescape")
    return escape(raw).decode(errors="surrogateescape")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def build(config: JiraConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `jira_configs`. Raises `BuildError`."""
    return Jira(config, Client(config.http_config or HttpConfig()), external_url, renderer)
