"""Regular expressions as Go reads them."""

from collections.abc import Callable

import pytest

from ampp.core import regex as regex_module
from ampp.core.regex import Regex, RegexError, anchored, check, checked, choices, program


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[", "missing closing ]: `[)$`"),
        ("(", "missing closing ): `^(?:()$`"),
        ("a)", "unexpected ): `^(?:a))$`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a|*?", "missing argument to repetition operator: `*?`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a+{2}?", "invalid nested repetition operator: `+{2}?`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        ("(a{1000}){1000}", "invalid repeat count: `{1000}`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("\\p{Foo}", "invalid character class range: `\\p{Foo}`"),
        ("[a-\\d]", "invalid escape sequence: `\\d`"),
        ("\\C", "invalid escape sequence: `\\C`"),
        ("\\Z", "invalid escape sequence: `\\Z`"),
        ("\\u0041", "invalid escape sequence: `\\u`"),
        ("\\é", "invalid escape sequence: `\\é`"),
        ("\\8", "invalid escape sequence: `\\8`"),
        ("\\x{110000}", "invalid escape sequence: `\\x{110000`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"),
        ("(?P<n a>b)", "invalid named capture: `(?P<n a>`"),
        ("(?P<n", "invalid named capture: `(?P<n)$`"),
        ("a\\", "missing closing ): `^(?:a\\)$`"),
        ("(" * 1000 + "a" + ")" * 1000, "expression nests too deeply"),
    ],
)
def test_messages(pattern: str, message: str) -> None:
    with pytest.raises(RegexError) as caught:
        anchored(pattern)
    assert str(caught.value).startswith(f"error parsing regexp: {message}")


def test_bare_patterns_are_checked_as_they_stand() -> None:
    check("a|b")
    anchored("a)|(?:b")
    with pytest.raises(RegexError, match=r"unexpected \): `a\)\|\(\?:b`"):
        check("a)|(?:b")
    with pytest.raises(RegexError, match="trailing backslash at end of expression: ``"):
        check("a\\")


@pytest.mark.parametrize(
    ("pattern", "matches", "fails"),
    [
        ("bar", "bar", "bar\n"),
        ("a)|(?:b", "ax", "xa"),
        ("(?<n>a)\\_", "a_", "a"),
        ("\\pL+", "é", "1"),
        ("\\p{letter}", "é", "1"),
        ("\\p{greek}", "α", "a"),
        ("[\\P{LC}x]", "1", "A"),
        ("\\p{C}", "\u0378", "a"),
        ("\\p{Assigned}", "a", "\u0378"),
        ("\\p{ASCII}", "a", "é"),
        ("a{,3}", "a{,3}", "aaa"),
        ("a{01}", "a{01}", "a"),
        ("[]a]", "]", "b"),
        ("[a-]", "-", "b"),
        ("\\Qa.b\\E", "a.b", "axb"),
        ("(?i)k", "\u212a", "l"),
        ("\\x{1F642}", "🙂", "🙁"),
        ("[\\x00-\\x{10FFFF}]", "\n", ""),
        (".*", "", "a\nb"),
        ("(?s).*", "a\nb", "\udcff"),
    ],
)
def test_matching(pattern: str, matches: str, fails: str) -> None:
    regex = anchored(pattern)
    assert regex.test(matches)
    assert regex.test(matches)
    assert not regex.test(fails)


@pytest.mark.parametrize(
    "pattern",
    ["", "a*", "x|", "a", "^$", "$^", "\\b", "\\B", "(?m)^$", "(?m:$)^", "\\z", "\\A", "(?s).", "(?i)a?", "a{0}",
     "[^a]*", "(?U)a*?", "()", "(?:)", "(a|)", "a||b", "(a|b)", "^", "$", "(?m)^\\n?$", "(?i:)|b",
     "\\Q\\E", ".+", "(^|,)a?"],
)  # fmt: skip
def test_what_a_bare_pattern_finds_in_the_empty_text_is_all_of_it(pattern: str) -> None:
    assert anchored(pattern).test("") is (program(pattern).search(b"") is not None)


@pytest.mark.parametrize(
    "pattern", ["a|b", "a)|(?:b", "a\\", "(?:a{1000}){2}", "*", "[", "a{1001}", "((a{99}){9}){9}", "é+"]
)
def test_a_pattern_is_checked_as_it_stands_and_anchored(pattern: str) -> None:
    def result(*calls: Callable[[str], object]) -> str:
        try:
            for call in calls:
                call(pattern)
        except RegexError as error:
            return str(error)
        return ""

    assert result(checked) == result(check, anchored)


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("a|b", {"a", "b"}),
        ("(a|b)", {"a", "b"}),
        ("(?:a|)", {"a", ""}),
        ("^(?:a)$", {"a"}),
        ("", {""}),
        ("(a)|(b)", None),
        ("a.b", None),
        ("(?i)", None),
        ("a{2}", None),
        ("[ab]", None),
        ("^(?:a)|(?:b)$", None),
    ],
)
def test_choices(pattern: str, values: set[str] | None) -> None:
    assert choices(pattern) == values
    for value in values or ():
        assert Regex(pattern).test(value)


def test_remembered_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regex_module, "_ANSWERS_MAX", 10)
    one, other = Regex("a.*"), Regex("b.*")
    for number in range(50):
        assert one.test(f"a{number}")
        assert not other.test(f"a{number}")
    assert len(one._seen) + len(other._seen) <= 10


def test_equal_patterns_share_one_program() -> None:
    assert anchored("shared.*") is anchored("shared.*")


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RegexError):
        anchored("(?<x")
    with pytest.raises(RegexError):
        anchored("(x{1000})" * 100 + "\\pL{1000}" * 100)
    assert capfd.readouterr() == ("", "")
