"""Alertmanager's functions in the corners that the recorded templates leave out. Expectations were printed by Go."""

import pytest

from ampp.template import TemplateError
from ampp.template.function import now
from ampp.template.instant import Instant
from ampp.template.renderer import Renderer
from ampp.template.sample import sample

RENDERER = Renderer(by_value=True)
DATA = sample(Instant(1_700_000_000_000_000_000))


def text(template: str) -> str:
    return RENDERER.text(template, DATA)


@pytest.mark.parametrize(
    ("pattern", "replacement", "source", "result"),
    [
        (r"(a)(?P<x>b)?", "[$1$x$2$0$10$01${1}${x}$$$ $-${é}${}$x_]", "ab a", "[abbabab$$ $-${}] [aaa$$ $-${}]"),
        ("^", "-", "ab", "-ab"),
        (r"\\b", "|", "é ab", "é |ab|"),
        ("", "-", "é", "-é-"),
        ("x`", "-", "é", "é"),
        ("a", "$", "banana", "b$n$n$"),
        ("a", "${1", "a", "${1"),
    ],
)
def test_replacement(pattern: str, replacement: str, source: str, result: str) -> None:
    quoted = (f'"{part}"' if '"' not in part else f"`{part}`" for part in (pattern, replacement, source))
    assert text("{{ reReplaceAll " + " ".join(quoted) + " }}") == result


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ('reReplaceAll "a`[" "" ""', 'regexp: Compile("a`["): error parsing regexp: missing closing ]: `[`'),
        (r'match "\\C" "a"', "error parsing regexp: invalid escape sequence: `\\C`"),
        ('base64decode "YQ"', "illegal base64 data at input byte 0"),
        ('base64decode "Y=Q="', "illegal base64 data at input byte 1"),
        ('base64decode "abcdab"', "illegal base64 data at input byte 4"),
        ('urlUnescape "a%2"', 'invalid URL escape "%2"'),
        ('humanizeDuration "+nan"', 'strconv.ParseFloat: parsing "+nan": invalid syntax'),
        ('humanizeDuration (safeHtml "1")', "can't convert template.HTML to float"),
        ("toJson 1i", "json: unsupported type: complex128"),
    ],
)
def test_refusals(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        text("{{ " + template + " }}")
    assert str(caught.value).endswith(f"error calling {template.split()[0]}: {message}")


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ('base64decode "Y\\r\\nQ==\\n"', "a"),
        ('base64decode "YR=="', "a"),
        ('humanizeDuration "Infinity"', "+Inf"),
        ('humanizeDuration "1_000"', "16m 40s"),
        ('humanizeDuration "0x1p4"', "16s"),
        ("toJson 1e-7", "1e-7"),
        ("toJson 1e20", "100000000000000000000"),
        ("toJson 123456789.25", "123456789.25"),
        (r'toJson "\x00\b\f\n\r\t\\\x7f\xff"', '"\\u0000\\b\\f\\n\\r\\t\\\\\x7f\\ufffd"'),
        ("toJson (list)", "[]"),
        ("toJson (stringSlice)", "[]"),
        ("toJson dict", "{}"),
        ("toJson .RouteLabels", "null"),
        ("toJson .RouteLabels.Names", "[]"),
        ("toJson (.RouteLabels.Remove nil)", "{}"),
        ('toJson (dict "b" 1 "a" (list))', '{"a":[],"b":1}'),
        ("toJson (index .CommonLabels.SortedPairs 0)", '{"Name":"commonlabelkey1","Value":"commonlabelvalue1"}'),
        ('toJson (safeHtml "<b>")', '"\\u003cb\\u003e"'),
        ("toJson (index .Alerts 0).StartsAt.Month", "11"),
        (r'trimSpace "\u0085\u00a0\u200b x\u2003\u1680" | printf "%q"', r'"\u200b x"'),
        ('printf "%T %T" (safeHtml "a") (safeUrl "b")', "template.HTML template.URL"),
    ],
)
def test_results(template: str, result: str) -> None:
    assert text("{{ " + template + " }}") == result


def test_json_has_its_bounds() -> None:
    nested = "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}{{ toJson $x }}"
    with pytest.raises(TemplateError, match="nested too deeply"):
        text(nested)
    with pytest.raises(TemplateError, match=r"year outside of range \[0,9999\]"):
        text('{{ toJson ((toDate "2006" "9999").AddDate 1 0 0) }}')


def test_since_measures_by_the_monotonic_clock_where_it_can() -> None:
    earlier = now()
    measured = text("{{ (since (index .Alerts 0).StartsAt).Hours }}")
    assert float(measured) > 0
    assert earlier.mono is not None
