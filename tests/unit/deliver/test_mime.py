"""The bytes of mails, as Go's mime, quotedprintable and textproto packages write them."""

import quopri
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampp.deliver.mime import compose, encoded_word, quoted_printable
from ampp.deliver.smtp import dotted


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("plain ~ text\t", "plain ~ text=09"),
        ("a=b", "a=3Db"),
        ("é\x00\x7f", "=C3=A9=00=7F"),
        ("a \nb\t\r\nc\rd\n", "a=20\r\nb=09\r\nc\r\nd\r\n"),
        ("x" * 75, "x" * 75),
        ("x" * 76, "x" * 75 + "=\r\nx"),
        ("x" * 72 + "é", "x" * 72 + "=C3=\r\n=A9"),
        ("x" * 73 + "é", "x" * 73 + "=\r\n=C3=A9"),
        ("x" * 74 + " ", "x" * 74 + "=\r\n=20"),
        ("x" * 75 + " ", "x" * 75 + "=\r\n=20"),
        ("x" * 74 + " y", "x" * 74 + " =\r\ny"),
        (".\n..\nFrom me", ".\r\n..\r\nFrom me"),
    ],
)
def test_quoted_printable(text: str, written: str) -> None:
    assert quoted_printable(text.encode()).decode() == written


@given(st.text(st.sampled_from("ab .=\t\n\ré\U0001f600"), max_size=300))
def test_quoted_printable_reads_back(text: str) -> None:
    written = quoted_printable(text.encode())
    lines = written.split(b"\r\n")
    assert all(len(line) <= 76 and not line.endswith((b" ", b"\t")) for line in lines)
    assert quopri.decodestring(written).replace(b"\r\n", b"\n").decode() == text.replace("\r\n", "\n").replace(
        "\r", "\n"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("plain ?=_\t~", "plain ?=_\t~"),
        ("a\r\nBcc: x", "=?utf-8?q?a=0D=0ABcc:_x?="),
        ("é ?=_", "=?utf-8?q?=C3=A9_=3F=3D=5F?="),
        ("é" + "x" * 57, "=?utf-8?q?=C3=A9" + "x" * 57 + "?="),
        ("é" + "x" * 58, "=?utf-8?q?=C3=A9" + "x" * 57 + "?= =?utf-8?q?x?="),
        ("x" * 60 + "é", "=?utf-8?q?" + "x" * 60 + "?= =?utf-8?q?=C3=A9?="),
        ("\udcff", "=?utf-8?q?=FF?="),
    ],
)
def test_encoded_words(text: str, written: str) -> None:
    assert encoded_word(text) == written


@given(st.text(max_size=200).filter(lambda text: not text.isascii()))
def test_encoded_words_read_back_and_have_no_line_ends(text: str) -> None:
    written = encoded_word(text)
    assert written.isascii()
    assert written.isprintable()
    assert all(len(word) <= 75 for word in written.split(" "))
    assert str(make_header(decode_header(written))) == text


def test_parts() -> None:
    assert compose([("A", "b")], [("text/plain", "x\n"), ("text/html", "")], "B") == (
        b"A: b\r\nContent-Type: multipart/alternative;  boundary=B\r\nMIME-Version: 1.0\r\n\r\n"
        b"--B\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nx\r\n"
        b"\r\n--B\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n"
        b"\r\n--B--\r\n"
    )


def lines_of(value: str) -> list[bytes]:
    return compose([("Subject", value)], [], "B").partition(b"\r\nContent-Type")[0].split(b"\r\n")


def test_only_what_is_too_long_for_a_line_is_folded() -> None:
    assert lines_of("x " * 490) == [b"Subject: " + b"x " * 490]
    first, second = lines_of("x " * 500)
    assert len(first) <= 998
    assert second.startswith(b" ")
    assert first + second == b"Subject: " + b"x " * 500
    # Where there is no blank, there is no line end either.
    assert lines_of("x" * 2000) == [b"Subject: " + b"x" * 2000]
    assert lines_of("x" * 2000 + " y " + "z" * 2000) == [
        b"Subject: " + b"x" * 2000,
        b" y",
        b" " + b"z" * 2000,
    ]
    # No line of nothing but blanks, which ends the header for some.
    assert all(line.strip() for line in lines_of(" " * 3000))
    assert all(line.strip() for line in lines_of("a" + " " * 3000 + "b"))


@pytest.mark.parametrize(
    ("mail", "sent"),
    [
        (b"", b"\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".\r\n..a\r\n.", b"..\r\n...a\r\n..\r\n.\r\n"),
        # What some servers would take for the end of the mail.
        (b"a\n.\nMAIL", b"a\r\n..\r\nMAIL\r\n.\r\n"),
        (b"a\r.\rMAIL\n", b"a\r\n..\r\nMAIL\r\n.\r\n"),
    ],
)
def test_no_line_but_the_last_is_a_single_dot(mail: bytes, sent: bytes) -> None:
    assert dotted(mail) == sent
