"""Letter case by Go's rules. What is expected here was printed by Go."""

import pytest

from ampp.template.casing import lower, title, upper


@pytest.mark.parametrize(
    ("text", "large", "small"),
    [
        ("aé ß", "AÉ ß", "aé ß"),
        ("ÄÖ İ", "ÄÖ İ", "äö i"),
        ("ᾳﬁŉ", "ᾼﬁŉ", "ᾳﬁŉ"),
        ("ΟΔΟΣ", "ΟΔΟΣ", "οδοσ"),
        ("ǅ", "Ǆ", "ǆ"),
        ("\udcffa", "\ufffdA", "\ufffda"),
    ],
)
def test_runes_change_one_by_one(text: str, large: str, small: str) -> None:
    assert (upper(text), lower(text)) == (large, small)


@pytest.mark.parametrize(
    ("text", "titled"),
    [
        ("hello wORLD o'neil x.y foo-bar 3d a3d x_y", "Hello World O'neil X.y Foo-Bar 3D A3d X_y"),
        ("a..b a.b a'.b", "A..B A.b A'.B"),
        ("a·b a\u0387b a：b", "A·b A\u0387b A：b"),
        ("a中b aกb aカb aֿb", "A中B AกB AカB Aֿb"),
        ("ǆ ĳ ß ﬁ İi", "ǅ Ĳ Ss Fi İi"),
        ("ΟΔΟΣ ΟΔΟΣΑ ΟΣ. ΟΣ.Α", "Οδος Οδοσα Ος. Οσ.α"),
        ("\udcffab", "\udcffAb"),
    ],
)
def test_titles_go_by_words(text: str, titled: str) -> None:
    assert title(text) == titled
