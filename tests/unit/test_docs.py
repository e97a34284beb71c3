"""Documentation says what the program does: every flag, key, metric and room is in it.

Run as a program it writes the generated tables into docs/.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner

from ampp.config.receivers import AlertmanagerConfig, Entry, RootlyConfig
from ampp.config.section import section_fields
from ampp.config.settings import load_settings, variables
from ampp.history.backtest import Report
from ampp.history.explanation import Explanation, GroupShown, IntegrationShown, Suppression
from ampp.history.trail import Step
from ampp.observe.metrics import Metrics
from ampp.options import Features
from ampp_cli import amtool, backtest, explain, manual, own
from ampp_cli.kingpin import parse
from ampp_cli.run import FEATURES, PROGRAM

DOCS = Path(__file__).parents[2] / "docs"
ROOT = DOCS.parent


def flag_table() -> str:
    rows = ["| Flag | Default | |", "|---|---|---|"]
    for flag in PROGRAM.flags:
        default = "off" if flag.boolean else f"`{flag.default}`" if flag.default else ""
        rows.append(f"| `--{flag.name}` | {default} | {flag.help} |")
    return "\n".join(rows) + "\n"


def metric_table() -> str:
    rows = ["| Metric | Type | |", "|---|---|---|"]
    for family in sorted(Metrics(Features(), "peer").registry.collect(), key=lambda family: family.name):
        name = family.name + ("_total" if family.type == "counter" else "")
        rows.append(f"| `{name}` | {family.type} | {family.documentation} |")
    return "\n".join(rows) + "\n"


TABLES = (
    ("configuration.md", "flags", flag_table),
    ("operations.md", "metrics", metric_table),
    ("cli.md", "rules", manual.rules),
    ("cli.md", "commands", manual.commands),
)


def block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}: [^\n]*-->\n)(.*?)(<!-- end -->\n)", re.DOTALL)


@pytest.mark.parametrize(("page", "name", "table"), TABLES, ids=[name for _, name, _ in TABLES])
def test_generated_parts_are_current(page: str, name: str, table: Callable[[], str]) -> None:
    found = block(name).search((DOCS / page).read_text(encoding="utf-8"))
    assert found is not None
    assert found[2] == table()


def test_examples_of_the_command_line_do_what_they_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", text, re.DOTALL))
    assert {"alertmanager.yml", "cases.yml"} <= set(files)
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    sessions = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert sessions
    for session in sessions:
        for line, output in re.findall(r"^\$ ampp (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE):
            done = CliRunner().invoke(own._ampp, shlex.split(line), prog_name="ampp", standalone_mode=False)
            assert done.stdout == output, line


def test_every_feature_is_documented() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    section = text[text.index("## Features") : text.index("## ampp.yml")]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.MULTILINE) == list(FEATURES)


def test_every_setting_is_documented_with_its_default_and_variable() -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([^`]*)` \| `(AMPP_[A-Z_]+)` \| \S", text, re.MULTILINE)
    paths = {variable: ".".join(filter(None, place)) for variable, place in variables().items()}
    assert {variable: path for path, _, variable in rows} == paths
    # A default is written as a user would write it: reading it back gives what holds without it.
    assert load_settings(environment={variable: default for _, default, variable in rows}) == load_settings(
        environment={}
    )


@pytest.mark.parametrize("schema", [RootlyConfig, AlertmanagerConfig], ids=lambda schema: schema.type)
def test_every_key_of_our_own_receivers_is_documented(schema: type[Entry]) -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    section = text[text.index(f"### `{schema.type}_configs`") :]
    table = section[: section.index("\n#", 1)]
    rows = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    documented = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert documented == set(section_fields(schema)) - {"send_resolved", "http_config"}


EXPLAINED = [
    ("explain.md", "Explanation", Explanation),
    ("explain.md", "Step", Step),
    ("explain.md", "GroupShown", GroupShown),
    ("explain.md", "IntegrationShown", IntegrationShown),
    ("explain.md", "Suppression", Suppression),
    ("backtest.md", "Report", Report),
]


@pytest.mark.parametrize(("page", "name", "shape"), EXPLAINED, ids=[name for _, name, _ in EXPLAINED])
def test_every_field_of_an_answer_is_documented(page: str, name: str, shape: type[msgspec.Struct]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    table = text[text.index(f"| {name} | |\n") :]
    rows = re.findall(r"^\| (`[^|]*`) \|", table[: table.index("\n\n")], re.MULTILINE)
    documented = [field for row in rows for field in re.findall(r"`(\w+)`", row)]
    assert sorted(documented) == sorted(field.name for field in msgspec.structs.fields(shape))


@pytest.mark.parametrize(("page", "shape"), [("explain.md", Explanation), ("backtest.md", Report)])
def test_examples_have_the_shape_of_answers(page: str, shape: type[msgspec.Struct]) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    value = msgspec.json.decode(example)
    assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(value, shape))) == value


@pytest.mark.parametrize(("page", "command"), [("explain.md", explain.command), ("backtest.md", backtest.command)])
def test_every_option_of_a_command_is_documented(page: str, command: click.Command) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert any(re.search(rf"{re.escape(name)}\b", text) for name in option.opts), option.opts


def test_every_room_is_on_the_plan() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    planned = set(re.findall(r"^\| `ampp/(\w+)(?:\.py)?` \|", text, re.MULTILINE))
    present = {path.name.removesuffix(".py") for path in (ROOT / "ampp").iterdir() if path.suffix in ("", ".py")}
    assert present - {"__init__", "__pycache__"} <= planned


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_make_targets_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_command_lines_in_readme_and_unit_are_accepted() -> None:
    lines = re.findall(r"^ampp run (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    unit = (ROOT / "packaging" / "ampp.service").read_text(encoding="utf-8")
    lines += re.findall(r"^ExecStart=/usr/bin/ampp run (.*) \$ARGS$", unit, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        assert parse(PROGRAM, shlex.split(line)).given == {"config.file", "storage.path"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """With a program that is there, since a missing one is an error too."""
    text = (ROOT / "packaging" / "ampp.service").read_text(encoding="utf-8")
    (tmp_path / "ampp.service").write_text(text.replace("/usr/bin/ampp", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "ampp.service")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def write() -> None:
    for page, name, table in TABLES:
        text = (DOCS / page).read_text(encoding="utf-8")
        made = table()
        (DOCS / page).write_text(block(name).sub(lambda m, made=made: m[1] + made + m[3], text), encoding="utf-8")


if __name__ == "__main__":
    write()


def command_lines(page: str) -> list[list[str]]:
    """The command lines of ampp and amtool on a page of docs, in backquotes or after a `$`."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(r"`((?:ampp|amtool) [^`]+)`", text) + re.findall(
        r"^\$ ((?:ampp|amtool) .+)$", text, re.MULTILINE
    )
    return [shlex.split(line) for line in found]


@pytest.mark.parametrize("line", command_lines("from-amtool.md"), ids=" ".join)
def test_command_lines_of_the_docs_are_right(line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read, not run: that commands and options are there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "silences.json").write_text("[]")
    program, *words = line
    if program == "amtool":
        parse(amtool.PROGRAM, words)
        return
    command: click.Command = own._ampp
    context = None
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context)
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    command.make_context(line[-1], words)
