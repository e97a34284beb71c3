"""JSON and lines that users hand to commands, in files or on stdin."""

import sys
from typing import Any

import click
import msgspec

__all__ = ["list_from", "words_from"]


def list_from(file: str) -> list[dict[str, Any]]:
    """The JSON objects of a list, or of one object, in a file or, for `-`, on stdin. Raises click.ClickException."""
    name = "stdin" if file == "-" else file
    try:
        if file == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(file, "rb") as opened:
                data = opened.read()
    except OSError as error:
        raise click.ClickException(f"{name}: {(error.strerror or str(error)).lower()}") from error
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{name}: {error}: a JSON list of objects is expected") from error
    found = value if isinstance(value, list) else [value]
    for number, item in enumerate(found, 1):
        if not isinstance(item, dict):
            raise click.ClickException(f"{name}: item {number} is no JSON object")
    return found


def words_from(words: tuple[str, ...]) -> list[str]:
    """The words, and for `-` those on stdin, wherever white space parts them."""
    found: list[str] = []
    for word in words:
        found += sys.stdin.read().split() if word == "-" else [word]
    return found
