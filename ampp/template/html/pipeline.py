"""What is put at the end of an action's pipeline for the context the action stands in."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from ampp.template.html.context import COMMENT, Context, Delimiter, State, UrlPart
from ampp.template.node import Command, Identifier, Operand, Pipe

__all__ = ["PREDEFINED", "append", "filters_for", "function_of"]

_HTML_TEXT: Final = "_html_template_htmlescaper"
_QUOTED: Final = "_html_template_attrescaper"
_UNQUOTED: Final = "_html_template_nospaceescaper"
_RCDATA: Final = "_html_template_rcdataescaper"
_COMMENT: Final = "_html_template_commentescaper"
_NAME: Final = "_html_template_htmlnamefilter"
_URL_FILTER: Final = "_html_template_urlfilter"
_URL_NORMALIZE: Final = "_html_template_urlnormalizer"
_URL_ENCODE: Final = "_html_template_urlescaper"
_SRCSET: Final = "_html_template_srcsetescaper"
_CSS_VALUE: Final = "_html_template_cssvaluefilter"
_CSS_STRING: Final = "_html_template_cssescaper"
_JS_VALUE: Final = "_html_template_jsvalescaper"
_JS_STRING: Final = "_html_template_jsstrescaper"
_JS_TEMPLATE: Final = "_html_template_jstmpllitescaper"
_JS_REGEXP: Final = "_html_template_jsregexpescaper"
_ARGUMENTS: Final = "_eval_args_"

_FILTERS: Final[dict[State, tuple[str, ...]]] = {
    State.TEXT: (_HTML_TEXT,),
    State.RCDATA: (_RCDATA,),
    State.ATTRIBUTE: (),  # the delimiter says all
    State.ATTRIBUTE_NAME: (_NAME,),
    State.SRCSET: (_SRCSET,),
    State.META_CONTENT: (),
    State.META_CONTENT_URL: (_URL_FILTER,),
    State.JS: (_JS_VALUE,),
    State.JS_DOUBLE: (_JS_STRING,),
    State.JS_SINGLE: (_JS_STRING,),
    State.JS_TEMPLATE: (_JS_TEMPLATE,),
    State.JS_REGEXP: (_JS_REGEXP,),
    State.CSS: (_CSS_VALUE,),
}
_URL_STATES: Final = frozenset(
    {
        State.URL,
        State.CSS_DOUBLE,
        State.CSS_SINGLE,
        State.CSS_DOUBLE_URL,
        State.CSS_SINGLE_URL,
        State.CSS_URL,
    }
)

PREDEFINED: Final = frozenset({"html", "urlquery"})
"""Functions of the language that escape: at the end of a pipeline one takes the place of its like."""

_LIKE: Final = {
    _QUOTED: "html",
    _HTML_TEXT: "html",
    _RCDATA: "html",
    _URL_ENCODE: "urlquery",
    _URL_NORMALIZE: "urlquery",
}
_NEEDLESS: Final = frozenset(
    {
        (_COMMENT, _QUOTED),
        (_COMMENT, _HTML_TEXT),
        (_CSS_STRING, _QUOTED),
        (_JS_REGEXP, _QUOTED),
        (_JS_STRING, _QUOTED),
        (_JS_TEMPLATE, _QUOTED),
        (_URL_ENCODE, _URL_NORMALIZE),
    }
)
"""Pairs of which the second would change nothing behind the first."""


def filters_for(context: Context) -> list[str] | None:
    """The functions that make a value harmless in `context`, in order; None in a URL of which the part is unknown."""
    if context.state in _URL_STATES:
        if context.url_part is UrlPart.UNKNOWN:
            return None
        if context.url_part is UrlPart.QUERY:
            filters = [_URL_ENCODE]
        else:
            in_string = context.state in (State.CSS_DOUBLE, State.CSS_SINGLE)
            filters = [_CSS_STRING if in_string else _URL_NORMALIZE]
            if context.url_part is UrlPart.NONE:
                filters.insert(0, _URL_FILTER)
    elif context.state in COMMENT:
        filters = [_COMMENT]
    else:
        filters = list(_FILTERS[context.state])
    if context.delimiter is Delimiter.SPACE:
        filters.append(_UNQUOTED)
    elif context.delimiter is not Delimiter.NONE:
        filters.append(_QUOTED)
    return filters


def function_of(command: Command) -> str:
    """The function a command calls by name, or nothing."""
    first = command.args[0]
    return first.name if isinstance(first, Identifier) else ""


def append(pipe: Pipe, filters: list[str]) -> Pipe:
    """The pipeline with `filters` at its end; an `html` or `urlquery` that stands there is not applied twice."""
    if not filters:
        return pipe
    cmds = list(pipe.cmds)
    last = cmds[-1]
    name = function_of(last)
    if name in PREDEFINED:
        if len(cmds) == 1 and len(last.args) > 1:
            arguments: tuple[Operand, ...] = (Identifier(last.args[0].pos, _ARGUMENTS), *last.args[1:])
            cmds = [replace(last, args=arguments), _command(name, pipe)]
        like = [at for at, filter_ in enumerate(filters) if _LIKE.get(filter_) == name]
        if like:
            cmds.pop()
        for at in like:
            filters[at] = name
    present = {_LIKE.get(function_of(command), function_of(command)) for command in cmds}
    for filter_ in filters:
        before = function_of(cmds[-1]) if cmds else ""
        if _LIKE.get(filter_, filter_) not in present and (before, filter_) not in _NEEDLESS:
            cmds.append(_command(filter_, pipe))
    return replace(pipe, cmds=tuple(cmds))


def _command(name: str, pipe: Pipe) -> Command:
    return Command(pipe.pos, (Identifier(pipe.pos, name),))
