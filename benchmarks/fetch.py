"""One GET (or a bare POST) as a dashboard or a script makes it: on a connection of its own, read to the last byte."""

import socket
import time
from dataclasses import dataclass

from benchmarks.load import Address, Overdue

__all__ = ["Fetched", "fetch"]


@dataclass(frozen=True)
class Fetched:
    """`seconds` to the last byte, `share` of a core that reading it took, and the body."""

    seconds: float
    share: float
    body: bytes


def fetch(address: Address, path: str, deadline: float, method: str = "GET") -> Fetched:
    """Raises ConnectionError when the answer is not 200, Overdue when it is late."""
    start, cpu = time.perf_counter(), time.thread_time()
    parts: list[bytes] = []
    size = "Content-Length: 0\r\n" if method == "POST" else ""
    with socket.create_connection(address) as one:
        one.sendall(f"{method} {path} HTTP/1.1\r\nHost: {address[0]}\r\n{size}Connection: close\r\n\r\n".encode())
        while True:
            left = deadline - (time.perf_counter() - start)
            if left <= 0:
                raise Overdue(deadline)
            one.settimeout(left)
            try:
                data = one.recv(1 << 20)
            except TimeoutError:
                raise Overdue(deadline) from None
            if not data:
                break
            parts.append(data)
    seconds = time.perf_counter() - start
    whole = b"".join(parts)
    if whole[9:12] != b"200":
        raise ConnectionError(f"{method} {path}: {whole[:200]!r}")
    used = time.thread_time() - cpu
    return Fetched(seconds, used / seconds, whole.partition(b"\r\n\r\n")[2])
