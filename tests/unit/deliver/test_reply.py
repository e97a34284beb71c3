"""Replies are read as Go reads them: whatever the case of a name, and the last of several."""

from typing import Optional

import msgspec
import pytest

from ampp.deliver.answer import Answer
from ampp.deliver.reply import decode, first, read
from ampp.deliver.sender import SendError

from .kit import notify
from .server import answer, serving
from .test_truncate import built


class Inner(msgspec.Struct, rename="camel"):
    big_name: Optional[str] = None  # noqa: UP045


class Outer(msgspec.Struct, rename="camel"):
    ok: bool | None = None
    one: Inner | None = None
    more: list[Inner] | None = None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"ok":true}', Outer(ok=True)),
        ('{"OK":true,"other":{"ok":1}}', Outer(ok=True)),
        ('{"ok":true,"Ok":false}', Outer(ok=False)),
        ('{"One":{"BIGNAME":"x"},"MORE":[{"bigname":"y"},{}]}', Outer(one=Inner("x"), more=[Inner("y"), Inner()])),
        ('{"one":null,"more":null}', Outer()),
        ("{}", Outer()),
        ("null", None),
    ],
)
def test_names_in_any_case(text: str, found: Outer | None) -> None:
    assert decode(text, Outer) == found
    assert read(Answer(200, text.encode()), Outer) == (found or Outer())
    assert first(text.encode() + b" and more", Outer) == found


@pytest.mark.parametrize("text", ["", "{", '{"ok":"yes"}', '{"OK":1}', "[]", '"x"', "[" * 100_000])
def test_what_is_no_reply(text: str) -> None:
    with pytest.raises(SendError) as caught:
        read(Answer(200, text.encode()), Outer)
    assert caught.value.retry


@pytest.mark.parametrize(
    ("kind", "entry", "good", "bad"),
    [
        ("slack", "{api_url: URL, channel: c}", b'{"Ok":true}', b'{"OK":false,"ERROR":"no_such_channel"}'),
        ("rocketchat", "{api_url: URL, token: t, token_id: i}", b'{"Success":true}', b'{"SUCCESS":false,"Error":"no"}'),
        ("telegram", "{api_url: URL, bot_token: t, chat_id: 1}", b'{"OK":true}', b'{"Ok":false,"Description":"no"}'),
        (
            "wechat",
            "{api_url: URL, api_secret: s, corp_id: c}",
            b'{"Access_Token":"t","ErrCode":0}',
            b'{"Access_Token":"t","ErrCode":7,"ErrMsg":"no"}',
        ),
    ],
)
async def test_receivers_that_shout(kind: str, entry: str, good: bytes, bad: bytes) -> None:
    for body, fails in ((good, False), (bad, True)):
        async with serving(answer(200, body, Content_Type="application/json")) as server:
            sender, about = built(kind, entry, server.url), notify()
            if fails:
                with pytest.raises(SendError, match="no"):
                    await sender.send(about, about.alerts)
            else:
                await sender.send(about, about.alerts)
            await sender.aclose()


async def test_jira_in_capitals() -> None:
    steps = [
        answer(200, b'{"Issues":[{"KEY":"OPS-1","Fields":{"Status":{"statuscategory":{"Key":"done"}}}}]}'),
        answer(204),
        answer(200, b'{"TRANSITIONS":[{"ID":"7","Name":"Reopen"}]}'),
        answer(204),
    ]
    async with serving(*steps) as server:
        entry = "{api_url: URL, project: p, issue_type: b, reopen_transition: Reopen}"
        sender, about = built("jira", entry, server.url), notify()
        await sender.send(about, about.alerts)
        await sender.aclose()
        assert [request.target for request in server.requests][1:] == ["/issue/OPS-1"] + [
            "/issue/OPS-1/transitions"
        ] * 2
        assert server.requests[3].body == b'{"transition":{"id":"7"}}\n'
