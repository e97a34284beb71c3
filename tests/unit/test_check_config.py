"""`ampp check-config`: what it says in each form, its exit status, and what it does with files that are none."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from ampp.config.lint import RULES, Severity
from ampp.core.matcher import Mode
from ampp_cli import own
from ampp_cli.excerpt import excerpt
from ampp_cli.source import MODES

ROOT = Path(__file__).parents[2]

GOOD = "route: {receiver: a, group_by: [alertname]}\nreceivers: [{name: a, webhook_configs: [{url_file: u}]}]\n"
NOTED = "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url_file: u}]}]\n"
WARNED = GOOD.replace("{name: a,", "{name: b}, {name: a,")
WRONG = "route:\n  reciever: a\n  group_wiat: 5s\nreceivers: [{name: a}]\n"
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"good": GOOD, "noted": NOTED, "warned": WARNED, "wrong": WRONG}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    monkeypatch.chdir(tmp_path)


def ampp(*words: str, stdin: str | bytes = "") -> tuple[int, str, str]:
    done = CliRunner().invoke(own._ampp, ["check-config", *words], input=stdin, prog_name="ampp", standalone_mode=False)
    if done.exception is not None:
        return getattr(done.exception, "exit_code", -1), done.stdout, str(done.exception)
    return done.return_value, done.stdout, done.stderr


def process(*words: str, output: str = "", stdin: str | bytes | None = None, **more: str) -> tuple[int, str, str]:
    code = "import sys; sys.argv[0] = 'ampp'; from ampp_cli.main import main; sys.exit(main())"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"} | more
    with open(output or os.devnull, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            input=stdin.encode() if isinstance(stdin, str) else stdin or b"",
            stdout=out if output else subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            env=environment,
        )
    return done.returncode, (done.stdout or b"").decode("utf-8", "replace"), done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["good.yml"], 0),
        (["noted.yml"], 0),
        (["noted.yml", "--strict"], 3),
        (["noted.yml", "--strict", "--disable", "no-group-by"], 0),
        (["warned.yml"], 3),
        (["good.yml", "warned.yml"], 3),
        (["warned.yml", "--disable", "unused-receiver"], 0),
        (["wrong.yml"], 1),
        (["wrong.yml", "warned.yml"], 1),
        (["nope.yml", "good.yml"], 1),
        ([], 2),
        (["-", "-"], 2),
        (["-", "--ampp-config", "-"], 2),
        (["good.yml", "--disable", "nope"], 2),
        (["good.yml", "--disable", "config"], 2),
        (["good.yml", "--data.retention", "1q"], 2),
        (["good.yml", "-o", "xml"], 2),
        (["--rules"], 0),
    ],
)
def test_exit_status(words: list[str], status: int) -> None:
    assert ampp(*words)[0] == status


def test_an_error_has_its_place_its_line_and_a_hint() -> None:
    assert ampp("wrong.yml")[1].splitlines() == [
        "wrong.yml:2:3: error: field reciever not found in type config.plain [config]",
        "  2 |   reciever: a",
        "    |   ^",
        "  hint: did you mean receiver?",
        "",
        "wrong.yml:3:3: error: field group_wiat not found in type config.plain [config]",
        "  3 |   group_wiat: 5s",
        "    |   ^",
        "  hint: did you mean group_wait?",
        "",
        "wrong.yml: invalid; 2 errors",
    ]


def test_a_file_that_can_be_used() -> None:
    held = "1 route, 1 receiver, 0 inhibit rules, 0 time intervals, 0 template files"
    assert ampp("good.yml")[1] == f"good.yml: valid: {held}\n"
    assert ampp("noted.yml")[1] == f"noted.yml: valid: {held}; 1 note (--verbose shows it)\n"
    assert "[no-group-by]" in ampp("noted.yml", "-v")[1]


def test_stdin() -> None:
    assert ampp("-", stdin=GOOD)[1].startswith("<stdin>: valid")
    assert ampp("-", stdin=WRONG)[1].startswith("<stdin>:2:3: error")


def test_templates_are_read() -> None:
    Path("t").mkdir()
    Path("t/a.tmpl").write_text('{{ define "a" }}\n{{ template "b" . }}{{ end }}')
    Path("am.yml").write_text(GOOD + "templates: [t/*.tmpl]\n")
    status, out, _ = ampp("am.yml")
    assert (status, out.splitlines()[:2]) == (
        3,
        [
            "t/a.tmpl:2:13: warning: template b is called here and defined nowhere [undefined-template]",
            '  2 | {{ template "b" . }}{{ end }}',
        ],
    )
    Path("t/a.tmpl").write_text("{{ end }}")
    status, out, _ = ampp("am.yml")
    assert (status, out.splitlines()[0]) == (
        1,
        "t/a.tmpl:1: error: template: a.tmpl:1: unexpected {{end}} [template]",
    )


def test_ampp_yml() -> None:
    Path("ampp.yml").write_text("storage:\n  sync: fulll\n  max_byts: 1\n")
    status, out, _ = ampp("--ampp-config", "ampp.yml")
    assert status == 1
    assert [line.split(": error")[0] for line in out.splitlines() if ": error" in line] == [
        "ampp.yml:2:9",
        "ampp.yml:3:3",
    ]
    Path("ampp.yml").write_text("storage: {sync: full}\n")
    assert ampp("good.yml", "--ampp-config", "ampp.yml")[0] == 0


def test_ampp_yml_is_checked_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMPP_STORAGE_SYNC", "nonsense")
    Path("ampp.yml").write_text("storage: {sync: full}\n")
    assert ampp("--ampp-config", "ampp.yml")[0] == 0


def test_json() -> None:
    report = json.loads(ampp("good.yml", "warned.yml", "-o", "json")[1])
    good, warned = report["files"]
    assert (report["valid"], good["valid"], good["found"]["routes"], good["findings"]) == (True, True, 1, [])
    assert [(one["rule"], one["severity"], one["file"], one["line"]) for one in warned["findings"]] == [
        ("unused-receiver", "warn", "warned.yml", 2),
        ("empty-receiver", "info", "warned.yml", 2),
    ]
    assert json.loads(ampp("wrong.yml", "-o", "json")[1])["valid"] is False


def test_github() -> None:
    Path("a,b:c.yml").write_text(WRONG)
    assert ampp("a,b:c.yml", "-o", "github")[1].splitlines()[0] == (
        "::error file=a%2Cb%3Ac.yml,line=2,col=3,title=config::field reciever not found in type config.plain"
        "%0Ahint: did you mean receiver?"
    )
    assert [line.split()[0] for line in ampp("warned.yml", "-o", "github")[1].splitlines()] == ["::warning", "::notice"]


def test_junit() -> None:
    suites = ET.fromstring(ampp("warned.yml", "good.yml", "-o", "junit")[1])
    warned, good = suites.findall("testsuite")
    assert (good.get("failures"), good.get("tests")) == ("0", str(len(RULES)))
    failed = [case.get("name") for case in warned.findall("testcase") if case.find("failure") is not None]
    noted = [case.get("name") for case in warned.findall("testcase") if case.find("system-out") is not None]
    assert (warned.get("failures"), failed, noted) == ("1", ["unused-receiver"], ["empty-receiver"])


def test_sarif() -> None:
    log = json.loads(ampp("warned.yml", "nope.yml", "-o", "sarif")[1])
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("unused-receiver", "warning"),
        ("empty-receiver", "note"),
        ("config", "error"),
    ]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert places[0] == {"artifactLocation": {"uri": "warned.yml"}, "region": {"startLine": 2, "startColumn": 20}}
    assert places[2] == {"artifactLocation": {"uri": "nope.yml"}}


def test_rules_are_listed_with_their_severity() -> None:
    lines = ampp("--rules")[1].splitlines()
    assert [line.split()[:2] for line in lines] == [[rule.name, rule.severity.value] for rule in RULES.values()]
    assert {rule.name for rule in RULES.values() if rule.severity is Severity.ERROR} == {"config", "template"}


def test_the_grammars_are_those_there_are() -> None:
    assert set(MODES) == {mode.value for mode in Mode}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  api_url: https://hooks/hunter2", "  api_url: <secret>"),
        ("- {routing_key: hunter2, send_resolved: false}", "- {routing_key: <secret>, send_resolved: false}"),
        ('{password: "hun, ter2}hunter2"}', "{password: <secret>}"),
        ("{'token': 'hunter2', x: y}", "{'token': <secret>, x: y}"),
        ("secrets: [hunter2, hunter2]", "secrets: <secret>"),
        ("proxy_url: http://user:hunter2@proxy:8080", "proxy_url: http://user:<secret>@proxy:8080"),
        ("matchers: [token_count=hunter]", "matchers: [token_count=hunter]"),
        ("group_key: hunter", "group_key: hunter"),
    ],
)
def test_no_secret_is_quoted(line: str, shown: str) -> None:
    text, mark = excerpt(f"x\n{line}\ny".encode(), 2, 3)
    assert (text, SECRET in text) == (shown, False)
    assert mark == "  ^"
    for column in range(1, len(line) + 2):
        assert SECRET not in excerpt(line.encode(), 1, column)[0]


def test_the_mark_stands_where_the_place_has_come_to_be() -> None:
    line = "- {routing_key: hunter2hunter2, send_resolved: false}"
    shown, mark = excerpt(line.encode(), 1, line.index("send_resolved") + 1)
    assert shown[mark.index("^") :].startswith("send_resolved")
    shown, mark = excerpt(b"x" * 500 + b" here" + b"y" * 500, 1, 502)
    assert shown[mark.index("^") :].startswith("here")
    assert len(shown) < 130
    assert excerpt(b"one line", 7, 1) == ("", "")
    assert excerpt("\x1b[31mred\x9b".encode(), 1, 1)[0] == "\ufffd[31mred\ufffd"


NO_FILES = [
    ("directory", "is a directory"),
    ("nope.yml", "no such file or directory"),
    ("binary.yml", "control characters are not allowed"),
    ("latin.yml", "invalid"),
    ("empty.yml", "no route provided in config"),
    ("blank.yml", "no route provided in config"),
    ("list.yml", "cannot unmarshal !!seq into config.plain"),
    ("large.yml", "larger than 20 MiB"),
    ("recursive.yml", "contains itself"),
    ("bomb.yml", "excessive aliasing"),
    ("deep.yml", "max depth"),
    ("anchor.yml", "unknown anchor"),
    ("tab.yml", "cannot start any token"),
    ("loop.yml", "too many levels of symbolic links"),
]


@pytest.mark.parametrize("form", ["human", "json"])
@pytest.mark.parametrize(("name", "complaint"), NO_FILES, ids=[name for name, _ in NO_FILES])
def test_what_is_no_configuration(name: str, complaint: str, form: str) -> None:
    bombs = "".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9) if i else 'y'}]\n" for i in range(9))
    files = {
        "binary.yml": b"\x00\x01\x02\x7fELF" * 100,
        "latin.yml": "route: {receiver: \xe9}\n".encode("latin-1"),
        "empty.yml": b"",
        "blank.yml": b"# nothing\n---\n",
        "list.yml": b"- a\n- b\n",
        "large.yml": b"#" * ((20 << 20) + 1),
        "recursive.yml": b"route: &r {receiver: a, routes: [*r]}\nreceivers: [{name: a}]\n",
        "bomb.yml": (
            "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n  - url: http://x/\n    payload:\n"
            + "".join(f"      {line}\n" for line in bombs.splitlines())
        ).encode(),
        "deep.yml": b"route: " + b"[" * 10_000,
        "anchor.yml": b"route: *x\n",
        "tab.yml": b"route:\n\treceiver: a\n",
    }
    Path("directory").mkdir()
    Path("loop.yml").symlink_to("loop.yml")
    if name in files:
        Path(name).write_bytes(files[name])
    status, out, err = ampp(name, "-o", form)
    assert (status, err) == (1, "")
    assert complaint in out


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read() -> None:
    Path("good.yml").chmod(0)
    assert "permission denied" in ampp("good.yml")[1]


FULL = "ampp: cannot write the output: no space left on device\n"
PROCESSES = [
    (["check-config", "good.yml"], "/dev/full", 1, FULL),
    (["check-config", "-o", "json", "good.yml"], "/dev/full", 1, FULL),
    (["config", "routes", "show", "-f", "good.yml"], "/dev/full", 1, FULL),
    (["config", "diff", "good.yml", "noted.yml"], "/dev/full", 1, FULL),
    (["chekc-config"], "", 2, "ampp: no such command 'chekc-config': did you mean 'check-config'? (see ampp --help)\n"),
    (["check-config", "--verbos"], "", 2,
     "ampp check-config: No such option '--verbos'. Did you mean '--verbose'? (see ampp check-config --help)\n"),
    (["help", "nope"], "", 2, None),
    (["check-config", os.fsdecode(b"caf\xe9.yml")], "", 1, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["help"], "Usage: ampp [OPTIONS] COMMAND [ARGS]..."),
        (["help", "config", "diff"], "Usage: ampp config diff [OPTIONS] OLD NEW"),
        (["help", "help"], "Usage: ampp help [OPTIONS] [COMMAND]..."),
        (["help", "run"], "usage: ampp run [<flags>]"),
    ],
)
def test_help(words: list[str], start: str) -> None:
    code, out, err = process(*words)
    assert (code, out.splitlines()[0], err) == (0, start, "")


@pytest.mark.parametrize(("words", "output", "status", "complaint"), PROCESSES)
def test_as_a_process(words: list[str], output: str, status: int, complaint: str | None) -> None:
    code, _, err = process(*words, output=output)
    assert code == status
    assert err.count("\n") == (0 if complaint == "" else 1)
    assert complaint is None or err == complaint


def test_a_reader_that_leaves_early() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as gone:
        code = "import sys; sys.argv[0] = 'ampp'; from ampp_cli.main import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", code, "check-config", "warned.yml"],
            stdout=gone,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"},
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_locale_that_lacks_the_signs() -> None:
    code, out, err = process("config", "routes", "show", "-f", "good.yml", PYTHONIOENCODING="latin-1")
    assert (code, err) == (0, "")
    assert "default-route \u2192 a" in out


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" not in ampp("warned.yml")[1]
    assert "\x1b[" in ampp("warned.yml", "--color=always")[1]
    assert "\x1b[" not in ampp("warned.yml", "--color=never")[1]
