"""Secrets and other small files named in the configuration, read when they are used, as upstream does.

A file that is swapped under a running daemon (Kubernetes does this) is thereby taken up without a reload.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from ampp.config.secret import Secret
from ampp.deliver.sender import BuildError, SendError

__all__ = ["Files", "SecretError", "address", "no_reference", "read_now", "text"]


T = TypeVar("T")


class SecretError(Exception):
    """A file could not be read; the text says which and why, never what is in it."""


def text(raw: bytes) -> str:
    """A secret's file content as upstream uses it: without surrounding white space."""
    return raw.decode(errors="replace").strip()


def read_now(path: str) -> bytes:
    """The file's bytes; for start and reload, which wait for the disk anyway. Raises `SecretError`."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SecretError(f"unable to read file {path}: open {path}: {why}") from None


class Files:
    """The files of one integration, read in threads of its own: a disk that hangs holds up nobody else."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(2)

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking `work` in one of the threads."""
        return await trio.to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)

    async def read(self, path: str) -> str:
        """The trimmed content. Raises `SecretError`."""
        return text(await self.run(partial(read_now, path)))

    async def untrimmed(self, path: str) -> str:
        """The content with the white space around it, for receivers that send it so. Raises `SecretError`."""
        return (await self.run(partial(read_now, path))).decode(errors="surrogateescape")

    async def either(self, value: Secret | str, path: str) -> str:
        """`value` if there is one, else what the file at `path` holds, if one is named. Raises `SecretError`."""
        inline = value.reveal() if isinstance(value, Secret) else value
        return inline if inline or not path else await self.read(path)


async def address(files: Files, url: Secret | None, path: str) -> str:
    """A webhook's URL, or what the file at `path` holds. Raises `SendError`, as upstream never to be retried."""
    try:
        return await files.either(url or "", path)
    except SecretError as error:
        raise SendError(f"read webhook_url_file: {str(error).partition(': ')[2]}", retry=False) from None


def no_reference(what: str, reference: str) -> None:
    """Refuse a `*_ref` key: upstream reads it, and has nobody to ask for the secret either."""
    if reference:
        raise BuildError(f"unable to use {what}: cannot use secret ref without manager")
