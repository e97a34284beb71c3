"""Mails as bytes, as Go's mime packages write them: header lines, encoded words, parts in quoted-printable."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["compose", "encoded_word", "quoted_printable"]

_LINE: Final = 998
"""Bytes that RFC 5322 lets a line have. Upstream does not look; servers cut or refuse what is longer."""

_WORD: Final = 63
"""Characters of text in one encoded word: 75 less `=?UTF-8?q?` and `?=`."""

_QUOTED: Final = 75
"""Characters of a quoted-printable line before the `=` of a soft break."""

_PLAIN: Final = re.compile(r"[\t -~]*")
_UNSAFE: Final = re.compile(rb"[^\t -<>-~]")


def compose(headers: Iterable[tuple[str, str]], parts: Sequence[tuple[str, str]], boundary: str) -> bytes:
    """A mail with these header fields, and the parts (media type and text), the preferred one last."""
    lines = [_field(name, value) for name, value in headers]
    # Two blanks, as upstream has them.
    lines.append(b"Content-Type: multipart/alternative;  boundary=" + boundary.encode())
    lines += [b"MIME-Version: 1.0", b"", b""]
    pieces = [b"\r\n".join(lines)]
    between = f"--{boundary}\r\n"
    for media, text in parts:
        head = f"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: {media}; charset=UTF-8\r\n\r\n"
        pieces += [(between + head).encode(), quoted_printable(_bytes(text))]
        between = f"\r\n--{boundary}\r\n"
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return b"".join(pieces)


def encoded_word(text: str) -> str:
    """`text` for a header: as it is if all of it is printable ASCII, otherwise in RFC 2047's Q encoding.

    So no line break gets through, whatever a label holds.
    """
    if _PLAIN.fullmatch(text):
        return text
    words: list[str] = []
    word: list[str] = []
    length = 0
    for char in text:
        if char == " ":
            shown = "_"
        elif "!" <= char <= "~" and char not in "=?_":
            shown = char
        else:
            shown = "".join(f"={byte:02X}" for byte in _bytes(char))
        # A character is never split over two words.
        if length + len(shown) > _WORD:
            words.append("".join(word))
            word, length = [], 0
        word.append(shown)
        length += len(shown)
    words.append("".join(word))
    return " ".join(f"=?utf-8?q?{word}?=" for word in words)


def quoted_printable(text: bytes) -> bytes:
    """`text` in lines of at most 76 characters that end in CRLF; other line ends become that."""
    # Not one regex over all of it: that would hold up the other threads for as long as it takes.
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"\r\n".join(map(_quoted_line, lines))


def _quoted_line(line: bytes) -> bytes:
    line = _UNSAFE.sub(_escape, line)
    if line.endswith((b" ", b"\t")):
        line = line[:-1] + b"=%02X" % line[-1]
    if len(line) <= _QUOTED:
        return line
    pieces = []
    start = 0
    while len(line) - start > _QUOTED:
        end = start + _QUOTED
        # An escape, three characters long, is never split.
        if line[end - 1] == 0x3D:
            end -= 1
        elif line[end - 2] == 0x3D:
            end -= 2
        pieces.append(line[start:end])
        start = end
    pieces.append(line[start:])
    return b"=\r\n".join(pieces)


def _escape(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found[0][0]


def _field(name: str, value: str) -> bytes:
    """A header line, folded at blanks only if it is too long for one."""
    rest = _bytes(f"{name}: {encoded_word(value)}")
    lines: list[bytes] = []
    while len(rest) > _LINE:
        # Not at the blank before the value, nor so that a line of nothing but blanks comes about.
        least = len(name) + 2 if not lines else 1
        cut = rest.rfind(b" ", least, _LINE + 1)
        if cut < 0:
            cut = rest.find(b" ", _LINE)
        if cut < 0 or not rest[least:cut].strip() or not rest[cut:].strip():
            break
        lines.append(rest[:cut])
        rest = rest[cut:]
    return b"\r\n".join([*lines, rest])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
