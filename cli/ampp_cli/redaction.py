"""What must not show of a request: the secrets of the configuration it was made by, in whatever part they turn up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

import httpx
import msgspec

from ampp.config import Secret
from ampp.config.secret import SECRET_TEXT

__all__ = ["Redaction"]

_SENSITIVE: Final = frozenset(
    ("authorization", "proxy-authorization", "cookie", "x-amz-security-token", "x-aws-ec2-metadata-token")
)
_PUBLIC_FILES: Final = frozenset(("ca_file", "cert_file", "key_file"))


class Redaction:
    """Knows the secrets inside `section`, those in files that it names too. `show`: hide nothing."""

    def __init__(self, section: object, *, show: bool = False) -> None:
        self._show = show
        found = {form for text in _secrets(section) for form in _forms(text)}
        # Longer ones first, since one may be part of another.
        self._secrets = [] if show else sorted(found, key=lambda text: (-len(text), text))

    def text(self, text: str) -> str:
        for one in self._secrets:
            text = text.replace(one, SECRET_TEXT)
        return text

    def url(self, url: httpx.URL) -> str:
        """Scheme and host alone: addresses of receivers are secrets as a whole."""
        if self._show:
            return str(url)
        return f"{url.scheme}://{url.netloc.decode()}/" + ("<redacted>" if url.raw_path != b"/" else "")

    def header(self, name: str, value: str) -> str:
        if name.lower() in _SENSITIVE and not self._show:
            kind, separator, _ = value.partition(" ")
            return f"{kind} {SECRET_TEXT}" if separator else SECRET_TEXT
        return self.text(value)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal().strip()
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            inner = getattr(value, name)
            if name.endswith("_file") and name not in _PUBLIC_FILES and isinstance(inner, str) and inner:
                yield _content(inner)
            else:
                yield from _secrets(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _secrets(inner)


def _content(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""  # nor can the sender read it


def _forms(text: str) -> Iterator[str]:
    """The text as it is, inside JSON, and inside URLs and forms."""
    if text:
        yield from (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        yield from (quote(text, safe=""), quote(text), quote_plus(text))
