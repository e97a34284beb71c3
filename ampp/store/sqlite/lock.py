"""The lock file that keeps a second daemon out of a storage directory."""

import fcntl
import os
from pathlib import Path

from ampp.store.error import StoreError, StoreLocked

__all__ = ["DirectoryLock"]


class DirectoryLock:
    """Holds `<directory>/lock` until `release`; the kernel lets go of it when the process ends, however it ends.

    Raises StoreLocked naming the holder's process id, StoreError when the file cannot be opened at all.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lock"
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot open the lock file {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            if not isinstance(error, BlockingIOError):
                raise StoreError(f"cannot lock {self.path}: {error.strerror}") from error
            raise StoreLocked(
                f"{directory} is in use by process {holder}, which holds {self.path}: "
                "stop it first, or give this daemon another --storage.path"
            ) from error
        self._sign()

    def _sign(self) -> None:
        """Write our process id for whoever is kept out. The lock holds without it, say on a full disk."""
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return

    def release(self) -> None:
        """Give the directory up. The file stays: removing it would race with whoever opens it next."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
