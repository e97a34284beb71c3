"""The configuration strings of one message, rendered one after the other as upstream does it."""

from html import escape
from typing import Final

from ampp.deliver.sender import SendError
from ampp.observe.log import Logger
from ampp.template.data import FIRING, Data
from ampp.template.error import LimitError, TemplateError
from ampp.template.renderer import Renderer

__all__ = ["Rendering", "message", "stand_in"]

_log: Final = Logger("dispatcher")


def message(renderer: Renderer, template: str, data: Data, *, html: bool = False) -> str:
    """Render what people are to read. Where a limit stopped the template, give a plain text that says so.

    Raises `TemplateError` for every other failure, as upstream does.
    """
    try:
        return renderer.html(template, data) if html else renderer.text(template, data)
    except LimitError as error:
        return stand_in(data, error)


def stand_in(data: Data, error: LimitError) -> str:
    """What goes out in place of a text that could not be rendered within its limits. Fit for text and html."""
    _log.warn("A message was too much to render; a plain one takes its place", receiver=data.receiver, err=error)
    alerts = data.alerts or ()
    firing = sum(alert.status == FIRING for alert in alerts)
    labels = ", ".join(f"{name}={value}" for name, value in (data.group_labels or {}).items())
    text = (
        f"[{data.status.upper()}] {firing} firing, {len(alerts) - firing} resolved ({labels}). "
        f"This stands in for a text that could not be rendered: {error}"
    )
    return escape(text, quote=False)


class Rendering:
    """Renders strings about the same data until one fails: from then on every string is empty, and `error` says why.

    So the order in which a message's strings are rendered matters, and some receivers send what there was before the
    failure. Rendering takes processor time: do it in a thread.
    """

    def __init__(self, renderer: Renderer, data: Data) -> None:
        self.error: TemplateError | None = None
        self._renderer = renderer
        self._data = data

    def text(self, template: str) -> str:
        """The string as text; empty if it, or one before it, cannot be rendered."""
        if self.error is not None:
            return ""
        try:
            return message(self._renderer, template, self._data)
        except TemplateError as error:
            self.error = error
            return ""

    def html(self, template: str) -> str:
        """As `text`, with every value escaped for its place in html."""
        if self.error is not None:
            return ""
        try:
            return message(self._renderer, template, self._data, html=True)
        except TemplateError as error:
            self.error = error
            return ""

    def check(self, context: str = "") -> None:
        """Raise `SendError`, never to be tried again, if a string could not be rendered; `context` goes in front."""
        if self.error is not None:
            raise SendError(f"{context}{self.error}", retry=False)
