"""A set of templates from files, and the rendering of configuration strings with it.

A configuration string is a nameless template in a copy of the set: it may call all templates of the set, and what it
defines itself counts for it alone. Strings come from the configuration, so each is parsed, escaped and compiled once
and kept; the least recently used of very many is forgotten.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final, TypeAlias

from ampp.template.builtin import BUILTINS
from ampp.template.error import TemplateError
from ampp.template.execute import Limits, Program
from ampp.template.node import Tree, is_empty
from ampp.template.parse import parse
from ampp.template.value import Func, Value

__all__ = ["Escape", "TemplateSet"]

Escape: TypeAlias = Callable[[Mapping[str, Tree], str], Mapping[str, Tree]]
"""(trees, name of the entry) → all trees that rendering the entry needs, escaped. Raises `TemplateError`."""

_KEPT: Final = 1024


class TemplateSet:
    """Templates under their names; grows by `add`, renders strings with `text` and `html`.

    functions: those templates may call besides Go's own. escape, filters: the contextual escaper of the html engine and
    the functions its trees call. limits: for each rendering.

    Adding must be over before rendering starts; rendering is safe from several threads.
    """

    def __init__(
        self,
        functions: Mapping[str, Func],
        *,
        escape: Escape,
        filters: Mapping[str, Func],
        limits: Limits = Limits(),  # noqa: B008  frozen
    ) -> None:
        self._functions = {**BUILTINS, **functions}
        self._filters = {**self._functions, **filters}
        self._escape = escape
        self._limits = limits
        self._trees: dict[str, Tree] = {}
        self._program = Program(self._trees, self._functions, limits)
        self._kept: OrderedDict[tuple[str, bool], Program] = OrderedDict()
        self._lock = Lock()

    def add(self, name: str, text: str) -> None:
        """Parse a file's text; the text outside of its definitions becomes the template `name` (the file's base name).

        A definition replaces an earlier one of its name unless it is empty. Raises `TemplateError` with Go's message
        for text that does not parse, and then adds nothing.
        """
        _merge(self._trees, parse(name, text, self._functions))
        self._kept.clear()

    def check(self, template: str) -> None:
        """Parse a configuration string without rendering it. Raises `TemplateError`."""
        parse("", template, self._functions)

    def text(
        self,
        template: str,
        data: Value,
        late: Mapping[str, Callable[..., Any]] | None = None,
        limits: Limits | None = None,
    ) -> str:
        """Render a configuration string as text. `late`: bodies for functions that differ from rendering to rendering;
        `limits`: of this one.

        Raises `TemplateError`, and nothing else.
        """
        if "{{" not in template:
            return template
        return self._prepared(template, html=False).run("", data, late, limits)

    def html(self, template: str, data: Value, late: Mapping[str, Callable[..., Any]] | None = None) -> str:
        """Render a configuration string as html, every value escaped for the place it lands in. Like `text`."""
        if not template:
            return ""
        return self._prepared(template, html=True).run("", data, late)

    def _prepared(self, template: str, *, html: bool) -> Program:
        key = template, html
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = self._html_program(template) if html else self._text_program(template)
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _with(self, template: str) -> dict[str, Tree]:
        """A copy of the set's trees together with those of the string, whose own is nameless."""
        parsed = parse("", template, self._functions)
        trees = dict(self._trees)
        trees.pop("", None)
        _merge(trees, parsed)
        return trees

    def _text_program(self, template: str) -> Program:
        return Program(self._with(template), self._functions, self._limits, self._program)

    def _html_program(self, template: str) -> Program:
        trees = self._with(template)
        try:
            escaped = self._escape(trees, "")
        except TemplateError:
            raise
        except RecursionError:
            raise TemplateError("html/template: templates nest too deeply") from None
        return Program(escaped, self._filters, self._limits)


def _merge(trees: dict[str, Tree], more: Mapping[str, Tree]) -> None:
    for name, tree in more.items():
        if name not in trees or not is_empty(tree.root.nodes):
            trees[name] = tree
