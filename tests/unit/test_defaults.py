"""The files of values that need not be typed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ampp_cli import amtool, defaults, own
from ampp_cli.defaults import KNOWN, DefaultsError, ampp_defaults, amtool_defaults


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AMPP_URL", raising=False)
    for name in ("amtool", "ampp"):
        (tmp_path / ".config" / name).mkdir(parents=True)
    # What this machine may have for all its users is no part of the test.
    monkeypatch.setattr(defaults, "_AMTOOL", (".config/amtool/config.yml", str(tmp_path / "amtool.yml")))
    monkeypatch.setattr(defaults, "_AMPP", (".config/ampp/config.yml", str(tmp_path / "ampp.yml")))
    KNOWN.clear()
    yield
    KNOWN.clear()


def amtool_file(text: str) -> None:
    (Path(os.environ["HOME"]) / ".config/amtool/config.yml").write_text(text)


def test_no_files_no_values() -> None:
    assert amtool_defaults() == {}


def test_the_first_file_that_has_a_key_decides(tmp_path: Path) -> None:
    amtool_file("author: home\n")
    (tmp_path / "amtool.yml").write_text("author: everyone\noutput: json\n")
    (tmp_path / ".config/ampp/config.yml").write_text("author: ours\nduration: 2h\n")
    assert amtool_defaults() == {"author": "home", "output": "json", "duration": "2h"}
    assert ampp_defaults() == {"author": "ours", "output": "json", "duration": "2h"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# nothing\n\n", {}),
        ("a: b\nc: d", {"a": "b", "c": "d"}),
        ("alertmanager.url: http://u:p@h:9093/x\n", {"alertmanager.url": "http://u:p@h:9093/x"}),
        (
            "alertmanager.url: 'http://h'  \nauthor: \"me myself\"\n",
            {"alertmanager.url": "http://h", "author": "me myself"},
        ),
        ("comment: some words # and a remark\n", {"comment": "some words"}),
        ("{author: me, duration: 1h}\n", {"author": "me", "duration": "1h"}),
        ("require-comment: false\nworker: 08\n", {"require-comment": "false", "worker": "08"}),
        ("date.format: 2006-01-02 15:04\n", {"date.format": "2006-01-02 15:04"}),
        ("---\nauthor: me\n", {"author": "me"}),
        ("comment_required: false\n", {"require-comment": "false"}),
        ("comment_required: false\nrequire-comment: true\n", {"require-comment": "true"}),
    ],
)
def test_yaml_in_all_its_forms(text: str, values: dict[str, str]) -> None:
    amtool_file(text)
    assert amtool_defaults() == values


@pytest.mark.parametrize("text", ["- a\n", "a: [1]\n", "a: b\na: c\n", "a: 'b\n"])
def test_what_is_no_mapping_of_texts(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    amtool_file(text)
    with pytest.raises(DefaultsError):
        amtool_defaults()
    assert amtool.main("amtool", ["check-config"]) == 1
    assert capsys.readouterr().err.startswith("amtool: error: could not load config file: yaml: ")
    assert own.main(["alert", "query"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("ampp: ")
    assert "amtool/config.yml" in err


def test_values_are_defaults_of_the_command_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yml").write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    amtool_file(f"verify.receivers: b\nconfig.file: {tmp_path}/nope.yml\nunknown: x\n")
    line = ["config", "routes", "test", f"--config.file={tmp_path}/good.yml"]
    assert amtool.main("amtool", line) == 1
    assert "WARNING: Expected receivers did not match" in capsys.readouterr().out
    assert amtool.main("amtool", [*line, "--verify.receivers=a"]) == 0
    KNOWN.clear()
    amtool_file("output: pretty\n")
    capsys.readouterr()
    assert amtool.main("amtool", line) == 1
    message = "enum value must be one of simple,extended,json, got 'pretty'"
    assert capsys.readouterr().err == f"amtool: error: {message}\n\n"


def test_values_are_defaults_of_our_own_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run: nothing is asked of any server."""
    (tmp_path / ".config/ampp/config.yml").write_text("output: yaml\nalertmanager.url: ftp://nowhere\n")
    assert own.main(["alert", "add", "x", "--dry-run", "--url=http://h"]) == 0
    assert capsys.readouterr().out == "- labels:\n    alertname: x\n"
    assert own.main(["alert", "add", "x", "--dry-run", "--url=http://h", "-o", "json"]) == 0
    assert capsys.readouterr().out == '[{"labels":{"alertname":"x"}}]\n'
    assert own.main(["alert", "add", "x", "--dry-run"]) == 2
    assert "ftp://nowhere: the scheme must be http or https" in capsys.readouterr().err
