"""Names that the shell and the application have in common, in a module that loads no framework."""

from typing import Final

__all__ = ["API", "PREFIX", "ROUTE", "is_api"]

API: Final = "/api/v2/"

ROUTE: Final = "ampp.route"
"""Where the scope of a request says by which route it was served, for those whose path holds a value."""

PREFIX: Final = "ampp.prefix"
"""Where the scope of a request says which route prefix was taken off its path."""


def is_api(path: str) -> bool:
    """Whether errors for this path (without prefix) take the API's form."""
    return path.startswith(API)
