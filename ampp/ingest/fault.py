"""What is wrong with a body, before anyone looked at what it says.

IngestError            HTTP status, upstream's code, upstream's text
└── JSONFault          the text is not JSON, or not of the wanted shape (always 400)
"""

__all__ = ["IngestError", "JSONFault"]


class IngestError(ValueError):
    """A body refused by the framework layer; upstream answers it with `{"code":…,"message":…}`.

    `code` may be 601 (format), 602 (required) or 612 (too few items), which go-openapi sends with status 422.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        return 422 if self.code >= 600 else self.code


class JSONFault(ValueError):
    """The text after "failed, because ": as Go's encoding/json, or strfmt's time parser, words it."""
