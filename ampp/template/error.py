"""The one error of the template engine.

ValueError
└── TemplateError     a template that does not parse, does not escape, or failed while it ran
    ├── CallError     what a function or method answers instead of a value; the engine adds name, place and context
    └── LimitError    a rendering took more steps, time, output or depth than it may
"""

__all__ = ["CallError", "LimitError", "TemplateError"]


class TemplateError(ValueError):
    """A template that does not parse or failed while running; `str()` is Go's whole message.

    name: of the template source (empty for a config string); line: from 1; column: bytes from the line's start, as Go
    counts them, or None where Go names none (parse errors); message: the reason without the place.
    """

    def __init__(self, message: str, name: str = "", line: int = 0, column: int | None = None, text: str = "") -> None:
        self.name = name
        self.line = line
        self.column = column
        self.message = message
        self.text = text or message
        super().__init__(self.text)


class CallError(TemplateError):
    """A function's own complaint: `error calling NAME: ` and the place are added by whoever called it."""


class LimitError(TemplateError):
    """A rendering that was stopped: it may never have come to its end (`ampp.template.execute.Limits`)."""
