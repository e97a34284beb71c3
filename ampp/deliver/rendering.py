"""The configuration strings of one message, rendered one after the other as upstream does it."""

from ampp.deliver.sender import SendError
from ampp.template.data import Data
from ampp.template.error import TemplateError
from ampp.template.renderer import Renderer

__all__ = ["Rendering"]


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
            return self._renderer.text(template, self._data)
        except TemplateError as error:
            self.error = error
            return ""

    def html(self, template: str) -> str:
        """As `text`, with every value escaped for its place in html."""
        if self.error is not None:
            return ""
        try:
            return self._renderer.html(template, self._data)
        except TemplateError as error:
            self.error = error
            return ""

    def check(self, context: str = "") -> None:
        """Raise `SendError`, never to be tried again, if a string could not be rendered; `context` goes in front."""
        if self.error is not None:
            raise SendError(f"{context}{self.error}", retry=False)
