"""The templates of a configuration, ready for use: Alertmanager's functions, the default templates, the user's files.

A route label may itself be a template, and may ask for other route labels. While they are still templates (`Data.raw`)
`routeLabels` renders the one asked for with the same data, each at most once a rendering; a circle is an error.
"""

from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import Final, TypeAlias

from ampp.template.builtin import BUILTINS
from ampp.template.data import Data
from ampp.template.error import CallError, TemplateError
from ampp.template.execute import Limits
from ampp.template.function import FUNCTIONS
from ampp.template.html import escape
from ampp.template.html.filter import FILTERS
from ampp.template.parse import parse
from ampp.template.set import TemplateSet
from ampp.template.value import Pointer, Value

__all__ = ["Renderer", "default_names"]

_DEFAULTS: Final = ("default.tmpl", "email.tmpl")

_LABEL_LIMITS: Final = Limits(steps=2_000_000, output=1 << 16, seconds=1.0)
"""Route labels are short, and a listing of the groups waits for those of all groups."""

_Render: TypeAlias = Callable[[str, Value, dict[str, Callable[..., Value]]], str]


@cache
def _default(name: str) -> str:
    return files("ampp.template").joinpath("default", name).read_text("utf-8")


def default_names() -> frozenset[str]:
    """What the default templates define."""
    functions = {**BUILTINS, **FUNCTIONS}
    return frozenset().union(*(parse("", _default(name), functions) for name in _DEFAULTS)) - {""}


class Renderer:
    """Renders configuration strings. Files are added first; rendering is safe from several threads.

    Errors call the data `*template.Data`, as a running Alertmanager does; `by_value` makes that `template.Data`, as
    amtool has it.
    """

    def __init__(self, *, by_value: bool = False) -> None:
        self._by_value = by_value
        self._set = TemplateSet(FUNCTIONS, escape=escape, filters=FILTERS)
        for name in _DEFAULTS:
            # Upstream parses these without a name, so they cannot be called as wholes.
            self._set.add("", _default(name))

    def add(self, name: str, text: str) -> None:
        """Add a file under its base name. Raises `TemplateError` with Go's message."""
        self._set.add(name, text)

    def text(self, template: str, data: Data) -> str:
        """Render a configuration string as text. Raises `TemplateError`."""
        return self._render(self._set.text, template, data)

    def html(self, template: str, data: Data) -> str:
        """Render a configuration string as html, every value escaped for its place. Raises `TemplateError`."""
        return self._render(self._set.html, template, data)

    def route_labels(self, data: Data) -> tuple[dict[str, str], dict[str, TemplateError]]:
        """Render the route labels of raw data: those that could be, and why the others could not."""
        labels = _RouteLabels(data, self._value(data), partial(self._set.text, limits=_LABEL_LIMITS))
        rendered: dict[str, str] = {}
        failed: dict[str, TemplateError] = {}
        for name in data.route_labels or {}:
            try:
                rendered[name] = labels.resolve(name)
            except TemplateError as error:
                failed[name] = error
        return rendered, failed

    def _value(self, data: Data) -> Value:
        return data if self._by_value else Pointer(data)

    def _render(self, render: _Render, template: str, data: Data) -> str:
        value = self._value(data)
        return render(template, value, {"routeLabels": _RouteLabels(data, value, render).resolve})


class _RouteLabels:
    """The route labels as one rendering sees them; `pending` are those being rendered, from the outermost in."""

    def __init__(self, data: Data, value: Value, render: _Render) -> None:
        self.labels = data.route_labels or {}
        self.raw = bool(data.raw)
        self.value = value
        self.render = render
        self.done: dict[str, str] = {}
        self.pending: list[str] = []

    def resolve(self, name: str) -> str:
        text = self.labels.get(name, "")
        if not self.raw or not text:
            return text
        if name in self.done:
            return self.done[name]
        if name in self.pending:
            raise CallError(f"route label cycle detected: {' -> '.join([*self.pending, name])}")
        self.pending.append(name)
        try:
            self.done[name] = self.render(text, self.value, {"routeLabels": self.resolve})
        finally:
            self.pending.pop()
        return self.done[name]
