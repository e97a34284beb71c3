"""The functions the escaper puts into pipelines: any value in, text harmless in one kind of place out.

Their names are Go's; they show in error messages only. None of them fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from ampp.template.error import CallError
from ampp.template.function import HTML, URL
from ampp.template.html import css, markup, script, url
from ampp.template.html.attribute import Kind, attribute_kind, lower
from ampp.template.instant import Instant
from ampp.template.jsontext import to_json
from ampp.template.printf import sprint
from ampp.template.value import ANY, NIL_INTERFACE, STRING, Func, GoType, Pointer, Scalar, Value, type_of

__all__ = ["FILTERS"]

_REFUSED: Final = "ZgotmplZ"
"""Stands in for a value refused: means nothing in any language, and can be searched for."""

_NAME = re.compile("[0-9a-z]+")
_SCRIPT_TAG = re.compile("<(/?)script", re.IGNORECASE)
_IDENTIFIER_END = re.compile(r"\A[A-Za-z0-9_$]|[A-Za-z0-9_$]\Z")


def _read(args: Sequence[Value]) -> tuple[str, GoType]:
    """The text of the arguments (nearly always one) and its type, where that says it is safe somewhere."""
    if len(args) == 1:
        value = args[0]
        if type(value) is str:
            return value, STRING
        if type(value) is Scalar and (value.go is HTML or value.go is URL):
            return value.value, value.go
    return sprint([_dereference(arg) for arg in args if arg is not None and arg is not NIL_INTERFACE]), STRING


def _dereference(value: Value) -> Value:
    return value.value if type(value) is Pointer else value


def _arguments(*args: Value) -> str:
    return sprint([_dereference(arg) for arg in args])


def _html_text(*args: Value) -> str:
    text, kind = _read(args)
    return text if kind is HTML else markup.escape(text)


def _quoted(*args: Value) -> str:
    text, kind = _read(args)
    return markup.normalize(markup.strip_tags(text)) if kind is HTML else markup.escape(text)


def _unquoted(*args: Value) -> str:
    text, kind = _read(args)
    if not text:
        return _REFUSED  # or the next attribute would become the value
    return markup.normalize_unquoted(markup.strip_tags(text)) if kind is HTML else markup.escape_unquoted(text)


def _rcdata(*args: Value) -> str:
    text, kind = _read(args)
    return markup.normalize(text) if kind is HTML else markup.escape(text)


def _comment(*args: Value) -> str:
    return ""


def _name(*args: Value) -> str:
    name = lower(_read(args)[0])
    return name if _NAME.fullmatch(name) and attribute_kind(name) is Kind.PLAIN else _REFUSED


def _url_filter(*args: Value) -> str:
    text, kind = _read(args)
    return text if kind is URL or url.is_safe(text) else "#" + _REFUSED


def _url_normalize(*args: Value) -> str:
    return url.normalize(_read(args)[0])


def _url_encode(*args: Value) -> str:
    text, kind = _read(args)
    return url.normalize(text) if kind is URL else url.encode(text)


def _srcset(*args: Value) -> str:
    text, kind = _read(args)
    if kind is URL:
        return url.normalize(text).replace(",", "%2c")  # a comma would begin another image
    return url.filter_srcset(text, "#" + _REFUSED)


def _css_value(*args: Value) -> str:
    value = css.filter_value(_read(args)[0])
    return _REFUSED if value is None else value


def _of_text(escape: Callable[[str], str]) -> Callable[..., str]:
    return lambda *args: escape(_read(args)[0])


def _js_value(*args: Value) -> str:
    value = _dereference(args[0]) if len(args) == 1 else _arguments(*args)
    kind = type_of(value)
    if (
        kind is not None and kind.string and type(value) is not Instant
    ):  # times are the only values with JSON of their own
        value = kind.string(value)
    try:
        text = to_json(value)
    except CallError as error:
        reason = _SCRIPT_TAG.sub(r"\\x3C\1script", str(error)).replace("*/", "* /").replace("<!--", r"\x3C!--")
        return f" /* {reason} */null "
    # A word or number must not run into the word before it.
    return f" {text} " if _IDENTIFIER_END.search(text) else text


_CALLS: Final[dict[str, Callable[..., str]]] = {
    "_html_template_attrescaper": _quoted,
    "_html_template_commentescaper": _comment,
    "_html_template_cssescaper": _of_text(css.escape),
    "_html_template_cssvaluefilter": _css_value,
    "_html_template_htmlescaper": _html_text,
    "_html_template_htmlnamefilter": _name,
    "_html_template_jsregexpescaper": _of_text(script.escape_regexp),
    "_html_template_jsstrescaper": _of_text(script.escape_string),
    "_html_template_jstmpllitescaper": _of_text(script.escape_template),
    "_html_template_jsvalescaper": _js_value,
    "_html_template_nospaceescaper": _unquoted,
    "_html_template_rcdataescaper": _rcdata,
    "_html_template_srcsetescaper": _srcset,
    "_html_template_urlescaper": _url_encode,
    "_html_template_urlfilter": _url_filter,
    "_html_template_urlnormalizer": _url_normalize,
    "_eval_args_": _arguments,
}

FILTERS: Final = {name: Func([ANY], call, variadic=True) for name, call in _CALLS.items()}
"""What an escaped tree calls besides the functions of the template it was made from."""
