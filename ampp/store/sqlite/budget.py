"""How many bytes the files in the storage directory may take together, and how many they do."""

import os
from contextlib import suppress
from typing import Final

__all__ = ["allowed", "free", "log_bytes", "room", "used"]

_SMALL: Final = 512 << 20
_RESERVE: Final = 8 << 20
"""Bytes of the volume that are left alone: a database that cannot grow by a page cannot even delete."""

_LEFT: Final = 3 << 20


def used(directory: os.PathLike[str]) -> int:
    """Bytes of all databases and their logs in the directory; what was set aside is the operator's and not counted."""
    total = 0
    with os.scandir(directory) as entries:
        for each in entries:
            # A log vanishes when the last connection to its database closes, perhaps just now.
            with suppress(FileNotFoundError):
                total += each.stat().st_size if each.name.endswith((".db", ".db-wal")) else 0
    return total


def free(directory: os.PathLike[str]) -> int:
    """Bytes that the volume has room for."""
    volume = os.statvfs(directory)
    return volume.f_bavail * volume.f_frsize


def room(directory: os.PathLike[str]) -> int:
    """Bytes of the volume that new records may still take; negative in its last ones, which are refused them: without
    those what is over could not be deleted any more, as a deletion needs room for the log."""
    volume = os.statvfs(directory)
    return volume.f_bavail * volume.f_frsize - min(_LEFT, volume.f_blocks * volume.f_frsize // 8)


def log_bytes(directory: os.PathLike[str], max_bytes: int) -> int:
    """How large a write-ahead log may grow where the budget is small; 0 where it need not be considered."""
    budget = allowed(directory, max_bytes)
    return max(1 << 20, budget // 32) if budget < _SMALL else 0


def allowed(directory: os.PathLike[str], max_bytes: int) -> int:
    """The budget: what the settings say, or what the volume has room for, if that is less."""
    return max(0, min(max_bytes, used(directory) + free(directory) - _RESERVE))
