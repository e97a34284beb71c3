"""URLs as Go's net/url has them, and dumps as yaml.v2 writes them, where the recorded configurations do not reach."""

import pytest

from ampp.config.emit import Flow, Map, emit, go_float
from ampp.config.keyorder import sorted_keys
from ampp.config.url import UrlError, parse, parse_http


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("http://h.example", "http://h.example"),
        ("HTTP://h/a b?c d#e f", "http://h/a%20b?c d#e%20f"),
        ("http://h/%2f%41", "http://h/%2f%41"),
        ("http://u:p%40@h/", "http://u:p%40@h/"),
        ("http://[::1]:9/x", "http://[::1]:9/x"),
        ("http://[fe80::1%25en0]/", "http://[fe80::1%25en0]/"),
        ("mailto:a@b", "mailto:a@b"),
        ("http://h/?", "http://h/?"),
        ("/a:b", "/a:b"),
        ("http:///x", "http:///x"),
        ("http:/x", "http:/x"),
        ("http://hé/é", "http://h%C3%A9/%C3%A9"),
    ],
)
def test_url_forms(text: str, form: str) -> None:
    assert str(parse(text)) == form


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":x", 'parse ":x": missing protocol scheme'),
        ("a b:c", 'parse "a b:c": first path segment in URL cannot contain colon'),
        ("http://h:x/", 'parse "http://h:x/": invalid port ":x" after host'),
        ("http://h/%zz", 'parse "http://h/%zz": invalid URL escape "%zz"'),
        ("http://a b/", 'parse "http://a b/": invalid character " " in host name'),
        ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
        ("http://h/\n#x", 'parse "http://h/\\n": net/url: invalid control character in URL'),
        ("http://u:\u00e9@h/", 'parse "http://u:é@h/": net/url: invalid userinfo'),
        ("http://", "missing host for URL"),
        ("example.org", 'unsupported scheme "" for URL'),
    ],
)
def test_url_errors(text: str, message: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse_http(text)
    assert str(caught.value) == message


def test_passwords_are_masked() -> None:
    assert parse("http://u:secret@h/").redacted() == "http://u:xxxxx@h/"
    assert parse("http://u@h/").redacted() == "http://u@h/"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("yes", '"yes"'),
        ("1:30", '"1:30"'),
        ("2024-01-02", '"2024-01-02"'),
        ("a: b", "'a: b'"),
        ("it's", "it's"),
        (">", "'>'"),
        ("🚒", '"\\U0001F692"'),
        ("", '""'),
        (" lead", "' lead'"),
        (None, "null"),
        (True, "true"),
        (1e6, "1e+06"),
        ([], "[]"),
        (Map([]), "{}"),
        (Flow(["a:b", "c"]), "['a:b', c]"),
    ],
)
def test_dumped_values(value: object, text: str) -> None:
    assert emit(Map([("k", value)])) == f"k: {text}\n"


def test_dumped_blocks() -> None:
    tree = Map([("a", [Map([("b", "x\ny\n"), ("c", [["d"]])])]), ("e" * 129, ["f"])])
    assert emit(tree) == "a:\n- b: |\n    x\n    y\n  c:\n  - - d\n? " + "e" * 129 + "\n: - f\n"


def test_long_lines_break_at_spaces() -> None:
    assert emit(Map([("k", "word " * 30 + "end")])) == (
        "k: word word word word word word word word word word word word word word word word\n"
        "  word word word word word word word word word word word word word word end\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (123456.0, "123456"),
        (1234567.0, "1.234567e+06"),
        (1e-5, "1e-05"),
        (-2.5, "-2.5"),
    ],
)
def test_floats(value: float, text: str) -> None:
    assert go_float(value) == text


def test_key_order() -> None:
    assert sorted_keys(["b10", "b9", "a", "_", "B", 2, "1"]) == [2, "_", "1", "B", "a", "b9", "b10"]
