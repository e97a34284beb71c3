"""Which glibc a binary asks for: the newest `GLIBC_x.y` among the symbol versions it needs, as `objdump` tells them."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["Version", "baseline", "binaries", "needed"]

Version = tuple[int, ...]

_NEEDED = re.compile(r"\bGLIBC_([0-9.]+)\b")


def binaries(folder: Path) -> Iterator[Path]:
    """The ELF files below `folder`, links aside."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def needed(path: Path) -> Version:
    """The newest version that `path` needs; (0,) for none."""
    shown = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, check=True).stdout
    references = shown.partition("Version References:")[2]
    return max((tuple(map(int, found.split("."))) for found in _NEEDED.findall(references)), default=(0,))


def baseline(paths: Iterable[Path]) -> tuple[Version, list[Path]]:
    """The newest version that any of `paths` needs, and which of them do."""
    found = {path: needed(path) for path in paths}
    newest = max(found.values(), default=(0,))
    return newest, [path for path, version in found.items() if version == newest]
