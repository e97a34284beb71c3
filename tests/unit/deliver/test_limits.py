"""What a template bomb and a patient receiver do to a notification: it still goes out, and in its own time."""

import pytest
from trio.testing import MockClock

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.clock import SECOND
from ampp.deliver import integrations
from ampp.deliver.sender import Sender, SendError, Unsendable
from ampp.template.renderer import Renderer

from .kit import HOOK, Accept, Refuse, Scripted, notify, running
from .server import answer, serving

BOMB = "{{ define `x` }}{{ template `x` . }}{{ template `x` . }}{{ end }}{{ template `x` . }}"


def sender(text: str) -> Sender:
    config = load(text)
    (made,) = integrations.build(config, compile_plan(config), "http://am.example", Renderer()).values()
    assert not isinstance(made, Unsendable)
    return made


def config(kind: str, entry: str) -> str:
    return f"route: {{receiver: r}}\nreceivers:\n- name: r\n  {kind}_configs:\n  - {entry}\n"


async def test_a_bomb_in_a_message_is_replaced_by_a_plain_text_that_says_so() -> None:
    async with serving(answer(200, b"ok"), answer(200, b"ok")) as server:
        slack = sender(config("slack", f'{{api_url: "{server.url}", channel: "#c", title: t, text: "{BOMB}"}}'))
        told = notify()
        await slack.send(told, told.alerts)
        hook = sender(config("webhook", f'{{url: "{server.url}", payload: {{text: "{BOMB}"}}}}'))
        await hook.send(told, told.alerts)
        for request in server.requests:
            assert b"stands in for a text that could not be rendered" in request.body
            assert b"firing" in request.body
        await slack.aclose()
        await hook.aclose()


async def test_any_other_error_still_fails_as_upstream() -> None:
    async with serving() as server:
        discord = sender(config("discord", f'{{webhook_url: "{server.url}", message: "{{{{ .Nothing }}}}"}}'))
        told = notify()
        with pytest.raises(SendError) as caught:
            await discord.send(told, told.alerts)
        assert not caught.value.retry
        assert server.requests == []
        await discord.aclose()


async def test_what_a_receiver_asks_for_is_told_with_the_error() -> None:
    async with serving(answer(503, b"later", Retry_After="7"), answer(503, b"later")) as server:
        hook = sender(config("webhook", f'{{url: "{server.url}"}}'))
        told = notify()
        for after in (7 * SECOND, 0):
            with pytest.raises(SendError) as caught:
                await hook.send(told, told.alerts)
            assert (caught.value.retry, caught.value.after) == (True, after)
        await hook.aclose()


async def test_a_receiver_that_asks_for_time_gets_it(autojump_clock: MockClock) -> None:
    asking = Refuse()
    asking.error.after = 7 * SECOND
    patient = Scripted(asking, Accept())
    async with running({HOOK: patient}) as stage:
        stage.delivery.submit(notify())
        await stage.until(1)
        assert [round(at - stage.start, 3) for at in patient.at] == [0, 7]
