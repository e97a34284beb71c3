"""YAML text to nodes with their places: the first document of the file, nothing decided about types yet.

The scanner is PyYAML's: libyaml where its C extension is present, the pure Python one otherwise (slower, and with its
own wording of syntax errors). Nodes are built from events with an explicit stack, so that no nesting of brackets can
exhaust the interpreter's; what is deeper than `MAX_DEPTH` is refused.

Upstream reads with Go's yaml.v2, whose syntax errors say `yaml: line N: …` where N is one too low for errors of
grammar and right for errors of scanning; both are reproduced in the message, while `Invalid` carries the true place.
"""

from typing import Any, BinaryIO, Final

import yaml

from ampp.config.error import ConfigError, Invalid

__all__ = ["ALIAS", "MAPPING", "MAX_DEPTH", "NULL_TAG", "SCALAR", "SEQUENCE", "Node", "compose", "read"]

SCALAR: Final = "scalar"
SEQUENCE: Final = "sequence"
MAPPING: Final = "mapping"
ALIAS: Final = "alias"

NULL_TAG: Final = "tag:yaml.org,2002:null"
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"

MAX_DEPTH: Final = 160
"""Levels of nesting in one document. Upstream allows 10,000; no real routing tree comes near this."""


MAX_BYTES: Final = 20 << 20
"""Bytes of a configuration file. Ten seconds and a gigabyte would not be enough to read what is larger."""


class Node:
    """A piece of the document. `line` and `column` are 1-based.

    `children` of a mapping alternate keys and values. `implicit` is true for an untagged plain scalar; `nullish` for
    what yaml.v2 takes for null before it asks the target type (which includes a *quoted* `null` or `~`, see
    `ampp.config.decode`). `target` is what an alias stands for.
    """

    __slots__ = ("children", "column", "implicit", "kind", "line", "nullish", "tag", "target", "value")

    def __init__(self, kind: str, line: int, column: int) -> None:
        self.kind = kind
        self.line = line
        self.column = column
        self.tag: str | None = None
        self.value = ""
        self.implicit = False
        self.nullish = False
        self.children: list[Node] = []
        self.target: Node | None = None

    @property
    def is_merge(self) -> bool:
        """Whether this mapping key is `<<`."""
        return self.kind is SCALAR and self.value == "<<" and (self.implicit or self.tag == _MERGE_TAG)

    def at(self, key: str) -> "Node":
        """The value under `key` of this mapping, or the node itself: the best place to point at."""
        if self.kind is MAPPING:
            for i in range(0, len(self.children), 2):
                if self.children[i].value == key:
                    return self.children[i + 1]
        return self


def read(file: BinaryIO, name: str) -> bytes:
    """What is in an open file, which errors call `name`. Raises `ConfigError` for what is too large, and OSError."""
    text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        hint = "is it the right file? Otherwise move what repeats into fewer routes and receivers"
        raise ConfigError(f"{name} is larger than {MAX_BYTES >> 20} MiB", file=name, hint=hint)
    return text


def _parser(data: bytes) -> Any:
    if yaml.__with_libyaml__:
        from yaml.cyaml import CLoader

        return CLoader(data)
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class Pure(Reader, Scanner, Parser):
        def __init__(self) -> None:
            Reader.__init__(self, data)
            Scanner.__init__(self)
            Parser.__init__(self)

    return Pure()


def compose(data: bytes) -> Node | None:
    """The root node of the first document, or None when there is none. Raises `Invalid` for what is not YAML."""
    try:
        return _compose(_parser(data))
    except yaml.MarkedYAMLError as error:
        raise _syntax(error) from None
    except yaml.reader.ReaderError as error:
        raise _unreadable(error, data) from None
    except yaml.YAMLError as error:
        raise Invalid(f"yaml: {error}") from None


def _compose(parser: Any) -> Node | None:
    parser.get_event()  # stream start
    start: Any = parser.get_event()
    if type(start) is not yaml.DocumentStartEvent:
        return None
    if start.version is not None and tuple(start.version) != (1, 1):
        mark: Any = start.start_mark
        raise _fail("found incompatible YAML document", mark.line, mark)

    anchors: dict[str, Node] = {}
    top: list[Node] = []
    stack: list[list[Node]] = []
    siblings = top
    get = parser.get_event
    while True:
        event = get()
        kind = type(event)
        if kind is yaml.ScalarEvent:
            mark = event.start_mark
            node = Node(SCALAR, mark.line + 1, mark.column + 1)
            node.value = value = event.value
            node.tag = tag = event.tag
            node.implicit = implicit = event.implicit[0]
            if tag is None:
                node.nullish = value in ("null", "~") or (implicit and not value)
            else:
                node.nullish = tag == NULL_TAG
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            siblings = stack.pop()
            continue
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            mark = event.start_mark
            node = Node(MAPPING if kind is yaml.MappingStartEvent else SEQUENCE, mark.line + 1, mark.column + 1)
            if len(stack) >= MAX_DEPTH:
                raise _fail(f"exceeded max depth of {MAX_DEPTH}", mark.line + 1, mark)
            if event.anchor is not None:
                anchors[event.anchor] = node
            siblings.append(node)
            stack.append(siblings)
            siblings = node.children
            continue
        elif kind is yaml.AliasEvent:
            mark = event.start_mark
            node = Node(ALIAS, mark.line + 1, mark.column + 1)
            node.value = event.anchor
            node.target = anchors.get(event.anchor)
            if node.target is None:
                raise _fail(f"unknown anchor '{event.anchor}' referenced", 0, mark)
            siblings.append(node)
            continue
        else:  # document end
            break
        if event.anchor is not None:
            anchors[event.anchor] = node
        siblings.append(node)
    return top[0] if top else None


def _fail(problem: str, line: int, mark: Any, hint: str = "") -> Invalid:
    invalid = Invalid(f"yaml: line {line}: {problem}" if line else f"yaml: {problem}", hint=hint)
    if mark is not None:
        invalid.line, invalid.column = mark.line + 1, mark.column + 1
    return invalid


def _syntax(error: yaml.MarkedYAMLError) -> Invalid:
    mark, line = error.problem_mark, 0
    if mark is not None and mark.line:
        line = mark.line + isinstance(error, yaml.scanner.ScannerError)
    elif error.context_mark is not None:
        line = error.context_mark.line
    problem = str(error.problem or "unknown problem parsing YAML content")
    return _fail(problem, line, mark or error.context_mark, _SYNTAX_HINTS.get(problem, ""))


_SYNTAX_HINTS: Final = {
    "found character that cannot start any token": "indent with spaces, not tabs, and quote values that start with "
    "@, ` or %",
    "mapping values are not allowed in this context": "check the indentation, and quote values that contain `: `",
    "did not find expected key": "check the indentation of this line and of the one before",
}


def _unreadable(error: yaml.reader.ReaderError, data: bytes) -> Invalid:
    reason = str(error.reason)
    if reason == "special characters are not allowed":  # the pure reader's words for it
        reason = "control characters are not allowed"
    invalid = Invalid(f"yaml: {reason}", hint="remove the character, or write it as an escape in double quotes")
    if isinstance(error.position, int) and 0 <= error.position <= len(data):
        before = data[: error.position]
        invalid.line = before.count(b"\n") + 1
        invalid.column = len(before) - before.rfind(b"\n")
    return invalid
