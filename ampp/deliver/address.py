"""Lists of mail addresses as Go's net/mail reads them: `Ann <ann@example.org>, "odd name"@example.org, Team: a@b;`."""

import ipaddress
from typing import Final

from ampp.core.quote import go_quote

__all__ = ["AddressError", "addresses", "path"]


class AddressError(ValueError):
    """The text is no list of addresses; the message is Go's."""


_SPECIALS: Final = frozenset('()<>[]:;@\\,"')


def addresses(text: str) -> list[str]:
    """The addresses (`user@domain`) in a list. Names and comments are read over. Raises `AddressError`."""
    return _Parser(text).all()


def path(address: str) -> str:
    """An address of `addresses` as MAIL and RCPT want it between angle brackets: the user part quoted where it must be.

    Upstream never quotes it, so that what follows a bracket or a blank in it would be read as part of the command.
    """
    user, _, domain = address.rpartition("@")
    dots = user.startswith(".") or user.endswith(".") or ".." in user
    if all(_is_atom(char, dot=True) for char in user) and not dots:
        return address
    quoted = user.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"@{domain}'


def _is_visible(char: str) -> bool:
    # RFC 6532 adds all beyond ASCII to what RFC 5322 allows. A lone surrogate stands for a byte that is no UTF-8.
    return "!" <= char <= "~" or (char >= "\x80" and not "\ud800" <= char <= "\udfff")


def _is_atom(char: str, *, dot: bool) -> bool:
    return dot if char == "." else char not in _SPECIALS and _is_visible(char)


class _Parser:
    """Goes through `text`; `at` is where."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def all(self) -> list[str]:
        found: list[str] = []
        while True:
            self.blanks()
            if self.take(","):
                continue
            found += self.address(group=True)
            self.comments()
            if self.ended:
                return found
            if self.peek != ",":
                raise AddressError("mail: expected comma")
            while self.take(","):
                self.blanks()
            if self.ended:
                return found

    def address(self, *, group: bool) -> list[str]:
        """One address, or what a group holds."""
        self.blanks()
        if self.ended:
            raise AddressError("mail: no address")
        start = self.at
        try:
            spec = self.spec()
        except AddressError:
            self.at = start
        else:
            self.blanks()
            if self.peek == "(":
                self.comment()
            return [spec]
        name = "" if self.peek == "<" else self.phrase()
        self.blanks()
        if group and self.take(":"):
            return self.group()
        if not self.take("<"):
            if all(_is_atom(char, dot=True) for char in name):
                raise AddressError("mail: missing '@' or angle-addr")
            raise AddressError("mail: no angle-addr")
        spec = self.spec()
        if not self.take(">"):
            raise AddressError("mail: unclosed angle-addr")
        return [spec]

    def group(self) -> list[str]:
        found: list[str] = []
        self.blanks()
        if self.take(";"):
            self.comments()
            return found
        while True:
            found += self.address(group=False)
            self.comments()
            if self.take(";"):
                self.comments()
                return found
            if not self.take(","):
                raise AddressError("mail: expected comma")

    def spec(self) -> str:
        """`user@domain`."""
        self.blanks()
        if self.ended:
            raise AddressError("mail: no addr-spec")
        if self.peek == '"':
            user = self.quoted()
            if not user:
                raise AddressError("mail: empty quoted string in addr-spec")
        else:
            user = self.atom(strict=True)
        if not self.take("@"):
            raise AddressError("mail: missing @ in addr-spec")
        self.blanks()
        if self.ended:
            raise AddressError("mail: no domain in addr-spec")
        domain = self.literal() if self.peek == "[" else self.atom(strict=True)
        return f"{user}@{domain}"

    def phrase(self) -> str:
        """A display name. Its encoded words are left as they are, so no charset is refused."""
        words: list[str] = []
        while True:
            if words:
                self.comments()
            self.blanks()
            if self.ended:
                break
            try:
                words.append(self.quoted() if self.peek == '"' else self.atom(strict=False))
            except AddressError as error:
                if words:
                    break
                raise AddressError(f"mail: missing word in phrase: {error}") from None
        return " ".join(words)

    def quoted(self) -> str:
        inside: list[str] = []
        escaped = False
        for i in range(self.at + 1, len(self.text)):
            char = self.text[i]
            if "\ud800" <= char <= "\udfff":
                raise AddressError(f"mail: invalid utf-8 in quoted-string: {go_quote(self.text[self.at :])}")
            if not escaped and char == '"':
                self.at = i + 1
                return "".join(inside)
            if not escaped and char == "\\":
                escaped = True
            elif _is_visible(char) or char in " \t":
                inside.append(char)
                escaped = False
            else:
                raise AddressError(f"mail: bad character in quoted-string: {_rune(char)}")
        raise AddressError("mail: unclosed quoted-string")

    def atom(self, *, strict: bool) -> str:
        """A word, with dots; where `strict`, they have to stand between other characters."""
        start = i = self.at
        while i < len(self.text) and _is_atom(self.text[i], dot=True):
            i += 1
        if i < len(self.text) and "\ud800" <= self.text[i] <= "\udfff":
            raise AddressError(f"mail: invalid utf-8 in address: {go_quote(self.text[start:])}")
        if i == start:
            raise AddressError("mail: invalid string")
        self.at = i
        atom = self.text[start:i]
        if strict:
            if atom.startswith("."):
                raise AddressError("mail: leading dot in atom")
            if ".." in atom:
                raise AddressError("mail: double dot in atom")
            if atom.endswith("."):
                raise AddressError("mail: trailing dot in atom")
        return atom

    def literal(self) -> str:
        """An address in brackets in the place of a domain."""
        end = self.text.find("]", self.at)
        if end < 0:
            raise AddressError("mail: unclosed domain-literal")
        inside = self.text[self.at + 1 : end]
        for char in inside:
            if not _is_visible(char) or char in "[\\":
                raise AddressError(f"mail: bad character in domain-literal: {_rune(char)}")
        try:
            if "%" in inside:
                raise ValueError(inside)
            ipaddress.ip_address(inside)
        except ValueError:
            raise AddressError(f"mail: invalid IP address in domain-literal: {go_quote(inside)}") from None
        self.at = end + 1
        return f"[{inside}]"

    def comments(self) -> None:
        self.blanks()
        while self.peek == "(":
            self.comment()
            self.blanks()

    def comment(self) -> None:
        """Read over a comment, in which others may be nested."""
        depth = 0
        while not self.ended:
            char = self.text[self.at]
            if char == "\\" and self.at + 1 < len(self.text):
                self.at += 1
            else:
                depth += (char == "(") - (char == ")")
            self.at += 1
            if not depth:
                return
        raise AddressError("mail: misformatted parenthetical comment")

    def blanks(self) -> None:
        while self.peek in (" ", "\t"):
            self.at += 1

    def take(self, char: str) -> bool:
        taken = self.peek == char
        self.at += taken
        return taken

    @property
    def peek(self) -> str:
        """The next character, empty at the end."""
        return self.text[self.at : self.at + 1]

    @property
    def ended(self) -> bool:
        return self.at >= len(self.text)


def _rune(char: str) -> str:
    """A character as Go's %q writes a rune."""
    return {"'": "'\\''", '"': "'\"'"}.get(char) or f"'{go_quote(char)[1:-1]}'"
