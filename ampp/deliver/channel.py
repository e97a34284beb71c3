"""The channel of a chat message, which upstream names in front of what the chat's answer is found wrong with."""

import contextlib
from collections.abc import Iterator

from ampp.core.quote import go_quote
from ampp.deliver.sender import SendError

__all__ = ["naming"]


@contextlib.contextmanager
def naming(channel: str) -> Iterator[None]:
    """Put the channel in front of every `SendError` of the block."""
    try:
        yield
    except SendError as error:
        text = f"channel {go_quote(channel)}: {error}"
        raise SendError(text, retry=error.retry, reason=error.reason) from None
