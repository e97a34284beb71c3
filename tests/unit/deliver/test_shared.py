"""What receivers share: cuts, bodies, replies, rendering in order."""

import pytest

from ampp.config.url import parse
from ampp.deliver import reply, truncate
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Answer
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import SendError
from ampp.template.error import CallError
from ampp.template.renderer import Renderer

from .kit import notify


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("", 0, ""),
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("abcd", 0, ""),
        ("äöüß", 4, "äöüß"),
        ("äöüßx", 4, "äöü…"),
        ("😀" * 6, 5, "😀😀😀😀…"),
    ],
)
def test_runes(text: str, limit: int, expected: str) -> None:
    assert truncate.runes(text, limit) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "…"),
        ("abcd", 2, ".."),
        ("abcd", 0, ""),
        ("abcde", 4, "a…"),
        ("éé", 4, "éé"),
        ("ééé", 5, "é…"),
        ("ééé", 4, "…"),
        ("😀" * 100, 200, "😀" * 49 + "…"),
        ("😀" * 100, 202, "😀" * 49 + "…"),
        ("😀" * 100, 203, "😀" * 50 + "…"),
    ],
)
def test_octets(text: str, limit: int, expected: str) -> None:
    found = truncate.octets(text, limit)
    assert found == expected
    assert len(found.encode()) <= limit


class Inner(Body, frozen=True, kw_only=True):
    z: str = ""
    a: int = 0


class Outer(Body, frozen=True, kw_only=True):
    z: str = ""
    always: str
    flag: bool = False
    three: bool | None = None
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    any: object = None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Outer(always=""), b'{"always":""}\n'),
        (Outer(always="a<&>\u2028\x7f\x00\b\n\"\\é😀", three=False), br'{"always":"a\u003c\u0026\u003e\u2028'
         + b'\x7f' + r'\u0000\b\n\"\\é😀","three":false}'.encode() + b"\n"),
        (Outer(z="z", always="y", flag=True, inner=Inner(), many=(Inner(a=1, z="q"), Inner())),
         b'{"z":"z","always":"y","flag":true,"inner":{},"many":[{"z":"q","a":1},{}]}\n'),
        (Outer(always="", any={"b": [1.0, None, 1e21], "a": {}}), b'{"always":"","any":{"a":{},"b":[1,null,1e+21]}}\n'),
        ([Inner(a=2), "x"], b'[{"a":2},"x"]\n'),
    ],
)  # fmt: skip
def test_bodies(body: object, expected: bytes) -> None:
    assert encode(body) == expected


def test_a_body_that_json_cannot_say() -> None:
    with pytest.raises(CallError, match=r"^json: unsupported value: \+Inf$"):
        encode(Outer(always="", any=[float("inf")]))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h", "https://h/a/b"),
        ("https://h/", "https://h/a/b"),
        ("https://u:p@h:1/x//y/./../z/?q=1#f", "https://u:p@h:1/x/z/a/b?q=1#f"),
        ("https://h/../..", "https://h/a/b"),
        ("https://h/a%2Fb/", "https://h/a%2Fb/a/b"),
        ("https://h/a%20b/é", "https://h/a%20b/%C3%A9/a/b"),
    ],
)
def test_urls_below_others(url: str, expected: str) -> None:
    assert str(parse(url).below("a/b")) == expected


def test_an_answer_that_did_not_come_to_its_end_is_no_reply() -> None:
    with pytest.raises(SendError, match=r"^could not read response body: unexpected EOF$") as caught:
        reply.whole(Answer(200, b"{}", flaw="unexpected EOF"))
    assert caught.value.retry


async def test_after_what_cannot_be_rendered_all_is_empty() -> None:
    told = notify()
    rendering = Rendering(Renderer(), data(told, told.alerts, ""))
    rendering.check()
    texts = [rendering.text(text) for text in ("a{{ .Status }}", "", "{{ if }}", "b", "{{ .Nope }}")]
    assert [*texts, rendering.html("c")] == ["afiring", "", "", "", "", ""]
    with pytest.raises(SendError, match=r"^because: template: :1: missing value for if$") as caught:
        rendering.check("because: ")
    assert not caught.value.retry
    html = Rendering(Renderer(), data(told, told.alerts, "<x>"))
    assert html.html("{{ .ExternalURL }}") == "&lt;x&gt;"
    assert html.html("{{ .Nope }}") == ""
    assert html.text("c") == ""
