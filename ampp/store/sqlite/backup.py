"""Copies of the whole state while the daemon runs, and back.

A backup is a directory, or a tar file of the same: the databases, each as it was at one moment, and `backup.json`,
which says what they are and what they must hash to. The moments are taken right after one another, before any copying:
history first, then routing state with the journal, then silences. So the history is never ahead of the journal it is
built from, and a silence that the journal tells of is there.

A restore checks everything before it touches anything, holds the directory's lock, and puts a note there while files
are being exchanged: a daemon does not start on half of a backup.
"""

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from ampp import __version__
from ampp.store.error import BackupError, StoreError
from ampp.store.sqlite.database import ALERTS, PENDING, SILENCES, connect, files
from ampp.store.sqlite.history.schema import HISTORY
from ampp.store.sqlite.lock import DirectoryLock
from ampp.store.sqlite.migration import version_of

__all__ = ["DATABASES", "Copied", "Manifest", "backup", "check", "restore"]

DATABASES: Final = {"history.db": HISTORY, "alerts.db": ALERTS, "silences.db": SILENCES}
"""Each database with its schema's steps, in the order in which their moments are taken."""

_MANIFEST: Final = "backup.json"
_PAGES: Final = 1_024
_CHUNK: Final = 1 << 20


class Copied(msgspec.Struct, frozen=True):
    """One database in a backup: bytes, SHA-256 of the file, and the version of its schema."""

    bytes: int
    sha256: str
    schema: int


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself. `created`: RFC 3339; `version`: of the program that wrote it."""

    format: int
    version: str
    created: str
    files: dict[str, Copied]


def backup(directory: Path, target: Path) -> Manifest:
    """Copy the databases of a storage directory to `target`: a tar file if its name says so (`.tar`, `.tar.gz`), else a
    directory, which must be absent or empty. Blocks; a daemon may run meanwhile. Raises BackupError."""
    present = [name for name in DATABASES if (directory / name).exists()]
    if "alerts.db" not in present:
        raise BackupError(f"{directory} holds no alerts.db: give the daemon's storage directory with --storage.path")
    packed = _is_tar(target)
    if target.exists() and (packed or not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} is there already: name a file or directory that is not")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
            folder = Path(made)
            os.chmod(folder, 0o700)
            manifest = _copy(directory, folder, present)
            if packed:
                _pack(folder, target)
            else:
                if target.exists():
                    target.rmdir()
                shutil.move(made, target)
                Path(made).mkdir()
    except (apsw.Error, OSError) as error:
        raise BackupError(f"cannot back up {directory} to {target}: {error}") from error
    return manifest


def _copy(directory: Path, folder: Path, names: list[str]) -> Manifest:
    sources: dict[str, apsw.Connection] = {}
    try:
        for name in names:
            source = sources[name] = connect(directory / name, readonly=True)
            # Reading anything takes the moment; it is kept until the end of the transaction.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").get  # noqa: B018
        found = {}
        for name, source in sources.items():
            path = folder / name
            with suppress(FileNotFoundError):
                path.unlink()
            copy = apsw.Connection(str(path))
            with copy.backup("main", source, "main") as copying:
                while not copying.done:
                    copying.step(_PAGES)
            copy.pragma("journal_mode", "delete")
            schema = version_of(copy, path)
            copy.close(True)
            os.chmod(path, 0o600)
            found[name] = Copied(path.stat().st_size, _digest(path), schema)
            _sync(path)
    finally:
        for source in sources.values():
            source.close(True)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    manifest = Manifest(1, __version__, created, found)
    text = json.dumps(msgspec.to_builtins(manifest), indent=2) + "\n"
    (folder / _MANIFEST).write_text(text, encoding="utf-8")
    _sync(folder / _MANIFEST)
    return manifest


def _is_tar(path: Path) -> bool:
    return path.name.endswith((".tar", ".tar.gz", ".tgz"))


def _pack(folder: Path, target: Path) -> None:
    unfinished = target.with_name(f".{target.name}.unfinished")
    mode = "w:gz" if target.name.endswith(("gz", "tgz")) else "w"
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode=mode) as tar:  # type: ignore[call-overload]
                for name in (_MANIFEST, *DATABASES):
                    if (folder / name).exists():
                        tar.add(folder / name, name)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def check(source: Path) -> Manifest:
    """Read a backup and everything in it. Raises BackupError with what is wrong."""
    with _opened(source, source.parent) as (_, manifest):
        return manifest


def restore(source: Path, directory: Path, *, replace: bool = False) -> tuple[Manifest, dict[str, Path]]:
    """Put a backup into a storage directory that no daemon uses; what it says of itself, and where what lay there
    before has gone. Unless `replace`, a directory that holds databases is refused. Raises BackupError, StoreLocked."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = DirectoryLock(directory)
    try:
        there = [name for name in DATABASES if (directory / name).exists()]
        interrupted = (directory / PENDING).exists()
        if there and not replace and not interrupted:
            raise BackupError(f"{directory} holds {', '.join(there)} already: --replace moves them aside")
        with _opened(source, directory) as (folder, manifest):
            _sync_directory(directory, PENDING)
            moved = _exchange(folder, directory, manifest)
            (directory / PENDING).unlink()
        return manifest, moved
    except OSError as error:
        raise BackupError(f"cannot restore to {directory}: {error}") from error
    finally:
        lock.release()


def _exchange(folder: Path, directory: Path, manifest: Manifest) -> dict[str, Path]:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    moved: dict[str, Path] = {}
    # Alertmanager's snapshots are exports of the databases; lying there they would be merged in as newer.
    for name in (*DATABASES, "nflog", "silences"):
        old = directory / name
        for each in files(old) if name in DATABASES else (old,):
            if each.exists():
                target = each.with_name(f"{each.name}.before-restore-{stamp}")
                while target.exists():
                    target = target.with_name(target.name + "+")
                each.rename(target)
                moved[each.name] = target
    for name in manifest.files:
        (folder / name).rename(directory / name)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return moved


@contextmanager
def _opened(source: Path, beside: Path) -> Iterator[tuple[Path, Manifest]]:
    """The backup's files in a directory of their own, next to where they will go, and checked."""
    try:
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=beside) as made:
            folder = Path(made)
            _unpack(source, folder)
            yield folder, _checked(source, folder)
    except (OSError, tarfile.TarError, EOFError, apsw.Error) as error:
        raise BackupError(f"{source} cannot be read as a backup: {error}") from error


def _unpack(source: Path, folder: Path) -> None:
    wanted = {_MANIFEST, *DATABASES}
    if source.is_dir():
        for name in wanted:
            if (source / name).exists():
                shutil.copyfile(source / name, folder / name)
    else:
        with tarfile.open(source) as tar:
            for member in tar:
                if member.name in wanted and member.isreg():
                    content = tar.extractfile(member)
                    assert content is not None
                    with open(folder / member.name, "wb") as file:
                        shutil.copyfileobj(content, file, _CHUNK)
    for name in wanted:
        if (folder / name).exists():
            os.chmod(folder / name, 0o600)
            _sync(folder / name)


def _checked(source: Path, folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupError(f"{source} is no backup: it has no {_MANIFEST}") from None
    except msgspec.MsgspecError as error:
        raise BackupError(f"{source}: {_MANIFEST} makes no sense: {error}") from None
    if manifest.format != 1 or "alerts.db" not in manifest.files:
        raise BackupError(f"{source}: {_MANIFEST} is of a form that this version does not know")
    for name, said in manifest.files.items():
        if name not in DATABASES:
            raise BackupError(f"{source}: {_MANIFEST} names {name!r}, which is no database of ours")
        path = folder / name
        if not path.exists():
            raise BackupError(f"{source}: {name} is missing")
        if path.stat().st_size != said.bytes or _digest(path) != said.sha256:
            raise BackupError(f"{source}: {name} is not what it was when it was backed up: use another backup")
        if said.schema > len(DATABASES[name]):
            raise BackupError(
                f"{source}: {name} has schema version {said.schema}, this program knows up to {len(DATABASES[name])}: "
                f"restore it with ampp {manifest.version} or newer"
            )
        _sound(source, path)
    return manifest


def _sound(source: Path, path: Path) -> None:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        version_of(connection, path)
        found: Any = connection.execute("PRAGMA quick_check(1)").get
    except (apsw.Error, StoreError) as error:
        raise BackupError(f"{source}: {path.name} is broken: {error}") from error
    finally:
        connection.close(True)
    if found != "ok":
        raise BackupError(f"{source}: {path.name} is broken: {found}")


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path, name: str) -> None:
    """Make an empty file that is there even after power has failed."""
    os.close(os.open(directory / name, os.O_WRONLY | os.O_CREAT, 0o600))
    _sync(directory)
