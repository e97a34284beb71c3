"""Label sets met for the first time: however they are cut, they are what a JSON reader makes of them."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ampp.core.labels import canonical, key
from ampp.ingest import labelset
from ampp.ingest.labelset import learn

_texts = st.one_of(
    st.text(alphabet='ab",:\\{} \n\x7f\u2028é\U0001f642', max_size=4), st.sampled_from([",", '","', '":"', "x" * 200])
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(_texts, _texts), max_size=4), st.sampled_from(["", " ", "\n"]), st.booleans())
@example([("a", ","), ("b", "c")], "", False)
@example([("a", "1"), ("a", "2")], "", False)
@example([("b", "1"), ("a", "2")], "", False)
@example([("a", "1"), ("b", "")], "", False)
@example([("a", "/"), ("b", "é")], "", True)
def test_a_label_set_is_what_its_json_says(pairs: list[tuple[str, str]], space: str, escaped: bool) -> None:
    members = [f"{space.join((_written(name, escaped), ':', _written(value, escaped)))}" for name, value in pairs]
    raw = f"{{{f'{space},{space}'.join(members)}}}".encode()
    wanted = canonical(dict(pairs))
    for _ in range(2):
        labels, known_by = learn(raw)
        assert list(labels.items()) == list(wanted.items())
        assert known_by == key(wanted)


def _written(text: str, escaped: bool) -> str:
    plain = msgspec.json.encode(text).decode()
    return "".join(f"\\u{ord(char):04x}" if "~" < char < "\uffff" else char for char in plain) if escaped else plain


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"',
        b'{"}',
        b'{"a"}',
        b'{"a":}',
        b'{"a":"b}',
        b'{"a":"b"',
        b'{"a":"b"}}',
        b'{"a":"b","c"}',
        b'{"a":"b","","c":"d"}',
        b'{"a":"b",,"c":"d"}',
        b'{"a":1,"c":"d"}',
        b'{"a":"b","c":null,"d":"e"}',
        b'{"a":"\x01"}',
        b'{"a":"\xff"}',
        b'{"a":{"b":"c"}',
        b'["a","b"]',
        b'"a"',
    ],
)
def test_what_is_no_label_set_is_refused(raw: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        learn(raw)


def test_what_many_share_is_kept_once_however_many_others_come() -> None:
    first, _ = learn(b'{"instance":"first","job":"shared-by-all"}')
    for number in range(10_000):
        labels, _ = learn(b'{"instance":"%d","job":"shared-by-all"}' % number)
        assert labels["job"] is first["job"]
        assert [id(name) for name in labels] == [id(name) for name in first]


def test_what_is_remembered_is_bounded() -> None:
    long = "x" * 9_000
    for number in range(5_000):
        learn(b'{"number":"%d","long":"%b%d"}' % (number, long.encode(), number))
        learn(b'{"a%b%d":"%d"}' % (long.encode() if number < 100 else b"", number, number))
    pairs = labelset._pair.__self__
    assert len(pairs) + len(pairs._former) <= 2 * labelset._PAIRS_MAX
    assert max(map(len, [*pairs, *pairs._former])) < labelset._PAIR_BYTES
    assert not any(long.encode() in raw for raw in labelset.aliases)
    assert not any(long in name for names in labelset._ordered for name in names)
