"""Connections that cannot be opened."""

import gc
import socket
from types import FrameType

from ampp.deliver.dial import dial


async def _refused(port: int) -> bool:
    try:
        await dial("127.0.0.1", port)
    except OSError as error:
        group = error.__cause__
        return isinstance(group, ExceptionGroup) and isinstance(group.exceptions[0], ConnectionRefusedError)
    return False


async def test_of_a_refused_connection_nothing_is_left_to_the_garbage_collector() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        gc.disable()
        try:
            gc.collect()
            assert await _refused(unheard.getsockname()[1])
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = [each.f_code.co_name for each in gc.garbage if isinstance(each, FrameType)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert not left
