"""What only Mattermost does: attachments of their own, props, and priorities that Mattermost would accept."""

from typing import Any

import pytest

from ampp.config.receivers.mattermost import (
    MattermostAttachment,
    MattermostField,
    MattermostPriority,
    MattermostProps,
)

from .server import answer, serving
from .test_chat import chat, told

PLAIN: dict[str, Any] = dict.fromkeys(("username", "text", "fallback", "color", "title", "title_link"), "")
VISIBLE = (
    *("fallback", "color", "pretext", "text", "author_name", "author_link", "author_icon", "title", "title_link"),
    *("thumb_url", "footer", "footer_icon", "image_url"),
)


async def sent(**config: object) -> bytes:
    # Any body will do, and none.
    async with serving(answer(200, b'{"ok":false}', Content_Type="application/json")) as server:
        sender = chat("mattermost", server.url, **{**PLAIN, **config})
        one = told("mattermost")
        await sender.send(one, one.alerts)
        await sender.aclose()
        return server.requests[0].body


FIELDS = (
    MattermostField(title="a {{ .Status }}", value="b {{ .Status }}", short=True),
    MattermostField(title="c", value="d", short=False),
    MattermostField(title="e", value="{{ .GroupLabels.none }}"),
)
FIELDS_SENT = (
    b'"fields":[{"title":"a firing","value":"b firing","short":true},'
    b'{"title":"c","value":"d","short":false},{"title":"e"}]'
)


def attachment_sent(mark: bytes) -> bytes:
    parts = [b'"%s":"%s %s firing"' % (name.encode(), mark, name.encode()) for name in VISIBLE]
    return b"{" + b",".join([*parts[:9], FIELDS_SENT, *parts[9:]]) + b"}"


async def test_every_part_in_its_place() -> None:
    top = {name: f"m {name} {{{{ .Status }}}}" for name in VISIBLE}
    head = {name: f"{name} {{{{ .Status }}}}" for name in ("channel", "username", "icon_url", "icon_emoji")}
    body = await sent(
        **top,
        **head,
        fields=FIELDS,
        type_="custom_{{ .Status }}",
        props=MattermostProps(card="card {{ .Status }}"),
        priority=MattermostPriority(
            priority="{{ if true }}URGENT{{ end }}", requested_ack=True, persistent_notifications=True
        ),
    )
    assert body == (
        b'{"channel":"channel firing","username":"username firing","icon_url":"icon_url firing",'
        b'"icon_emoji":"icon_emoji firing","attachments":[' + attachment_sent(b"m") + b'],"type":"custom_firing",'
        b'"props":{"card":"card firing"},'
        b'"priority":{"priority":"urgent","requested_ack":true,"persistent_notifications":true}}\n'
    )


async def test_attachments_of_their_own() -> None:
    own = MattermostAttachment(**{name: f"o {name} {{{{ .Status }}}}" for name in VISIBLE}, fields=FIELDS)
    body = await sent(text="above {{ .Status }}", title="not used", attachments=(own, MattermostAttachment()))
    assert body == b'{"text":"above firing","attachments":[' + attachment_sent(b"o") + b",{}]}\n"


async def test_only_text_above_attachments_is_cut() -> None:
    long = "é😀" * 9000
    one = (MattermostAttachment(text=long),)
    assert (await sent(text=long[:16383], attachments=one)).startswith(f'{{"text":"{long[:16383]}","att'.encode())
    body = (await sent(text=long, attachments=one)).decode()
    assert body == f'{{"text":"{long[:16382]}…","attachments":[{{"text":"{long}"}}]}}\n'
    assert (await sent(text=long)).decode() == f'{{"attachments":[{{"text":"{long}"}}]}}\n'


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        (MattermostPriority(priority="Important", requested_ack=True, persistent_notifications=True),
         b',"priority":{"priority":"important","requested_ack":true}'),
        (MattermostPriority(priority="standard", requested_ack=True, persistent_notifications=True),
         b',"priority":{"priority":"standard"}'),
        (MattermostPriority(priority="{{ .Status }}", requested_ack=True), b',"priority":{"priority":"standard"}'),
        (MattermostPriority(priority="{{ .GroupLabels.none }}"), b',"priority":{"priority":"standard"}'),
        (MattermostPriority(priority="urgent"), b',"priority":{"priority":"urgent"}'),
        (MattermostPriority(requested_ack=True), b""),
        (None, b""),
    ],
)  # fmt: skip
async def test_priorities(priority: MattermostPriority | None, expected: bytes) -> None:
    assert await sent(priority=priority) == b'{"attachments":[{}]' + expected + b"}\n"


@pytest.mark.parametrize(
    ("card", "expected"), [("", b""), ("{{ .GroupLabels.none }}", b',"props":{}'), ("x", b',"props":{"card":"x"}')]
)
async def test_props(card: str, expected: bytes) -> None:
    assert await sent(props=MattermostProps(card=card)) == b'{"attachments":[{}]' + expected + b"}\n"
