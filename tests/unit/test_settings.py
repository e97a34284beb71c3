"""ampp.yml and the variables that override it."""

from pathlib import Path

import pytest

from ampp.config.settings import Settings, SettingsError, load_settings, parse_size, variables
from ampp.core.clock import HOUR


def settings(tmp_path: Path, text: str, **environment: str) -> Settings:
    path = tmp_path / "ampp.yml"
    path.write_text(text)
    return load_settings(str(path), environment)


def test_defaults(tmp_path: Path) -> None:
    assert load_settings("", {}) == Settings()
    assert settings(tmp_path, "") == Settings()
    assert settings(tmp_path, "storage:\nprofile: ~\nlimits: {request_bytes: }\n") == Settings()


def test_file_and_environment(tmp_path: Path) -> None:
    text = "storage: {sync: full, max_bytes: 1GiB, journal_retention: 2d}\nlimits: {request_bytes: 5MB}\n"
    found = settings(tmp_path, text, AMPP_STORAGE_MAX_BYTES="100", AMPP_RELOAD_KEEP_TIMERS="yes", AMPP_PROFILE="")
    assert (found.storage.sync, found.storage.max_bytes, found.storage.journal_retention) == ("full", 100, 48 * HOUR)
    assert found.limits.request_bytes == 5_000_000
    assert found.reload.keep_timers is True
    assert found.profile == "lite"


def test_every_key_has_a_variable() -> None:
    assert list(variables()) == [
        "AMPP_PROFILE",
        "AMPP_STORAGE_SYNC",
        "AMPP_STORAGE_MAX_BYTES",
        "AMPP_STORAGE_JOURNAL_RETENTION",
        "AMPP_HISTORY_ENABLED",
        "AMPP_HISTORY_RETENTION",
        "AMPP_HISTORY_MAX_BYTES",
        "AMPP_RELOAD_KEEP_TIMERS",
        "AMPP_CLUSTER_ALLOW_UNSHARED",
        "AMPP_LIMITS_REQUEST_BYTES",
        "AMPP_LIMITS_HEADER_BYTES",
        "AMPP_LIMITS_STREAMS",
        "AMPP_NETWORK_REFUSE",
        "AMPP_UI_CRITICAL",
        "AMPP_UI_WARNING",
        "AMPP_UI_INFO",
        "AMPP_UI_LABEL_COLOURS",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17", 17), ("10MB", 10_000_000), ("1GiB", 1 << 30), ("2 kB", 2000), ("1mib", 1 << 20), ("3B", 3)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "1.5MB", "-1", "10XB", "1e3", "9" * 19, "99999999999TiB"])
def test_bad_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: standard\n", 'line 1: "standard" is not known, write lite (lite is the profile there is, and'),
        ("storage:\n  snyc: full\n", "line 2: field snyc not found in type ampp.yml (did you mean sync?)"),
        ("limits: {request_bytes: 10XB}\n", 'line 1: not a valid size: "10XB" (write a size such as 10MB or 1GiB)'),
        ("limits: {request_bytes: 0}\n", "limits.request_bytes must be positive"),
        ("reload: {keep_timers: maybe}\n", 'line 1: not true or false: "maybe" (write true or false)'),
        ("storage: {journal_retention: 5}\n", 'line 1: not a valid duration string: "5" (write a duration such as'),
        ("storage: [a]\n", "line 1: cannot unmarshal !!seq into ampp.yml"),
        ("a: b: c\n", "yaml: mapping values are not allowed in this context"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, text)
    assert str(caught.value).startswith(message)


def test_mistake_in_a_variable() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings("", {"AMPP_STORAGE_SYNC": "ful"})
    assert str(caught.value) == 'AMPP_STORAGE_SYNC: "ful" is not known, write normal or full (full?)'


def test_missing_file() -> None:
    with pytest.raises(SettingsError, match=r"^open /no/ampp\.yml: no such file or directory$"):
        load_settings("/no/ampp.yml", {})
