"""How amtool fails."""

__all__ = ["Failure"]


class Failure(Exception):
    """What stops a command; `end` is what stands after the message, one newline or two."""

    def __init__(self, message: str, end: str = "\n\n") -> None:
        super().__init__(message)
        self.end = end
