"""Where in a document a piece of template output lands.

A `Context` is what a browser's parser would know at one point of the output: inside which construct (`State`), which
character ends the attribute value it stands in (`Delimiter`), which part of a URL, whether a slash in a script begins
a regular expression, and inside which attribute and element. Two pieces of output at equal contexts need the same
escaping. Contexts are values: transitions (`transition.py`) make new ones.

The enum values are the names Go's html/template prints in its error messages and in the names of derived templates.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

__all__ = [
    "COMMENT",
    "IN_TAG",
    "SCRIPT_LITERAL",
    "SPACES",
    "TEXT",
    "VALUE_STATE",
    "Attribute",
    "Context",
    "Delimiter",
    "Element",
    "Fault",
    "ScriptSlash",
    "State",
    "UrlPart",
    "failure",
]


class State(Enum):
    """The construct the output stands in."""

    TEXT = "stateText"
    TAG = "stateTag"
    ATTRIBUTE_NAME = "stateAttrName"
    AFTER_NAME = "stateAfterName"
    BEFORE_VALUE = "stateBeforeValue"
    HTML_COMMENT = "stateHTMLCmt"
    RCDATA = "stateRCDATA"
    ATTRIBUTE = "stateAttr"
    URL = "stateURL"
    SRCSET = "stateSrcset"
    JS = "stateJS"
    JS_DOUBLE = "stateJSDqStr"
    JS_SINGLE = "stateJSSqStr"
    JS_TEMPLATE = "stateJSTmplLit"
    JS_REGEXP = "stateJSRegexp"
    JS_BLOCK_COMMENT = "stateJSBlockCmt"
    JS_LINE_COMMENT = "stateJSLineCmt"
    JS_HTML_OPEN_COMMENT = "stateJSHTMLOpenCmt"
    JS_HTML_CLOSE_COMMENT = "stateJSHTMLCloseCmt"
    CSS = "stateCSS"
    CSS_DOUBLE = "stateCSSDqStr"
    CSS_SINGLE = "stateCSSSqStr"
    CSS_DOUBLE_URL = "stateCSSDqURL"
    CSS_SINGLE_URL = "stateCSSSqURL"
    CSS_URL = "stateCSSURL"
    CSS_BLOCK_COMMENT = "stateCSSBlockCmt"
    CSS_LINE_COMMENT = "stateCSSLineCmt"
    ERROR = "stateError"
    META_CONTENT = "stateMetaContent"
    META_CONTENT_URL = "stateMetaContentURL"
    DEAD = "stateDead"
    """Behind a break or continue: nothing more is written here."""


class Delimiter(Enum):
    """What ends the attribute value the output stands in."""

    NONE = "delimNone"
    DOUBLE = "delimDoubleQuote"
    SINGLE = "delimSingleQuote"
    SPACE = "delimSpaceOrTagEnd"


class UrlPart(Enum):
    """How much of a URL stands before the output."""

    NONE = "urlPartNone"
    PRE_QUERY = "urlPartPreQuery"
    QUERY = "urlPartQueryOrFrag"
    UNKNOWN = "urlPartUnknown"
    """Branches joined that disagree."""


class ScriptSlash(Enum):
    """What a slash in a script would begin."""

    REGEXP = "jsCtxRegexp"
    DIVISION = "jsCtxDivOp"
    UNKNOWN = "jsCtxUnknown"
    """Branches joined that disagree."""


class Element(Enum):
    """The element whose start tag or body the output stands in, where it matters."""

    NONE = "elementNone"
    SCRIPT = "elementScript"
    STYLE = "elementStyle"
    TEXTAREA = "elementTextarea"
    TITLE = "elementTitle"
    META = "elementMeta"


class Attribute(Enum):
    """The kind of attribute the output stands in, from the name until the value begins."""

    NONE = "attrNone"
    SCRIPT = "attrScript"
    SCRIPT_TYPE = "attrScriptType"
    STYLE = "attrStyle"
    URL = "attrURL"
    SRCSET = "attrSrcset"
    META_CONTENT = "attrMetaContent"


class Fault(msgspec.Struct, frozen=True):
    """Why a template cannot be escaped. `where`: `name:line:column`, or `name:line`, or empty if unknown."""

    reason: str
    where: str = ""


class Context(msgspec.Struct, frozen=True):
    """A place in the output; the default is text, the start of every template a user renders.

    `braces` counts, for every `${` of nested JS template literals, the braces open inside it. `fault` is set exactly in
    the state `ERROR`.
    """

    state: State = State.TEXT
    delimiter: Delimiter = Delimiter.NONE
    url_part: UrlPart = UrlPart.NONE
    slash: ScriptSlash = ScriptSlash.REGEXP
    braces: tuple[int, ...] = ()
    attribute: Attribute = Attribute.NONE
    element: Element = Element.NONE
    fault: Fault | None = None

    def __str__(self) -> str:
        braces = "[" + " ".join(map(str, self.braces)) + "]"
        words = (self.state, self.delimiter, self.url_part, self.slash, braces, self.attribute, self.element)
        shown = " ".join(word.value if isinstance(word, Enum) else word for word in words)
        return "{" + shown + " " + (f"html/template: {self.fault.reason}" if self.fault else "<nil>") + "}"

    def derive(self, name: str) -> str:
        """The name of the variant of template `name` that starts here, as Go names it: `name` itself in text."""
        if self.state is State.TEXT:
            return name
        parts = [f"{name}$htmltemplate_{self.state.value}"]
        if self.delimiter is not Delimiter.NONE:
            parts.append(self.delimiter.value)
        if self.url_part is not UrlPart.NONE:
            parts.append(self.url_part.value)
        if self.slash is not ScriptSlash.REGEXP:
            parts.append(self.slash.value)
        if self.braces:
            parts.append(f"jsBraceDepth([{' '.join(map(str, self.braces))}])")
        if self.attribute is not Attribute.NONE:
            parts.append(self.attribute.value)
        if self.element is not Element.NONE:
            parts.append(self.element.value)
        return "_".join(parts)

    def nudge(self) -> Context:
        """The context an action stands in when it is the next thing after this one.

        In `<a {{x}}` the action writes an attribute name; in `<a href={{x}}` an unquoted value. Text would show that by
        its first character; an action has none yet.
        """
        match self.state:
            case State.TAG:
                return msgspec.structs.replace(self, state=State.ATTRIBUTE_NAME)
            case State.BEFORE_VALUE:
                return msgspec.structs.replace(
                    self, state=VALUE_STATE[self.attribute], delimiter=Delimiter.SPACE, attribute=Attribute.NONE
                )
            case State.AFTER_NAME:
                return msgspec.structs.replace(self, state=State.ATTRIBUTE_NAME, attribute=Attribute.NONE)
        return self


def failure(reason: str, where: str = "") -> Context:
    """The context of output that cannot be made safe."""
    return Context(state=State.ERROR, fault=Fault(reason, where))


TEXT: Final = Context()

VALUE_STATE: Final = {
    Attribute.NONE: State.ATTRIBUTE,
    Attribute.SCRIPT: State.JS,
    Attribute.SCRIPT_TYPE: State.ATTRIBUTE,
    Attribute.STYLE: State.CSS,
    Attribute.URL: State.URL,
    Attribute.SRCSET: State.SRCSET,
    Attribute.META_CONTENT: State.META_CONTENT,
}
"""The state at the start of an attribute's value."""

COMMENT: Final = frozenset(
    {
        State.HTML_COMMENT,
        State.JS_BLOCK_COMMENT,
        State.JS_LINE_COMMENT,
        State.JS_HTML_OPEN_COMMENT,
        State.JS_HTML_CLOSE_COMMENT,
        State.CSS_BLOCK_COMMENT,
        State.CSS_LINE_COMMENT,
    }
)
"""States whose content reaches no reader."""

IN_TAG: Final = frozenset({State.TAG, State.ATTRIBUTE_NAME, State.AFTER_NAME, State.BEFORE_VALUE, State.ATTRIBUTE})
"""States that occur inside a tag only."""

SCRIPT_LITERAL: Final = frozenset({State.JS_DOUBLE, State.JS_SINGLE, State.JS_TEMPLATE, State.JS_REGEXP})
"""Literals in a script, in which `<script`, `</script` and `<!--` must be broken up."""

SPACES: Final = " \t\n\f\r"
"""White space, as HTML and CSS know it."""
