"""File name patterns, as Go reads them."""

from pathlib import Path

import pytest

from ampp.config import ConfigError, renderer
from ampp.config.glob import GlobError, glob

FILES = ("a.tmpl", "b.tmpl", ".hidden.tmpl", "a-b.tmpl", "a*.tmpl", "{a,b}.tmpl", "é.tmpl", "s1/x.tmpl", "s2/d/x.tmpl")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.tmpl", [".hidden.tmpl", "a*.tmpl", "a-b.tmpl", "a.tmpl", "b.tmpl", "{a,b}.tmpl", "é.tmpl"]),
        ("?.tmpl", ["a.tmpl", "b.tmpl", "é.tmpl"]),
        ("[^a].tmpl", ["b.tmpl", "é.tmpl"]),
        ("[a-c].tmpl", ["a.tmpl", "b.tmpl"]),
        ("[c-a].tmpl", []),
        ("[^c-a].tmpl", ["a.tmpl", "b.tmpl", "é.tmpl"]),
        (r"a[\-*]*.tmpl", ["a*.tmpl", "a-b.tmpl"]),
        (r"a\*.tmpl", ["a*.tmpl"]),
        ("{a,b}.tmpl", ["{a,b}.tmpl"]),
        ("a.tmpl", ["a.tmpl"]),
        ("none.tmpl", []),
        ("*/x.tmpl", ["s1/x.tmpl"]),
        ("**/x.tmpl", ["s1/x.tmpl"]),
        ("s*/*/x.tmpl", ["s2/d/x.tmpl"]),
        ("a.tmpl/*", []),
    ],
)
def test_what_is_found(pattern: str, found: list[str], tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert glob(f"{tmp_path}/{pattern}") == [f"{tmp_path}/{name}" for name in found]


def test_relative_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tmpl").touch()
    monkeypatch.chdir(tmp_path)
    assert glob("*.tmpl") == ["a.tmpl"]
    assert glob("./*.tmpl") == ["./a.tmpl"]


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "[-a]", "[a-]", "a\\", "[/]", "x/[/y", "[a\\"])
def test_malformed_patterns(pattern: str) -> None:
    with pytest.raises(GlobError, match=r"^syntax error in pattern$"):
        glob(pattern)


def test_what_cannot_be_read_or_parsed_says_where(tmp_path: Path) -> None:
    (tmp_path / "d.tmpl").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "x/b.tmpl").write_text("{{ define `x` }}\n\n{{ end")
    cases = {
        "[": "syntax error in pattern\n  hint: in the pattern [ under templates",
        f"{tmp_path}/d.tmpl": f"read {tmp_path}/d.tmpl: is a directory\n  in {tmp_path}/d.tmpl",
        f"{tmp_path}/x/*": f"template: b.tmpl:3: unclosed action\n  at {tmp_path}/x/b.tmpl:3:1",
    }
    for pattern, shown in cases.items():
        with pytest.raises(ConfigError) as caught:
            renderer([pattern])
        assert caught.value.render() == shown
    (tmp_path / "gone.tmpl").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"^open .*gone\.tmpl: no such file or directory$"):
        renderer([f"{tmp_path}/gone.tmpl"])
