"""What only Rocket.Chat does: fields, buttons, tokens from files, answers that say no with status 200."""

from pathlib import Path

import pytest

from ampp.config.receivers.rocketchat import RocketchatAction, RocketchatField
from ampp.core.reason import FailureReason
from ampp.deliver.integrations import rocketchat
from ampp.deliver.sender import BuildError, Unsendable

from .server import Answer, answer, serving
from .test_chat import CONFIGS, RENDERER, YES, chat, failure, told


async def test_every_part_in_its_place() -> None:
    status = "{{ .Status }}"
    async with serving(YES) as server:
        sender = chat(
            "rocketchat",
            server.url + "//base/./x/../",
            channel=f"#{status}",
            color=f"c {status}",
            title=f"t {status}",
            title_link=f"l {status}",
            text=f"x {status} <b>",
            emoji=f":{status}:",
            icon_url=f"http://i/{status}",
            image_url=f"http://g/{status}",
            thumb_url=f"http://h/{status}",
            short_fields=True,
            link_names=True,
            fields=(
                RocketchatField(title=f"a {status}", value=f"b {status}"),
                RocketchatField(title="c", value="d", short=False),
                RocketchatField(),
            ),
            actions=(
                RocketchatAction(
                    type="link",
                    text=f"t {status}",
                    url=f"http://u/{status}",
                    imageurl="http://not/sent",
                    iswebview=True,
                    webviewheightratio="full",
                ),
                RocketchatAction(msg=f"m {status}", msginchatwindow=True, msgprocessingtype="sendMessage"),
            ),
        )
        one = told("rocketchat")
        await sender.send(one, one.alerts)
        await sender.aclose()
        [request] = server.requests
    assert request.target == "/base/api/v1/chat.postMessage"
    assert request.body == (
        rb'{"channel":"#firing","emoji":":firing:","avatar":"http://i/firing","attachments":[{"title":"t firing",'
        rb'"title_link":"l firing","text":"x firing \u003cb\u003e","image_url":"http://g/firing",'
        rb'"thumb_url":"http://h/firing","color":"c firing","fields":['
        rb'{"short":true,"title":"a firing","value":"b firing"},{"short":false,"title":"c","value":"d"},'
        rb'{"short":true}],'
        rb'"actions":[{"type":"button","text":"t firing","url":"http://u/firing","is_webview":false,'
        rb'"msg_in_chat_window":false},{"type":"button","is_webview":false,"msg":"m firing",'
        rb'"msg_in_chat_window":false}]}]}' + b"\n"
    )


@pytest.mark.parametrize(
    ("act", "text", "retry"),
    [
        (
            answer(200, b'{"success":false,"error":"invalid-channel"}'),
            "error response from Rocketchat: invalid-channel",
            False,
        ),
        (answer(200, b"{}"), "error response from Rocketchat: ", False),
        (answer(200, b"null"), "error response from Rocketchat: ", False),
        (answer(200, b"ok"), 'could not unmarshal JSON response "ok": ', True),
        (answer(204), 'could not unmarshal JSON response "": ', True),
    ],
)
async def test_answers_that_say_no(act: Answer, text: str, retry: bool) -> None:
    async with serving(act) as server:
        error = await failure("rocketchat", chat("rocketchat", server.url, channel="#c"))
    assert str(error).startswith(f'channel "#c": {text}')
    assert (error.retry, error.reason) == (retry, FailureReason.CLIENT)


async def test_tokens_are_read_from_files_when_the_sender_is_made(tmp_path: Path) -> None:
    token, token_id = tmp_path / "token", tmp_path / "id"
    token.write_text(" a b\n")
    token_id.write_text("me\n")
    async with serving(YES) as server:
        sender = chat("rocketchat", server.url, token_file=str(token), token_id_file=str(token_id))
        token.unlink()
        one = told("rocketchat")
        await sender.send(one, one.alerts)
        await sender.aclose()
        [request] = server.requests
    assert (request.header("x-auth-token"), request.header("x-user-id")) == ("a b", "me")
    for field in ("token_file", "token_id_file"):
        with pytest.raises(BuildError) as caught:
            rocketchat.build(CONFIGS["rocketchat"]("http://x", **{field: str(token)}), "", RENDERER)
        assert str(caught.value) == f"could not read {token}: open {token}: no such file or directory"


def test_the_token_is_not_shown() -> None:
    sender = chat("rocketchat", "http://x")
    assert not isinstance(sender, Unsendable)
    assert "<secret>" in str(vars(sender))
    assert "'t'" not in str(vars(sender))
