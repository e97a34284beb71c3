"""What can go wrong with a question about the past.

HistoryError
  FieldError           a parameter is not what it should be; `field` names it
  HistoryOff           no history is kept (`history.enabled`)
  HistoryUnavailable   there is one, but it cannot be read now
  HistoryTimeout       the answer took longer than it may
"""

__all__ = ["FieldError", "HistoryError", "HistoryOff", "HistoryTimeout", "HistoryUnavailable"]


class HistoryError(Exception):
    """A question about the past has no answer; the text is for whoever asked."""


class FieldError(HistoryError):
    """A parameter is wrong. `value` is what was given, None when that is beside the point."""

    def __init__(self, field: str, message: str, value: str | None = None) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.value = value


class HistoryOff(HistoryError):
    """No history is kept."""

    def __init__(self) -> None:
        super().__init__("no history is kept: history.enabled is false in ampp.yml")


class HistoryUnavailable(HistoryError):
    """The history cannot be read now."""


class HistoryTimeout(HistoryError):
    """The answer took longer than it may."""
