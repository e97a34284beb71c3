"""What only Discord does: a picture and a name, as written."""

import pytest

from .server import answer, serving
from .test_chat import chat, told


@pytest.mark.parametrize(
    ("avatar", "expected"),
    [
        ("http://a/?a=1&b=2", rb',"avatar_url":"http://a/?a=1\u0026b=2"'),
        ("relative", b',"avatar_url":"relative"'),
        ("http://a b/%zz", b""),
        ("", b""),
    ],
)
async def test_what_is_sent(avatar: str, expected: bytes) -> None:
    # What a 2xx answer says is of no interest.
    async with serving(answer(200, b'{"code":50006}', Content_Type="application/json")) as server:
        sender = chat(
            "discord",
            server.url,
            content="c {{ .Status }} @everyone <b>",
            title="t {{ .Status }}",
            message="m {{ .Status }}",
            username="u {{ .Status }}",
            avatar_url=avatar,
        )
        one = told("discord")
        await sender.send(one, one.alerts)
        await sender.aclose()
    assert server.requests[0].body == (
        rb'{"content":"c firing @everyone \u003cb\u003e",'
        rb'"embeds":[{"title":"t firing","description":"m firing","color":10038562}],"username":"u {{ .Status }}"'
        + expected
        + b"}\n"
    )
