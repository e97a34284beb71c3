"""Opening connections, so that of those that fail nothing stays but their errors."""

import trio

__all__ = ["dial"]


async def dial(host: str, port: int) -> trio.SocketStream:
    """As `trio.open_tcp_stream`. Raises OSError, with an ExceptionGroup of what each address said as its cause.

    trio notes these in a list that each of their tracebacks leads to again; without the tracebacks all of it is freed
    with the error, and else only by the garbage collector.
    """
    try:
        return await trio.open_tcp_stream(host, port)
    except OSError as error:
        if isinstance(error.__cause__, ExceptionGroup):
            for each in error.__cause__.exceptions:
                each.__traceback__ = None
        raise
