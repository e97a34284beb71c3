"""Matchers: text, order, warnings."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampp.core.matcher import (
    Matcher,
    MatcherError,
    Mode,
    Op,
    format_matchers,
    make_matcher,
    matches_all,
    parse_matcher,
    parse_matchers,
    sort_matchers,
)

equalities = st.builds(Matcher, st.text(min_size=1), st.sampled_from([Op.EQ, Op.NE]), st.text())


@given(st.lists(equalities, max_size=4))
def test_canonical_text_means_the_same_again(matchers: list[Matcher]) -> None:
    assert parse_matchers(format_matchers(matchers), Mode.UTF8).matchers == tuple(matchers)


@given(st.text())
def test_any_text_is_read_or_refused_in_every_mode(text: str) -> None:
    for mode in Mode:
        for parse in (parse_matchers, parse_matcher):
            try:
                parsed = parse(text, mode)
            except MatcherError:
                continue
            assert parsed.warnings == () or mode is Mode.FALLBACK


def test_names_with_reserved_characters_are_quoted_with_their_values() -> None:
    assert str(Matcher("foo bar", Op.EQ, "a\tb")) == '"foo bar"="a\\tb"'
    assert str(Matcher("foo.bar", Op.NRE, 'a\tb"\n\\')) == 'foo.bar!~"a\tb\\"\\n\\\\"'


def test_order_is_name_value_operator() -> None:
    wanted = [Matcher("a", Op.NRE, "a"), Matcher("a", Op.EQ, "b"), Matcher("a", Op.NE, "b"), Matcher("b", Op.EQ, "a")]
    assert list(sort_matchers(reversed(wanted))) == wanted


def test_an_incompatible_input_is_read_classically_with_a_suggestion() -> None:
    parsed = parse_matchers("foo=~\\d+,bar=", Mode.FALLBACK)
    assert format_matchers(parsed.matchers) == '{foo=~"\\\\d+",bar=""}'
    (warning,) = parsed.warnings
    assert "incompatible" in warning
    assert 'err="5:6: \\\\: invalid input: expected label value"' in warning
    assert 'suggestion="foo=~\\"\\\\\\\\d+\\",bar=\\"\\""' in warning


def test_a_disagreement_is_read_classically() -> None:
    parsed = parse_matchers('foo="a\\tb"', Mode.FALLBACK)
    assert parsed.matchers == (Matcher("foo", Op.EQ, "a\\tb"),)
    assert parsed.warnings == ('Matchers input has disagreement: input="foo=\\"a\\\\tb\\""',)
    assert parse_matchers("foo=bar", Mode.FALLBACK).warnings == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{a=b}", "unexpected open or close brace: {a=b}"),
        ("a=b}", "unexpected open or close brace: a=b}"),
        ("", "no matchers"),
        ("a=b,c=d", "expected 1 matcher, found 2"),
        (
            "a!",
            "1:2: unexpected end of input, expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'",
        ),
        ('a=~"["', "failed to create matcher: error parsing regexp: missing closing ]: `[)$`"),
    ],
)
def test_messages_of_the_one_matcher_entry(text: str, message: str) -> None:
    with pytest.raises(MatcherError) as caught:
        parse_matcher(text, Mode.UTF8)
    assert str(caught.value) == message


def test_bytes_that_are_not_utf8() -> None:
    with pytest.raises(MatcherError, match="matcher value not valid UTF-8: b\udcff"):
        parse_matcher("a=b\udcff", Mode.CLASSIC)
    assert parse_matchers("a=b\udcff", Mode.CLASSIC).matchers == (Matcher("a", Op.EQ, "b\ufffd"),)


def test_an_absent_label_is_empty() -> None:
    labels = {"a": "x"}
    for text in ('b=""', 'b!="x"', 'b=~".*"', 'b!~".+"', 'b=~"|x"'):
        assert matches_all(parse_matchers(text, Mode.FALLBACK).matchers, labels), text
    for text in ('b!=""', 'b=~".+"', 'b="x"', 'b!~"|x"'):
        assert not matches_all(parse_matchers(text, Mode.FALLBACK).matchers, labels), text
    assert matches_all((), labels)


def test_matchers_are_values_also_after_storage() -> None:
    matcher = Matcher("a", Op.RE, "b.*")
    assert matcher.matches("bc")
    again = msgspec.json.decode(msgspec.json.encode(matcher), type=Matcher)
    assert again == matcher
    assert hash(again) == hash(matcher)
    assert again.matches("bc")


def test_a_bad_expression_is_found_when_made() -> None:
    with pytest.raises(MatcherError, match="missing argument to repetition operator"):
        make_matcher("a", Op.NRE, "*")
    assert make_matcher("a", Op.EQ, "*").matches("*")
