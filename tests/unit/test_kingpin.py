"""kingpin's rules, as the real 0.25 binaries showed them."""

from pathlib import Path

import pytest

from ampp.core.duration import parse_go
from ampp_cli.kingpin import Argument, Command, Flag, Parsed, parse
from ampp_cli.usage import answer, usage
from ampp_cli.value import UsageError, decimal, enum, existing_file, number

FLAT = Command(
    "alertmanager",
    "",
    flags=(
        Flag("config.file", "Configuration.", default="alertmanager.yml"),
        Flag("cluster.peer", "Peers.", repeated=True),
        Flag("web.listen-address", "Addresses.", default=":9093", repeated=True),
        Flag("web.timeout", "Timeout.", parse=parse_go, default="0"),
        Flag("web.get-concurrency", "Limit.", parse=number, default="0"),
        Flag("log.silences", "Log.", boolean=True),
        Flag("route.prefix", "Prefix."),
    ),
)
TREE = Command(
    "amtool",
    "Talk to a server.",
    flags=(
        Flag("verbose", "More.", boolean=True, short="v"),
        Flag("output", "Form.", parse=enum("simple", "json"), default="simple", short="o"),
        Flag("version-check", "Check.", boolean=True, default="true"),
    ),
    commands=(
        Command(
            "alert",
            "Alerts.",
            commands=(
                Command(
                    "query",
                    "List.",
                    default=True,
                    flags=(Flag("inhibited", "", boolean=True, short="i"), Flag("receiver", "", short="r")),
                    arguments=(Argument("matchers", "", repeated=True),),
                ),
                Command("add", "Send.", arguments=(Argument("labels", "", repeated=True),)),
            ),
        ),
        Command("template", "", commands=(Command("render", "", flags=(Flag("text", "", required=True),)),)),
        Command("check", "", arguments=(Argument("file", "One file.", required=True),)),
    ),
)


def read(program: Command, *words: str) -> Parsed:
    return parse(program, list(words))


def error(program: Command, *words: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(program, list(words))
    return str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bogus"], "unknown long flag '--bogus'"),
        (["--bogus=1"], "unknown long flag '--bogus'"),
        (["extra"], "unexpected extra"),
        (["--", "x"], "unexpected x"),
        (["--config.file"], "expected argument for flag '--config.file'"),
        (["--config.file", "--log.silences"], "expected argument for flag '--config.file'"),
        (["--config.file=a", "--config.file=b"], "flag 'config.file' cannot be repeated"),
        (["--log.silences", "--no-log.silences"], "flag 'log.silences' cannot be repeated"),
        (["--web.timeout=5d"], 'time: unknown unit "d" in duration "5d"'),
        (["--web.timeout=5"], 'time: missing unit in duration "5"'),
        (["--web.timeout="], 'time: invalid duration ""'),
        (["--no-config.file"], "unknown long flag '--no-config.file'"),
        (["--config.f=x"], "unknown long flag '--config.f'"),
        (["-x"], "unknown short flag '-x'"),
        (["-"], "unexpected "),
        (["--log.silences=true"], "unexpected true"),
        (["--web.get-concurrency=x"], 'strconv.ParseFloat: parsing "x": invalid syntax'),
        (["@/nonexist"], 'failed to open arguments file "/nonexist": open /nonexist: no such file or directory'),
    ],
)
def test_errors_have_kingpins_words(words: list[str], message: str) -> None:
    assert error(FLAT, *words) == message


def test_values_and_defaults() -> None:
    parsed = read(FLAT, "--web.timeout", "1h30m", "--log.silences", "--config.file=a=b", "--web.get-concurrency=4")
    assert parsed["web.timeout"] == 5400 * 10**9
    assert parsed["log.silences"] is True
    assert parsed["config.file"] == "a=b"
    assert parsed["web.get-concurrency"] == 4
    assert parsed["cluster.peer"] == []
    assert parsed["web.listen-address"] == [":9093"]
    assert parsed["route.prefix"] is None
    assert parsed.given == {"web.timeout", "log.silences", "config.file", "web.get-concurrency"}


def test_a_list_flag_replaces_its_default_and_collects() -> None:
    parsed = read(
        FLAT, "--web.listen-address=:1", "--cluster.peer", "a", "--web.listen-address", ":2", "--cluster.peer=b"
    )
    assert parsed["web.listen-address"] == [":1", ":2"]
    assert parsed["cluster.peer"] == ["a", "b"]


def test_an_empty_value_is_a_value() -> None:
    assert read(FLAT, "--config.file=")["config.file"] == ""


def test_two_dashes_end_the_flags() -> None:
    assert read(TREE, "alert", "add", "--", "-v", "@x")["labels"] == ["-v", "@x"]
    assert read(FLAT, "--config.file", "--", "-x")["config.file"] == "-x"


def test_a_file_stands_for_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "flags"
    file.write_text("--config.file=x y\n# a comment\n--cluster.peer\na\n")
    parsed = read(FLAT, f"@{file}", "--cluster.peer=b")
    assert parsed["config.file"] == "x y"
    assert parsed["cluster.peer"] == ["a", "b"]


def test_short_flags_cluster_and_take_attached_values() -> None:
    parsed = read(TREE, "alert", "query", "-vi", "-ojson", "-r", "team", "a=b")
    assert (parsed["verbose"], parsed["inhibited"], parsed["output"], parsed["receiver"]) == (
        True,
        True,
        "json",
        "team",
    )
    assert parsed["matchers"] == ["a=b"]


def test_flags_stand_anywhere_and_booleans_invert() -> None:
    parsed = read(TREE, "alert", "add", "a=b", "--no-version-check", "c=d")
    assert parsed["labels"] == ["a=b", "c=d"]
    assert parsed["version-check"] is False
    assert read(TREE, "alert")["version-check"] is True


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["alert"], ["alert", "query"]),
        (["alert", "x=y"], ["alert", "query"]),
        (["alert", "-i"], ["alert", "query"]),
        (["alert", "-iv", "z"], ["alert", "query"]),
        (["alert", "add"], ["alert", "add"]),
        ([], []),
    ],
)
def test_the_default_command_is_taken_when_none_is_named(words: list[str], names: list[str]) -> None:
    assert [command.name for command in read(TREE, *words).path[1:]] == names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bogus"], 'expected command but got "bogus"'),
        (["template"], "must select a subcommand of 'template'"),
        (["template", "render"], "required flag(s) '--text' not provided"),
        (["check"], "required argument 'file' not provided"),
        (["check", "a", "b"], "unexpected b"),
        (["alert", "-x"], "unknown short flag '-x'"),
        (["alert", "--bogus"], "unknown long flag '--bogus'"),
        (["-o"], "expected argument for flag '-o'"),
        (["--output=bad", "check", "x"], "enum value must be one of simple,json, got 'bad'"),
    ],
)
def test_errors_in_a_command_tree(words: list[str], message: str) -> None:
    assert error(TREE, *words) == message


def test_asking_for_the_version_beats_what_comes_after_it() -> None:
    with pytest.raises(UsageError) as caught:
        parse(FLAT, ["--version", "--bogus"])
    assert "version" in caught.value.parsed.given
    with pytest.raises(UsageError) as caught:
        parse(FLAT, ["--bogus", "--version"])
    assert "version" not in caught.value.parsed.given


def test_asking_for_help_needs_no_valid_values() -> None:
    assert "help" in read(FLAT, "--web.timeout=bad", "-h").given


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), ("-1.5", -1.5), ("1e3", 1000.0), (".5", 0.5), ("1_0.5", 10.5)])
def test_decimal(text: str, value: float) -> None:
    assert decimal(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1__0", "_1", "x", "nan"])
def test_decimal_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        decimal(text)


def test_numbers_stay_in_64_bits() -> None:
    assert -(2**63) <= number("-1e300") < number("1e300") < 2**63


def test_existing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="path '/nonexist' does not exist"):
        existing_file("/nonexist")
    with pytest.raises(UsageError, match="is a directory"):
        existing_file(str(tmp_path))
    (tmp_path / "f").write_text("")
    assert existing_file(str(tmp_path / "f")) == str(tmp_path / "f")


def test_help_shows_each_flag_once_and_no_hidden_one() -> None:
    text = usage("alertmanager", [FLAT])
    assert text.startswith("usage: alertmanager [<flags>]\n\nFlags:\n  -h, --help ")
    for flag in FLAT.flags:
        assert text.count(f"--{flag.name}") == 1
    assert "--completion-bash\n" not in text
    assert "      --web.listen-address=:9093 ...  \n" in text


def test_help_of_a_command_names_its_arguments_and_all_flags() -> None:
    text = usage("amtool", read(TREE, "alert", "query").path)
    assert text.startswith("usage: amtool alert query [<flags>] [<matchers>...]\n\nList.\n")
    assert "--[no-]version-check" in text
    assert "  -r, --receiver=RECEIVER" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--version"], "v1\n"),
        (["--help"], "usage: amtool [<flags>] <command>"),
        (["--help-long"], "usage: amtool [<flags>] <command>"),
        (["--help-man"], '.TH amtool 1 "v1" ""'),
        (["--completion-script-bash"], "\n_amtool_bash_autocomplete() {"),
        (["--completion-script-zsh"], "#compdef amtool\n"),
        (["--completion-bash"], "alert\ntemplate\ncheck"),
        (["--completion-bash", "alert", "add"], "--help\n--verbose\n--output"),
    ],
)
def test_answers(words: list[str], expected: str) -> None:
    text = answer("amtool", "v1", read(TREE, *words))
    assert text is not None
    assert text.startswith(expected)


def test_nothing_asked_nothing_answered() -> None:
    assert answer("amtool", "v1", read(TREE, "check", "x")) is None


def test_a_dash_alone_is_an_empty_argument() -> None:
    assert read(TREE, "alert", "-", "--", "-")["matchers"] == ["", "-"]
    assert read(FLAT, "--config.file", "-")["config.file"] == ""


def test_help_judges_the_line_with_defaults_and_is_about_what_was_named() -> None:
    assert [command.name for command in read(TREE, "alert", "ad", "--help").path] == ["amtool", "alert"]
    assert error(TREE, "--help", "alert", "ad", "--bogus") == "unknown long flag '--bogus'"


def test_values_are_read_in_the_order_of_the_line() -> None:
    with pytest.raises(UsageError) as caught:
        parse(TREE, ["alert", "-o", "bad", "x", "-r", "late"])
    assert caught.value.parsed.values["receiver"] is None
    assert caught.value.parsed.values["matchers"] == []
