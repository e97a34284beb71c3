"""What amtool's commands share: the server, the matcher grammar, and the words for what goes wrong."""

from __future__ import annotations

import sys

from ampp import COMPATIBLE
from ampp_cli.amtool.failure import Failure
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.client import Refused, Remote, RemoteError, Unconfigured, Unreachable, Unreadable, version_of
from ampp_cli.remote.document import encode
from ampp_cli.remote.matcher import bare, obvious

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Final, Literal

    from ampp.core.matcher import Matcher, Mode

__all__ = ["connected", "matcher", "mode", "named", "pairs", "warn_of_version", "worded"]

_NAMES: Final = {400: "BadRequest", 404: "NotFound", 500: "InternalServerError"}
_TYPES: Final = {
    "getAlerts": "models.GettableAlerts",
    "getSilences": "models.GettableSilences",
    "getSilence": "models.GettableSilence",
    "getStatus": "models.AlertmanagerStatus",
    "postSilences": "silence.PostSilencesOKBody",
}
"""What Alertmanager's client calls the answers."""
_TEXT: Final = ("text/plain", "text/html")


def mode(parsed: Parsed) -> Mode:
    """The matcher grammar that --enable-feature chooses. Raises Failure."""
    from ampp.core.matcher import Mode

    if not parsed["enable-feature"]:
        return Mode.FALLBACK
    from ampp_cli.run import features_from

    try:
        return features_from(parsed["enable-feature"]).mode
    except ValueError as error:
        raise Failure(f"error parsing the feature flag list: {error}") from error


class connected:
    """A client of the server named on the line; tells if that is of another version.

    What the server or the way to it does wrong within is raised as Failure, in Alertmanager's words.
    """

    def __init__(self, parsed: Parsed) -> None:
        address, file = parsed["alertmanager.url"], parsed["http.config.file"]
        if address.user is not None and file:
            raise Failure("basic authentication and http.config.file are mutually exclusive", "\n")
        self._parsed = parsed
        try:
            self._remote = Remote(address, parsed["timeout"], f"amtool/{COMPATIBLE}", file or "")
        except Unconfigured as error:
            raise Failure(str(error), "\n") from error

    def __enter__(self) -> Remote:
        warn_of_version(self._parsed, self._remote)
        return self._remote

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self._remote.close()
        if isinstance(error, RemoteError):
            raise Failure(worded(error)) from error
        return False


def warn_of_version(parsed: Parsed, remote: Remote) -> None:
    """The check of --version-check: only major and minor version count, and no answer is no difference."""
    if not parsed["version-check"]:
        return
    theirs = version_of(remote)
    if theirs is not None and theirs.split(".")[:2] != COMPATIBLE.split(".")[:2]:
        sys.stderr.write(f"Warning: amtool version ({COMPATIBLE}) and alertmanager version ({theirs}) are different.\n")


def matcher(text: str, parsed: Parsed) -> Matcher:
    """One matcher; what its author should be told goes to stderr. Raises Failure."""
    from ampp.core.matcher import MatcherError, parse_matcher

    try:
        read = parse_matcher(text, mode(parsed))
    except MatcherError as error:
        raise Failure(str(error)) from error
    for warning in read.warnings:
        sys.stderr.write(f"amtool: warning: {warning}\n")
    return read.matchers[0]


def named(words: list[str], parsed: Parsed) -> list[str]:
    """The words; a first one that is no matcher becomes one for the alert's name."""
    if words:
        if obvious(words[0]):
            return words
        if bare(words[0]):
            return [f'alertname="{words[0]}"', *words[1:]]
        from ampp.core.matcher import MatcherError, parse_matcher
        from ampp.core.quote import go_quote

        try:
            parse_matcher(words[0], mode(parsed))
        except MatcherError:
            return [f"alertname={go_quote(words[0])}", *words[1:]]
    return words


def pairs(words: list[str], parsed: Parsed, what: str) -> dict[str, str]:
    """Names and values of words `name=value`; `what` they are, for the error. Raises Failure."""
    from ampp.core.matcher import Op

    found: dict[str, str] = {}
    for word in words:
        read = matcher(word, parsed)
        if read.op is not Op.EQ:
            raise Failure(f"{what} must be specified as key=value pairs")
        found[read.name] = read.value
    return found


def worded(error: RemoteError) -> str:
    """The error as Alertmanager's client words it."""
    if isinstance(error, Unreachable):
        return f'{error.method.capitalize()} "{error.url}": {error.go}'
    if isinstance(error, Refused):
        return _refusal(error)
    if isinstance(error, Unreadable):
        return _unreadable(error)
    return str(error)


def _refusal(error: Refused) -> str:
    operation, status = error.operation, error.status
    where = f"{operation.method} {operation.path}"
    if status not in operation.declared:
        return f"[{where}] {operation.name} (status {status}): {{}}"
    text = f"[{where}][{status}] {operation.name}{_NAMES[status]}"
    if not operation.declared[status]:
        return text
    return f"{text} {encode(error.payload)}"


def _unreadable(error: Unreadable) -> str:
    if error.flaw:
        return error.flaw
    kind = error.kind.split(";")[0].strip().lower()
    if kind in _TEXT:
        return "the answer is text and not JSON, which is not supported by the TextConsumer"
    from ampp.ingest.fault import JSONFault
    from ampp.ingest.gojson import read

    try:
        value = read(error.body)
    except JSONFault as fault:
        return str(fault)
    name = _TYPES.get(error.operation.name, "") if error.operation is not None else ""
    return f"json: cannot unmarshal {_kind(value)} into Go value of type {name}"


def _kind(value: Any) -> str:
    if isinstance(value, list):
        from ampp.ingest.gojson import Pairs

        return "object" if isinstance(value, Pairs) else "array"
    return {str: "string", bool: "bool", type(None): "null"}.get(type(value), "number")
