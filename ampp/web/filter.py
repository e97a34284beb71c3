"""The one filter language of all pages: Alertmanager's matchers, pseudo labels, and plain words.

    alertname=~"Disk.*"   severity="critical", cluster!=eu      matchers, as everywhere in Alertmanager
    @state=silenced   @receiver=pager   @age>30m                what is not a label
    @silenced_by=ops  @inhibited_by=~"Node.*"  @author=database
    node-7                                                      a word: some label or annotation holds it

All tokens must hold. A token that cannot be read has an error and is left out.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.matcher import Matcher, MatcherError, Mode, Op, make_matcher, parse_matchers
from ampp.core.silence import SilenceBook
from ampp.web.survey import STATES, Seen

__all__ = ["PSEUDO", "Moment", "Token", "exact", "matchers_of", "passes", "read", "typed"]

PSEUDO: Final = ("state", "receiver", "age", "silenced_by", "inhibited_by", "author")
"""What may follow an `@`."""

_MOST: Final = 50
_LONGEST: Final = 4096
_PSEUDO: Final = re.compile(r"\s*@([A-Za-z_]+)\s*(=~|!~|!=|>=|<=|=|>|<)?\s*(.*?)\s*", re.DOTALL)
_OPERATOR: Final = re.compile(r"!=|!~|=")
_Test = Callable[[Seen], bool]


class Token(msgspec.Struct, frozen=True):
    """One condition. `text` is what was typed, `error` why it cannot be read, `matchers` what it is made of, if so.

    `pseudo`: the name behind an `@`, and the test of one of its values; it holds if that is what one of them says, or
    with `negative` if none does.
    """

    text: str
    error: str = ""
    matchers: tuple[Matcher, ...] = ()
    test: _Test | None = None
    word: bool = False
    pseudo: tuple[str, Callable[[str], bool]] | None = None
    negative: bool = False


class Moment(msgspec.Struct, frozen=True):
    """What tests about silences, sources and ages look at."""

    wall: int
    silences: SilenceBook
    source: Callable[[str], dict[str, str]]


def exact(name: str, value: str) -> str:
    """The token for one label: `name="value"`."""
    return str(Matcher(name, Op.EQ, value))


def read(texts: Sequence[str], mode: Mode, moment: Moment) -> list[Token]:
    """The tokens, in the order given."""
    return [_token(text.strip(), mode, moment) for text in texts[:_MOST] if text.strip()]


def matchers_of(tokens: Sequence[Token]) -> tuple[Matcher, ...]:
    """All real matchers among the tokens, for a silence."""
    return tuple(matcher for token in tokens for matcher in token.matchers)


def passes(tokens: Sequence[Token]) -> _Test:
    """Whether something fulfils every token that could be read."""
    tests = [token.test for token in tokens if token.test is not None]
    if not tests:
        return lambda seen: True
    if len(tests) == 1:
        return tests[0]
    return lambda seen: all(test(seen) for test in tests)


def _token(text: str, mode: Mode, moment: Moment) -> Token:
    if len(text) > _LONGEST:
        return Token(text[:80] + "…", f"longer than {_LONGEST} characters")
    if text.startswith("@"):
        return _pseudo(text, moment)
    if not _OPERATOR.search(text):
        if any(character in text for character in '{}"'):
            return Token(text, 'write a matcher such as severity="critical", or a plain word')
        return _word(text)
    try:
        matchers = typed(text, mode)
    except MatcherError as error:
        return Token(text, str(error))
    tests = [(matcher.name, matcher.test) for matcher in matchers]
    if len(tests) == 1:
        name, test = tests[0]
        return Token(text, "", matchers, lambda seen: test(seen.alert.labels.get(name, "")))
    return Token(text, "", matchers, lambda seen: all(test(seen.alert.labels.get(name, "")) for name, test in tests))


_SPACED: Final = re.compile(r'[^\s=!~,{}"]+(?:=~|!~|!=|=)(?:"(?:[^"\\]|\\.)*"|[^\s",{}]+)')


def typed(text: str, mode: Mode) -> tuple[Matcher, ...]:
    """Matchers as people type them: with commas between them, or with nothing but spaces. Raises `MatcherError`."""
    parts = _SPACED.findall(text)
    if len(parts) > 1 and not _SPACED.sub("", text).strip(" ,"):
        return tuple(matcher for part in parts for matcher in parse_matchers(part, mode).matchers)
    return parse_matchers(text, mode).matchers


def _word(text: str) -> Token:
    wanted = text.casefold()

    def test(seen: Seen) -> bool:
        alert = seen.alert
        return any(wanted in value.casefold() for value in alert.labels.values()) or any(
            wanted in value.casefold() for value in alert.annotations.values()
        )

    return Token(text, test=test, word=True)


def _pseudo(text: str, moment: Moment) -> Token:
    match = _PSEUDO.fullmatch(text)
    name = match[1] if match else ""
    if match is None or name not in PSEUDO:
        return Token(text, "not known; there are " + ", ".join(f"@{each}" for each in PSEUDO))
    operator, value = match[2] or "", match[3]
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    if not operator or not value:
        return Token(text, f"write @{name}=…" if name != "age" else "write @age>30m or @age<1h")
    if name == "age":
        return _age(text, operator, value, moment)
    if operator not in ("=", "!=", "=~", "!~"):
        return Token(text, "only @age knows < and >")
    if name == "state" and operator in ("=", "!=") and value not in (*STATES, "suppressed"):
        return Token(text, f"@state is one of {', '.join(STATES)}, suppressed")
    try:
        matcher = make_matcher("value", Op(operator), value)
    except MatcherError as error:
        return Token(text, str(error))
    positive = operator in ("=", "=~")
    if not positive:
        matcher = make_matcher("value", Op.EQ if operator == "!=" else Op.RE, value)
    values, test = _VALUES[name], matcher.test

    def holds(seen: Seen) -> bool:
        return any(test(each) for each in values(seen, moment)) is positive

    return Token(text, test=holds, pseudo=(name, test), negative=not positive)


def _age(text: str, operator: str, value: str, moment: Moment) -> Token:
    try:
        span = parse_prometheus(value.replace(" ", ""))
    except DurationError as error:
        return Token(text, str(error))
    since = moment.wall - span
    if operator in (">", ">="):
        return Token(text, test=lambda seen: seen.alert.starts <= since)
    if operator in ("<", "<="):
        return Token(text, test=lambda seen: seen.alert.starts >= since)
    return Token(text, "write @age>30m or @age<1h")


def _silenced_by(seen: Seen, moment: Moment) -> list[str]:
    found = []
    for identity in seen.silenced_by:
        silence = moment.silences.get(identity)
        found += [identity] + ([silence.created_by] if silence else [])
    return found


def _author(seen: Seen, moment: Moment) -> list[str]:
    known = (moment.silences.get(identity) for identity in seen.silenced_by)
    return [silence.created_by for silence in known if silence is not None]


def _inhibited_by(seen: Seen, moment: Moment) -> list[str]:
    found = list(seen.inhibited_by)
    for each in seen.inhibited_by:
        found.append(moment.source(each).get("alertname", ""))
    return found


_VALUES: Final[dict[str, Callable[[Seen, Moment], Sequence[str]]]] = {
    "state": lambda seen, _: (seen.state,) if seen.state == "active" else (seen.state, "suppressed"),
    "receiver": lambda seen, _: seen.receivers,
    "silenced_by": _silenced_by,
    "inhibited_by": _inhibited_by,
    "author": _author,
}
