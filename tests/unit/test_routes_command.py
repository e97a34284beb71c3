"""`ampp config routes`: the tree with what holds on it, where alerts go, and cases for CI."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from ampp_cli import own

CONFIG = """\
route:
  receiver: mail
  group_by: [alertname, cluster]
  routes:
  - matchers: [team=db]
    receiver: dba
    group_wait: 0s
    continue: true
    routes:
    - matchers: [severity=page]
      receiver: dba-pager
      group_by: ['...']
      repeat_interval: 10m
      group_interval: 1h
  - matchers: [service=~"db|web"]
    receiver: web
    group_by: []
    active_time_intervals: [work, late]
    mute_time_intervals: [feast]
    labels: {desk: two}
receivers: [{name: mail}, {name: dba}, {name: dba-pager}, {name: web}]
time_intervals:
- {name: work, time_intervals: [{weekdays: ['monday:friday']}]}
- {name: late, time_intervals: [{weekdays: [sunday]}]}
- {name: feast, time_intervals: [{months: [december]}]}
"""

TREE = """\
default-route → mail
│   grouped by alertname and cluster · first told after 30s · changes every 5m · repeated every 4h5m (repeat_interval 4h)
├── {team="db"} → dba, and continues
│   │   grouped by alertname and cluster · first told at once · changes every 5m · repeated every 4h5m (repeat_interval 4h)
│   └── {severity="page"} → dba-pager
│           every alert by itself · first told at once · changes every 1h · repeated every 1h (repeat_interval 10m)
└── {service=~"db|web"} → web
        all alerts in one group · first told after 30s · changes every 5m · repeated every 4h5m (repeat_interval 4h) · \
only during work or late · not during feast · labelled desk=two
"""  # noqa: E501

CASES = """\
- name: pages of the database
  labels: {team: db, severity: page}
  receivers: [dba-pager]
- labels: {team: db, service: web}
  receivers: [dba, web]
- name: nobody's
  labels: {team: x}
  receivers: [mail]
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "am.yml").write_text(CONFIG)
    (tmp_path / "cases.yml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def routes(*words: str, stdin: str = "") -> tuple[int, str, str]:
    line = ["config", "routes", *words]
    done = CliRunner().invoke(own._ampp, line, input=stdin, prog_name="ampp", standalone_mode=False)
    if done.exception is not None:
        return getattr(done.exception, "exit_code", -1), done.stdout, getattr(done.exception, "message", "?")
    return done.return_value or 0, done.stdout, done.stderr


def test_the_tree_says_what_holds() -> None:
    assert routes("show", "-f", "am.yml") == (0, TREE, "")
    assert routes("show", "-f", "-", stdin=CONFIG) == (0, TREE, "")


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_tree_fits_the_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = routes("show", "-f", "am.yml")
    assert max(map(len, out.splitlines())) <= width
    assert " ".join(out.replace("│", " ").split()) == " ".join(TREE.replace("│", " ").split())
    assert routes("show", "-f", "am.yml", "-o", "wide")[1] == TREE


def test_the_tree_as_data() -> None:
    tree = json.loads(routes("show", "-f", "am.yml", "-o", "json")[1])
    assert (tree["receiver"], tree["group_by"], tree["repeats_every"]) == ("mail", ["alertname", "cluster"], "4h5m")
    page = tree["routes"][0]["routes"][0]
    assert (page["matchers"], page["group_by"], page["group_wait"]) == (['severity="page"'], ["..."], "0s")
    assert (page["repeat_interval"], page["repeats_every"], page["continue"]) == ("10m", "1h", False)
    lines = [json.loads(line) for line in routes("show", "-f", "am.yml", "-o", "jsonl")[1].splitlines()]
    assert [one["receiver"] for one in lines] == ["mail", "dba", "dba-pager", "web"]
    assert routes("show", "-f", "am.yml", "-o", "name")[1].splitlines() == [one["id"] for one in lines]


def test_where_an_alert_goes() -> None:
    status, out, _ = routes("test", "-f", "am.yml", "team=db", "severity=page", "service=web")
    assert (status, out) == (
        0,
        "default-route\n"
        '├── {team="db"}\n'
        '│   └── {severity="page"} → dba-pager\n'
        '└── {service=~"db|web"} → web\n'
        "receivers: dba-pager, web\n",
    )
    assert routes("test", "-f", "am.yml", "team=db", "-o", "name")[1] == "dba\n"
    assert routes("test", "-f", "am.yml")[1] == "default-route → mail\nreceivers: mail\n"


def test_the_whole_tree_with_the_path_lit() -> None:
    assert routes("test", "-f", "am.yml", "team=db", "--all")[1] == (
        "● default-route\n"
        '├── ● {team="db"} → dba\n'
        '│   └── {severity="page"} → dba-pager\n'
        '└── {service=~"db|web"} → web\n'
        "receivers: dba\n"
    )


def test_the_way_as_data() -> None:
    found = json.loads(routes("test", "-f", "am.yml", "team=db", "service=web", "-o", "json")[1])
    assert (found["labels"], found["receivers"]) == ({"service": "web", "team": "db"}, ["dba", "web"])
    assert [[route["receiver"] for route in trail] for trail in found["routes"]] == [["mail", "dba"], ["mail", "web"]]


def test_receivers_that_must_be() -> None:
    assert routes("test", "-f", "am.yml", "team=db", "--verify.receivers", "dba")[0] == 0
    status, _, err = routes("test", "-f", "am.yml", "team=db", "--verify.receivers", "web,dba")
    assert (status, err) == (1, "expected web, dba: web is not told\n")
    status, _, err = routes("test", "-f", "am.yml", "team=db", "service=db", "--verify.receivers", "web,dba")
    assert (status, err) == (1, "expected web, dba: the same receivers in another order\n")


def test_cases() -> None:
    assert routes("test", "-f", "am.yml", "--cases", "cases.yml") == (
        0,
        'ok    pages of the database\nok    case 2: {service="web", team="db"}\nok    nobody\'s\n'
        "3 cases, all as expected\n",
        "",
    )
    Path("cases.yml").write_text(CASES.replace("[dba, web]", "[dba, dba, mail]"))
    assert routes("test", "-f", "am.yml", "--cases", "cases.yml") == (
        1,
        "ok    pages of the database\n"
        'FAIL  case 2: {service="web", team="db"} (cases.yml:4)\n'
        '        labels    {service="web", team="db"}\n'
        "        expected  dba, dba, mail\n"
        "        told      dba, web: dba is not told, mail is not told, web is told as well\n"
        '        by        default-route > {team="db"} → dba\n'
        '        by        default-route > {service=~"db|web"} → web\n'
        "ok    nobody's\n"
        "1 of 3 cases failed\n",
        "",
    )
    assert routes("test", "-f", "am.yml", "--cases", "-", stdin=CASES)[0] == 0


def test_cases_as_data() -> None:
    Path("cases.yml").write_text(CASES.replace("[dba, web]", "[web, dba]"))
    line = ["test", "-f", "am.yml", "--cases", "cases.yml", "-o"]
    found = json.loads(routes(*line, "json")[1])
    assert [(one["name"], one["as_expected"]) for one in found][::2] == [
        ("pages of the database", True),
        ("nobody's", True),
    ]
    assert (found[1]["expected"], found[1]["receivers"]) == (["web", "dba"], ["dba", "web"])
    (annotation,) = routes(*line, "github")[1].splitlines()
    assert annotation.startswith("::error file=cases.yml,line=4,col=3,title=route-case::")
    (suite,) = ET.fromstring(routes(*line, "junit")[1]).findall("testsuite")
    assert (suite.get("tests"), suite.get("failures"), len(suite.findall("testcase"))) == ("3", "1", 3)
    assert routes(*line, "name")[1] == 'case 2: {service="web", team="db"}\n'


WRONG = [
    (["test", "-f", "nope.yml"], 1, "open nope.yml: no such file or directory"),
    (["test", "-f", "."], 1, "open .: is a directory"),
    (["show", "-f", "bad.yml"], 1, "bad.yml:1:9: yaml: unmarshal errors: line 1: field reciever not found in type "
     "config.plain (did you mean receiver?)"),
    (["test", "-f", "am.yml", "team"], 2, None),
    (["test", "-f", "am.yml", "team=~x"], 2, None),
    (["test", "-f", "am.yml", "-o", "junit"], 2, None),
    (["test", "-f", "am.yml", "--cases", "cases.yml", "a=b"], 2, None),
    (["test", "-f", "am.yml", "--cases", "nope.yml"], 1, "open nope.yml: no such file or directory"),
    (["test", "-f", "am.yml", "--cases", "am.yml"], 1, "am.yml:1:1: line 1: cannot unmarshal !!map into []case"),
    (["test", "-f", "am.yml", "--cases", "empty.yml"], 1, "no cases (write a list of cases, each with labels and "
     "receivers)"),
    (["test", "-f", "am.yml", "--cases", "key.yml"], 1, "key.yml:1:4: line 1: field label not found in type case (did "
     "you mean labels?)"),
    (["test", "-f", "am.yml", "--cases", "lacking.yml"], 1, "lacking.yml:1:3: a case without receivers (write "
     "receivers: [NAME, …])"),
    (["show", "--url", "http://127.0.0.1:1"], 1, "cannot reach http://127.0.0.1:1: connection refused"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "complaint"), WRONG)
def test_mistakes(words: list[str], status: int, complaint: str | None) -> None:
    Path("bad.yml").write_text("route: {reciever: x}\n")
    Path("empty.yml").write_text("")
    Path("key.yml").write_text("- {label: {a: b}, receivers: [x]}\n")
    Path("lacking.yml").write_text("- {labels: {a: b}}\n")
    found, _, message = routes(*words)
    assert found == status
    assert complaint is None or complaint in message
    assert "\n" not in message
