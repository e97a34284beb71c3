"""Notifications' data as templates see it, and route labels that are templates."""

import json

import pytest
from msgspec.structs import replace

from ampp.template import TemplateError
from ampp.template.data import Data, common, encode
from ampp.template.instant import Instant
from ampp.template.renderer import Renderer
from ampp.template.sample import DataError, read, sample

RENDERER = Renderer()
RAW = sample(Instant(1_700_000_000_000_000_000))


def with_labels(**labels: str) -> Data:
    return replace(RAW, route_labels=labels)


def test_route_labels_are_rendered_and_may_ask_for_each_other() -> None:
    data = with_labels(
        a="{{ routeLabels `b` }}&", b="{{ .GroupLabels.grouplabelkey1 }}", bad="{{ .X }}", c="{{ routeLabels `bad` }}"
    )
    rendered, failed = RENDERER.route_labels(data)
    assert rendered == {"a": "grouplabelvalue1&", "b": "grouplabelvalue1"}
    wrong = 'template: :1:3: executing "" at <.X>: can\'t evaluate field X in type *template.Data'
    assert {name: str(error) for name, error in failed.items()} == {
        "bad": wrong,
        "c": 'template: :1:3: executing "" at <routeLabels `bad`>: error calling routeLabels: ' + wrong,
    }


def test_each_route_label_is_rendered_once() -> None:
    labels = {f"l{n}": f"{{{{ routeLabels `l{n + 1}` }}}}" * 2 for n in range(40)}
    rendered, failed = RENDERER.route_labels(with_labels(**labels, l40=""))
    assert failed == {}
    assert rendered == dict.fromkeys([*labels, "l40"], "")


def test_a_circle_of_route_labels_is_told() -> None:
    _, failed = RENDERER.route_labels(with_labels(a="{{ routeLabels `b` }}", b="{{ routeLabels `a` }}"))
    assert str(failed["a"]).endswith("route label cycle detected: a -> b -> a")
    assert str(failed["b"]).endswith("route label cycle detected: b -> a -> b")


def test_rendered_route_labels_are_taken_as_they_are() -> None:
    data = read(encode(RAW))
    sent = Data(**{field: getattr(data, field) for field in data.__struct_fields__ if field != "raw"})
    sent = replace(sent, route_labels={"a": "{{ .Status }}"})
    assert RENDERER.text("{{ routeLabels `a` }}{{ routeLabels `none` }}", sent) == "{{ .Status }}"
    assert RENDERER.text("{{ . }}", sent).endswith(" https://example.com true}")
    assert Renderer(by_value=True).text("{{ . }}", RAW).endswith(" https://example.com false}")


def test_html_renders_route_labels_as_html() -> None:
    # Twice, as the label is text to the template that asks for it.
    data = with_labels(a="{{ `<` }}")
    assert RENDERER.html("{{ routeLabels `a` }}", data) == "&amp;lt;"


def test_the_default_files_have_no_names() -> None:
    for name in ("default.tmpl", "email.tmpl"):
        with pytest.raises(TemplateError, match="not defined"):
            RENDERER.text(f"{{{{ template `{name}` }}}}", RAW)


def test_nothing_of_python_can_be_reached() -> None:
    for path in (".raw", ".labels_kv", ".__class__", ".Alerts.items", ".Alerts.go", ".CommonLabels.items"):
        try:
            text = RENDERER.text(f"{{{{ {path} }}}}", RAW)
        except TemplateError:
            continue
        assert text == ""


def test_common_pairs() -> None:
    assert common([]) == {}
    assert common([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}]) == {"a": "1"}
    assert common([{"a": "", "b": "x"}, {"b": "x"}]) == {"a": "", "b": "x"}


def test_data_is_read_as_go_reads_it() -> None:
    text = {"RECEIVER": "r", "alerts": [{"StartsAt": "2024-01-02T03:04:05+01:00", "labels": None}, None], "extra": 1}
    data = read(json.dumps(text).encode())
    assert (data.receiver, data.status, data.group_labels) == ("r", "", None)
    assert data.alerts is not None
    assert [str(alert.starts_at) for alert in data.alerts] == [
        "2024-01-02 03:04:05 +0100 +0100",
        "0001-01-01 00:00:00 +0000 UTC",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b'{"receiver": 1}', "json: cannot unmarshal number into Go struct field Data.receiver of type string"),
        (b'{"alerts": {}}', "json: cannot unmarshal object into Go struct field Data.alerts of type template.Alerts"),
        (
            b'{"alerts": [{"labels": {"a": true}}]}',
            "json: cannot unmarshal bool into Go struct field Data.alerts.labels.a of type string",
        ),
        (
            b'{"groupLabels": []}',
            "json: cannot unmarshal array into Go struct field Data.groupLabels of type template.KV",
        ),
        (
            b'{"alerts": [{"startsAt": "x"}]}',
            'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
        ),
    ],
)
def test_data_that_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text)
    assert str(caught.value) == message
