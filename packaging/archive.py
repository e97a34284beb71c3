"""Archives that depend on nothing but the names, bytes and modes of the files in them."""

import gzip
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["write_tar", "write_zipapp"]


def write_tar(target: Path, folder: Path, epoch: int) -> None:
    """`folder`, whole and under its own name, as a .tar.gz of root's, every file from `epoch` (seconds)."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = epoch
        entry.mode = 0o777 if entry.issym() else 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted([folder, *folder.rglob("*")]):
            tar.add(path, str(path.relative_to(folder.parent)), recursive=False, filter=owned)


def write_zipapp(target: Path, main: str, folder: Path, wanted: Callable[[Path], bool]) -> None:
    """An executable zip that runs `main` with `python3`, and holds the files of `folder` that are `wanted`."""
    with target.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            _add(archive, "__main__.py", main.encode(), 0o644)
            for path in _files(folder):
                if wanted(path):
                    mode = 0o755 if os.access(path, os.X_OK) else 0o644
                    _add(archive, "site/" + path.relative_to(folder).as_posix(), path.read_bytes(), mode)
    target.chmod(0o755)


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _add(archive: zipfile.ZipFile, name: str, data: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = (0o100000 | mode) << 16
    archive.writestr(entry, data)
