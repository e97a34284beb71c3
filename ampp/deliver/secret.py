"""Secrets and other small files named in the configuration, read when they are used, as upstream does.

A file that is swapped under a running daemon (Kubernetes does this) is thereby taken up without a reload.
"""

from pathlib import Path

import trio

from ampp.deliver.sender import BuildError

__all__ = ["SecretError", "no_reference", "read", "read_now", "text"]


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


async def read(value: str, path: str) -> str:
    """`value` if there is one, else the trimmed content of the file at `path`. Raises `SecretError`."""
    if value or not path:
        return value
    return text(await trio.to_thread.run_sync(read_now, path))


def no_reference(what: str, reference: str) -> None:
    """Refuse a `*_ref` key: upstream reads it, and has nobody to ask for the secret either."""
    if reference:
        raise BuildError(f"unable to use {what}: cannot use secret ref without manager")
