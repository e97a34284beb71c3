"""Address lists as Go's net/mail reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampp.deliver.address import AddressError, addresses, path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@b", ["a@b"]),
        (" a.b+c@d.e\t", ["a.b+c@d.e"]),
        ("A B <a@b>, c@d", ["a@b", "c@d"]),
        ('"B, A" <a@b> (x (y) \\) z)', ["a@b"]),
        ("A. B. <a@b>", ["a@b"]),
        ("(c) <a@b>".removeprefix("(c) "), ["a@b"]),
        ("a@b (Ann), , c@d,,", ["a@b", "c@d"]),
        ('"a b"@c', ["a b@c"]),
        ('"a\\"b"@c', ['a"b@c']),
        ("a@[127.0.0.1], b@[::1]", ["a@[127.0.0.1]", "b@[::1]"]),
        ("Team: a@b, C <c@d>;, e@f", ["a@b", "c@d", "e@f"]),
        ("Nobody:;", []),
        ("é@bücher.example", ["é@bücher.example"]),
        ("=?utf-8?q?=C3=A9?= <a@b>", ["a@b"]),
    ],
)
def test_lists(text: str, found: list[str]) -> None:
    assert addresses(text) == found


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "mail: no address"),
        ("a", "mail: missing '@' or angle-addr"),
        ("a b", "mail: no angle-addr"),
        ("<a>", "mail: missing @ in addr-spec"),
        ("<a@b", "mail: unclosed angle-addr"),
        ("a@b c@d", "mail: expected comma"),
        ("a@b;c@d", "mail: expected comma"),
        ("<>", "mail: invalid string"),
        ("<.a@b>", "mail: leading dot in atom"),
        ("<a..b@c>", "mail: double dot in atom"),
        ("<a.@c>", "mail: trailing dot in atom"),
        ("<a@>", "mail: invalid string"),
        ("<a@[x]>", 'mail: invalid IP address in domain-literal: "x"'),
        ("<a@[::1%lo]>", 'mail: invalid IP address in domain-literal: "::1%lo"'),
        ("<a@[", "mail: unclosed domain-literal"),
        ('<""@b>', "mail: empty quoted string in addr-spec"),
        ("A: a@b", "mail: expected comma"),
        ("a@b (x", "mail: misformatted parenthetical comment"),
        ("a@b\n", "mail: expected comma"),
        ('"', "mail: missing word in phrase: mail: unclosed quoted-string"),
    ],
)
def test_what_is_no_list(text: str, wrong: str) -> None:
    with pytest.raises(AddressError) as caught:
        addresses(text)
    assert str(caught.value) == wrong


@given(st.text(st.sampled_from('ab.@ ,;:<>()[]"\\\t\r\né\udcff'), max_size=30))
def test_nothing_breaks_out_of_a_command(text: str) -> None:
    try:
        found = addresses(text)
    except AddressError:
        return
    for address in found:
        written = path(address)
        assert not {"\r", "\n"} & set(written)
        if not written.startswith('"'):
            assert not {" ", "<", ">"} & set(written)
        # What the server reads between the brackets is the address again.
        assert addresses(f"<{written}>") == [address]
