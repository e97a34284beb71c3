"""A value that must not be seen: shown as `<secret>` wherever it is printed, logged or dumped."""

from typing import Final

__all__ = ["SECRET_TEXT", "Secret"]

SECRET_TEXT: Final = "<secret>"


class Secret:
    """A secret text. False when empty; equal to a secret with the same text; only `reveal()` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return SECRET_TEXT

    __str__ = __repr__
