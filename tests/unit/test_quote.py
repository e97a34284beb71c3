"""Go's quoted strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampp.core.quote import GoUnquoteError, go_quote, go_unquote, time_quote


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("plain é 🙂", '"plain é 🙂"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("\a\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'),
        ("\x00\x1f\x7f", '"\\x00\\x1f\\x7f"'),
        ("\x80\xa0\xad", '"\\u0080\\u00a0\\u00ad"'),
        ("\u2028\ufeff\u200b", '"\\u2028\\ufeff\\u200b"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("\ufffd", '"\ufffd"'),
        ("\u0ecf\u0ece\U0001fae8\U00031350", '"\\u0ecf\u0ece\U0001fae8\U00031350"'),  # new in Unicode 15, but the first
        ("a\udcf0\udc9f", '"a\\xf0\\x9f"'),
        ("\ud800", '"\\xed\\xa0\\x80"'),
    ],
)
def test_quote(text: str, quoted: str) -> None:
    assert go_quote(text) == quoted


@given(st.text())
def test_unquote_undoes_quote(text: str) -> None:
    assert go_unquote(go_quote(text)[1:-1]) == text


@pytest.mark.parametrize(("inner", "text"), [("\\xf0\\x9f\\x99\\x82", "🙂"), ("\\101\\u00e9\\U0001F642", "Aé🙂")])
def test_unquote_decodes_bytes(inner: str, text: str) -> None:
    assert go_unquote(inner) == text


@pytest.mark.parametrize(
    "inner", ["\\", "\\'", "\\q", "\\xf0", "\\400", "\\ud800", "\\U00110000", "a\nb", 'a"b', "\\x4"]
)
def test_unquote_refuses(inner: str) -> None:
    with pytest.raises(GoUnquoteError):
        go_unquote(inner)


def test_package_time_quotes_bytes() -> None:
    assert time_quote('a"\\é\n\x7f') == '"a\\"\\\\\\xc3\\xa9\\x0a\x7f"'
