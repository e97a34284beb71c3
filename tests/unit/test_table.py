"""Tables: aligned, cut to a width, and harmless."""

import pytest

from ampp_cli.amtool.layout import dates, table
from ampp_cli.table import clean, columns, width_of


def test_columns_are_aligned_without_blanks_at_the_end() -> None:
    assert columns([["a", "bb", ""], ["ccc", "d", "e"]]) == ["a    bb", "ccc  d   e"]


def test_wide_characters_take_two_columns() -> None:
    assert width_of("漢字") == 4
    assert width_of("e\u0301") == 1
    assert columns([["漢", "x"], ["ab", "y"]]) == ["漢  x", "ab  y"]


def test_only_flexible_columns_are_cut() -> None:
    rows = [["name", "a" * 40, "b" * 20], ["n", "c", "d"]]
    lines = columns(rows, width=40, flexible=frozenset({1, 2}))
    assert max(map(len, lines)) <= 40
    assert lines[0].startswith("name  aaaaaaaa")
    assert "…" in lines[0]
    assert columns(rows, width=40)[0] == "name  " + "a" * 40 + "  " + "b" * 20


def test_no_terminal_is_too_narrow() -> None:
    assert columns([["a" * 20, "b" * 20]], width=3, flexible=frozenset({0, 1})) == ["a" * 7 + "…  " + "b" * 7 + "…"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand", "two\\nlines\\tand"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("turned \u202e round", "turned \\x202e round"),
        ("ünïcödé 漢字", "ünïcödé 漢字"),
        ("\udcff", "\\xdcff"),
    ],
)
def test_no_cell_moves_the_cursor(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_amtools_tables_have_blanks_at_the_end() -> None:
    assert table([["A", "Long"], ["bb", "c"]]) == "A   Long  \nbb  c     \n"
    assert table([["A:"], ["Bbb:"]], ["x", "yy"]) == "A:    x\nBbb:  yy\n"


def test_a_newline_in_a_cell_breaks_the_columns_as_upstream() -> None:
    """What text/tabwriter of Go prints for the same cells."""
    rows = [["ID", "Comment", "By"], ["1", "two\nlines", "me"], ["22", "x", "you"]]
    assert table(rows) == "ID     Comment  By  \n1      two\nlines  me  \n22     x   you  \n"


@pytest.mark.parametrize(
    ("layout", "text", "shown"),
    [
        ("2006-01-02 15:04:05 MST", "2026-11-22T04:56:44.123Z", "2026-11-22 04:56:44 UTC"),
        ("2006-01-02 15:04:05 MST", "2035-01-01T00:00:00.000+02:00", "2035-01-01 00:00:00 +0200"),
        ("Jan _2 3:04PM", "2026-11-02T16:56:44.123Z", "Nov  2 4:56PM"),
        ("2006-01-02T15:04:05.000Z07:00", "2026-11-02T16:56:44.12Z", "2026-11-02T16:56:44.120Z"),
        ("2006", "", "0001"),
        ("", "2026-11-02T16:56:44.123Z", ""),
    ],
)
def test_dates_in_gos_layouts(layout: str, text: str, shown: str) -> None:
    assert dates(layout)(text) == shown
