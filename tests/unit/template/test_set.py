"""Definitions across files, and configuration strings on top of them."""

from collections.abc import Mapping

import pytest

from ampp.template.error import TemplateError
from ampp.template.node import Tree
from ampp.template.set import TemplateSet


def plain(trees: Mapping[str, Tree], entry: str) -> Mapping[str, Tree]:
    """No escaping: what sets do with definitions is the same for both engines."""
    assert entry in trees
    return trees


@pytest.fixture
def templates() -> TemplateSet:
    made = TemplateSet({}, escape=plain, filters={})
    made.add("a.tmpl", 'file a{{ define "x" }}X1{{ end }}{{ define "y" }}Y1{{ template "x" }}{{ end }}')
    return made


def test_strings_call_files_and_definitions(templates: TemplateSet) -> None:
    assert templates.text('{{ template "a.tmpl" }}, {{ template "y" }}', None) == "file a, Y1X1"
    assert templates.html('{{ template "y" }}', None) == "Y1X1"


def test_later_definitions_replace_earlier_ones_unless_empty(templates: TemplateSet) -> None:
    templates.add("b.tmpl", '{{ define "x" }} {{/* nothing */}} {{ end }}')
    assert templates.text('{{ template "x" }}', None) == "X1"
    templates.add("c.tmpl", '{{ define "x" }}X2{{ end }}')
    assert templates.text('{{ template "y" }}', None) == "Y1X2"


def test_a_strings_own_definitions_count_for_it_alone(templates: TemplateSet) -> None:
    assert templates.text('{{ define "x" }}mine{{ end }}{{ template "y" }}', None) == "Y1mine"
    assert templates.text('{{ template "y" }}', None) == "Y1X1"


def test_adding_after_rendering_is_seen(templates: TemplateSet) -> None:
    assert templates.text('{{ template "x" }}', None) == "X1"
    templates.add("b.tmpl", '{{ define "x" }}X2{{ end }}')
    assert templates.text('{{ template "x" }}', None) == "X2"


def test_a_text_that_does_not_parse_adds_nothing(templates: TemplateSet) -> None:
    with pytest.raises(TemplateError) as caught:
        templates.add("d.tmpl", '{{ define "x" }}X3{{ end }}\n{{ nope }}')
    assert str(caught.value) == 'template: d.tmpl:2: function "nope" not defined'
    assert templates.text('{{ template "x" }}', None) == "X1"


def test_the_same_name_twice_in_one_text_is_an_error(templates: TemplateSet) -> None:
    with pytest.raises(TemplateError, match='multiple definition of template "x"'):
        templates.check('{{ define "x" }}1{{ end }}{{ define "x" }}2{{ end }}')


def test_undefined_templates_fail_when_called_only(templates: TemplateSet) -> None:
    assert templates.text('{{ if false }}{{ template "nope" }}{{ end }}ok', None) == "ok"
    with pytest.raises(TemplateError) as caught:
        templates.text('{{ template "nope" }}', None)
    assert str(caught.value) == ('template: :1:12: executing "" at <{{template "nope"}}>: template "nope" not defined')


def test_empty_and_plain_strings_render_as_they_are(templates: TemplateSet) -> None:
    assert templates.text("", None) == ""
    assert templates.html("", None) == ""
    assert templates.text("no { action } }}", None) == "no { action } }}"
