"""How structs, maps, lists and methods behave in templates."""

from typing import Any, ClassVar

import msgspec
import pytest

from ampp.template.builtin import BUILTINS
from ampp.template.error import CallError, TemplateError
from ampp.template.execute import Program
from ampp.template.instant import DURATION, TIME, Instant, duration
from ampp.template.parse import parse
from ampp.template.value import (
    ANY,
    ANY_LIST,
    ANY_MAP,
    INT,
    STRING,
    STRING_MAP,
    STRINGS,
    Attribute,
    Func,
    GoType,
    Map,
    Pointer,
    Scalar,
    Slice,
    named,
    struct,
)

KV = named("main.KV", STRING_MAP, string=lambda kv: ",".join(sorted(kv.items or {})))
NAMES = named("main.Names", STRINGS)


def _drop(kv: Map, names: Slice) -> Map:
    return Map(KV, {key: value for key, value in (kv.items or {}).items() if key not in (names.items or ())})


KV.add_methods(
    {
        "Names": Func([], lambda kv: Slice(NAMES, sorted(kv.items or {}))),
        "Drop": Func([STRINGS], _drop),
        "Three": Func([], lambda kv: 3, bad="function Three has 3 return values; should be 1 or 2"),
    }
)


class Host(msgspec.Struct, frozen=True):
    go: ClassVar[GoType]

    name: str
    labels: Map
    up: Instant
    secret: bool = True


def _refuse(host: Host, count: int) -> str:
    raise CallError(f"refused {count} times")


Host.go = struct(
    "main.Host",
    [
        Attribute("Name", "name", STRING),
        Attribute("Labels", "labels", KV),
        Attribute("Up", "up", TIME),
        Attribute("secret", "secret", INT, hidden=True),
    ],
    methods={
        "Refuse": Func([INT], _refuse),
        "Fail": Func([], lambda host: _refuse(host, 0)),
        "Wait": Func([DURATION], lambda host, span: span),
    },
)

HOST = Host("web-1", Map(KV, {"job": "node", "Names": "shadowed"}), Instant(1_680_674_828_000_000_000))
FUNCTIONS = {
    "list": Func([ANY], lambda *items: Slice(ANY_LIST, items), variadic=True),
    "dict": Func([STRING, ANY], lambda key, value: Map(ANY_MAP, {key: value})),
    "join": Func([STRING, STRINGS], lambda separator, parts: separator.join(parts.items or ())),
}


def render(template: str, data: Any = HOST) -> str:
    return Program(parse("", template, {**BUILTINS, **FUNCTIONS}), FUNCTIONS).run("", data)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ .Name }} {{ .Labels.job }} [{{ .Labels.nope }}]", "web-1 node []"),
        ("{{ .Labels.Names }} {{ index .Labels `Names` }}", "[Names job] shadowed"),
        (
            "{{ .Labels }} {{ printf `%q %d` .Labels .Labels }}",
            'Names,job "Names,job" map[%!d(string=Names):%!d(string=shadowed) %!d(string=job):%!d(string=node)]',
        ),
        ("{{ . }}", "{web-1 Names,job 2023-04-05 06:07:08 +0000 UTC true}"),
        ("{{ join `+` .Labels.Names }}", "Names+job"),
        ("{{ (.Labels.Drop .Labels.Names).job }}|{{ len (.Labels.Drop nil) }}", "|2"),
        ("{{ .Wait 90000000000 }} {{ (.Wait 1500000000).Seconds }}", "1m30s 1.5"),
        ("{{ range $k, $v := .Labels }}{{ $k }}={{ $v }};{{ end }}", "Names=shadowed;job=node;"),
        ("{{ range list 1 nil `x` }}{{ . }},{{ end }}", "1,<no value>,x,"),
        (
            "{{ (dict `a` nil).a }} {{ (dict `a` 1).b }} {{ printf `%v` (dict `a` nil) }}",
            "<no value> <no value> map[a:<nil>]",
        ),
        ("{{ range .Up.Month }}{{ . }} {{ end }}", "%!Month(0) January February March "),
        ("{{ eq .Up .Up }} {{ eq .Labels nil }} {{ eq (index `a` 0) 97 }}", "true false true"),
        ("{{ with .Labels.nope }}x{{ else with .Labels.job }}{{ . }}{{ end }}", "node"),
        (
            "{{ printf `%v %+v` (index (list 2.5) 0) (list 1) }} {{ printf `%#v` .Labels.Names }}",
            '2.5 [1] main.Names{"Names", "job"}',
        ),
    ],
)
def test_values(template: str, text: str) -> None:
    assert render(template) == text
    assert render(template.replace("{{ . }}", "{{ . }}"), Pointer(HOST)) == text


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ .Nope }}", "can't evaluate field Nope in type main.Host"),
        ("{{ .secret }}", "secret is an unexported field of struct type main.Host"),
        ("{{ .Name 1 }}", "Name has arguments but cannot be invoked as function"),
        ("{{ .Labels.job 1 }}", "job is not a method but has arguments"),
        ("{{ .Labels.Three }}", "function Three has 3 return values; should be 1 or 2"),
        ("{{ .Labels.Drop }}", "wrong number of args for Drop: want 1 got 0"),
        ("{{ .Labels.Drop (list `a`) }}", "wrong type for value; expected []string; got []interface {}"),
        ("{{ $n := 1 }}{{ .Wait $n }}", "wrong type for value; expected time.Duration; got int"),
        ("{{ .Refuse 2 }}", "error calling Refuse: refused 2 times"),
        ("{{ .Fail }}", "error calling Fail: refused 0 times"),
        ("{{ (dict `a` nil).a.b }}", "nil pointer evaluating interface {}.b"),
        ("{{ join `,` .Name }}", "wrong type for value; expected []string; got string"),
        ("{{ eq .Labels .Labels }}", "error calling eq: non-comparable type Names,job: main.KV"),
        ("{{ .Name.__class__ }}", "can't evaluate field __class__ in type string"),
        ("{{ .Labels.Names.items }}", "can't evaluate field items in type main.Names"),
        ("{{ range .Up }}{{ end }}", "range can't iterate over 2023-04-05 06:07:08 +0000 UTC"),
    ],
)
def test_what_values_refuse(template: str, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(template)
    assert caught.value.message == reason
    assert caught.value.line == 1


def test_errors_say_where_in_which_file() -> None:
    functions = BUILTINS
    trees = parse("deep.tmpl", '{{ define "deep" }}\n  é {{ .Name.x }}{{ end }}', functions)
    trees |= parse("", '{{ template "deep" . }}', functions)
    with pytest.raises(TemplateError) as caught:
        Program(trees, {}).run("", HOST)
    assert str(caught.value) == (
        'template: deep.tmpl:2:13: executing "deep" at <.Name.x>: can\'t evaluate field x in type string'
    )
    assert (caught.value.name, caught.value.line, caught.value.column) == ("deep.tmpl", 2, 13)


def test_a_late_body_replaces_a_functions_own() -> None:
    functions = {"who": Func([], lambda: "nobody")}
    program = Program(parse("", "{{ who }}", functions), functions)
    assert program.run("", None) == "nobody"
    assert program.run("", None, {"who": lambda: "me"}) == "me"


def test_durations_and_bytes_print_as_themselves() -> None:
    assert render("{{ . }}", duration(9_015_000_000_000)) == "2h30m15s"
    assert render('{{ slice "é" 0 1 }}{{ slice "é" 1 }}', None) == "é"
    assert render('{{ slice "é" 0 1 }}|', None) == "�|"
    assert Scalar(DURATION, 5) == duration(5)
