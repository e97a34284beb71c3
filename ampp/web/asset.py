"""Static files: served from memory below a path that names their content, so that browsers may keep them for ever."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from ampp.api.reply import Reply, plain_error

__all__ = ["asset", "content", "version"]

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER: Final = (("Cache-Control", "public, max-age=31536000, immutable"), ("X-Content-Type-Options", "nosniff"))


@lru_cache(maxsize=1)
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}


@lru_cache(maxsize=1)
def version() -> str:
    """The name of all files' content: one folder, so that a script may import another by its own name."""
    digest = hashlib.blake2b(digest_size=8)
    for name, data in _files().items():
        digest.update(name.encode() + b"\0" + data + b"\0")
    return digest.hexdigest()


def content(name: str) -> bytes:
    """A file's bytes; raises KeyError."""
    return _files()[name]


@lru_cache(maxsize=32)
def _packed(name: str) -> bytes:
    return gzip.compress(_files()[name], 9, mtime=0)


def asset(folder: str, name: str, accepted: str) -> Reply:
    """A file as the answer, packed if that is `accepted`. An outdated folder has the new content too, but not to be
    kept."""
    data = _files().get(name)
    if data is None:
        return plain_error(404, "404 page not found")
    first = _FOR_EVER if folder == version() else (("Cache-Control", "no-cache"), _FOR_EVER[1])
    kept = (*first, ("Vary", "Accept-Encoding"))
    if "gzip" in accepted:
        return Reply(200, _packed(name), _TYPES[Path(name).suffix], (*kept, ("Content-Encoding", "gzip")))
    return Reply(200, data, _TYPES[Path(name).suffix], kept)
