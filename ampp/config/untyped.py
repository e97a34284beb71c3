"""YAML text whose shape nobody declared."""

from typing import Any

from ampp.config.decode import FAILED, Decoder
from ampp.config.error import Invalid
from ampp.config.kind import LOOSE
from ampp.config.node import compose

__all__ = ["UntypedError", "untyped"]


class UntypedError(ValueError):
    """The text is not YAML."""


def untyped(text: str) -> Any:
    """What a YAML text means, as bool, int, float, str, None, list or dict; dates are texts.

    Of a key that comes twice the last one counts. Raises `UntypedError`.
    """
    decoder = Decoder()
    try:
        root = compose(text.encode("utf-8", "surrogatepass"))
        value = None if root is None else decoder.read(root, LOOSE)
    except Invalid as error:
        raise UntypedError(error.message) from None
    if value is FAILED or decoder.faults:
        raise UntypedError("yaml: unmarshal errors")
    return value
