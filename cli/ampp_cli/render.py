"""`template render`, of `ampp` and of amtool: a template text put on paper, with the templates of files at hand."""

import time
from collections.abc import Sequence

from ampp.config import ConfigError, renderer
from ampp.template.data import Data
from ampp.template.error import TemplateError
from ampp.template.instant import Instant
from ampp.template.sample import DataError, read, sample
from ampp_cli.value import reason_of

__all__ = ["RenderError", "render"]


class RenderError(Exception):
    """Nothing could be rendered; the text is amtool's. `hint` says where and what may help, where that is known."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


def render(globs: Sequence[str], text: str, kind: str, data_file: str | None) -> str:
    """`text` rendered as `kind` (html or text) with what the JSON of `data_file` says, or with amtool's sample.

    The default templates are known, and those of the files that `globs` match, the later ones winning. Raises
    `RenderError`.
    """
    try:
        made = renderer(globs, by_value=True)
    except ConfigError as error:
        raise RenderError(str(error), error.render().partition("\n")[2].strip()) from error
    data = _data(data_file)
    try:
        return made.html(text, data) if kind == "html" else made.text(text, data)
    except TemplateError as error:
        raise RenderError(str(error)) from error


def _data(path: str | None) -> Data:
    if path is None:
        return sample(Instant(time.time_ns(), mono=time.monotonic_ns()))
    try:
        with open(path, "rb") as file:
            return read(file.read())
    except IsADirectoryError as error:
        raise RenderError(f"read {path}: is a directory") from error
    except OSError as error:
        raise RenderError(f"open {path}: {reason_of(error)}") from error
    except DataError as error:
        raise RenderError(str(error)) from error
