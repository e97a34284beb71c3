"""Destinations that alerts or redirects lead to, against real servers: which are dialled, and which never."""

import ipaddress
from typing import Any

import pytest
import trio

from ampp.config.http import HttpConfig
from ampp.config.receivers.sns import SnsConfig
from ampp.config.receivers.webhook import WebhookConfig
from ampp.config.secret import Secret
from ampp.config.url import parse
from ampp.core.reason import FailureReason
from ampp.deliver import destination
from ampp.deliver.destination import Level, at, fixed, refusal
from ampp.deliver.http import Client
from ampp.deliver.integrations import sns, webhook
from ampp.deliver.sender import Sender, SendError
from ampp.template.renderer import Renderer

from .kit import HOOK, alert, notify
from .server import answer, serving


@pytest.mark.parametrize(
    ("text", "link_local", "internal"),
    [
        ("93.184.216.34", False, False),
        ("2606:4700::1111", False, False),
        ("169.254.169.254", True, True),
        ("fe80::1", True, True),
        ("fe80::1%lo", True, True),
        ("fd00:ec2::254", True, True),
        ("100.100.100.200", True, True),
        ("0.0.0.0", True, True),
        ("::", True, True),
        ("224.0.0.1", True, True),
        ("ff02::1", True, True),
        ("255.255.255.255", True, True),
        ("::ffff:169.254.169.254", True, True),
        ("64:ff9b::a9fe:a9fe", True, True),
        ("2002:a9fe:a9fe::", True, True),
        ("::169.254.169.254", True, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("192.168.0.1", False, True),
        ("172.16.0.1", False, True),
        ("100.64.0.1", False, True),
        ("fc00::1", False, True),
        ("::ffff:10.1.2.3", False, True),
    ],
)
def test_what_each_level_refuses(text: str, link_local: bool, internal: bool) -> None:
    address = ipaddress.ip_address(text)
    assert refusal(address, Level.NONE) == ""
    assert bool(refusal(address, Level.LINK_LOCAL)) == link_local
    assert bool(refusal(address, Level.INTERNAL)) == internal


@pytest.mark.parametrize(
    ("template", "known"),
    [
        ("http://hook/x", True),
        ("http://hook:80/{{ .Status }}", True),
        ("HTTPS://hook?x={{ .Status }}", True),
        ("http://[::1]/{{ .Status }}", True),
        ("http://hook{{ .Status }}/", False),
        ("http://hook:{{ .Status }}/", False),
        ("http://user:{{ .Status }}@hook/", False),
        ("http://hook\\{{ .Status }}/", False),
        ("{{ .CommonLabels.url }}", False),
        ("{{ `http` }}://hook/", False),
        (" http://hook/{{ .Status }}", False),
    ],
)
def test_where_a_template_can_lead(template: str, known: bool) -> None:
    assert fixed(template) == known


def hook(url: str) -> Sender:
    return webhook.build(WebhookConfig(url=Secret(url), http_config=HttpConfig()), "http://am", Renderer())


async def refused(sender: Sender, **labels: str) -> str:
    told = notify(HOOK, alert(**labels))
    with pytest.raises(SendError) as caught:
        await sender.send(told, told.alerts)
    await sender.aclose()
    assert (caught.value.retry, caught.value.reason) == (False, FailureReason.REFUSED)
    return str(caught.value)


async def test_alerts_choose_the_host_within_the_level() -> None:
    async with serving(answer(200)) as server:
        told = notify(HOOK, alert(host=f"127.0.0.1:{server.port}"))
        for level, template in (
            (Level.NONE, "http://{{ .CommonLabels.host }}/"),
            (Level.LINK_LOCAL, "http://{{ .CommonLabels.host }}/"),
            (Level.INTERNAL, f"{server.url}/{{{{ .CommonLabels.host }}}}"),
            (Level.INTERNAL, server.url),
        ):
            sender = hook(template)
            with at(level):
                await sender.send(told, told.alerts)
            await sender.aclose()
        assert len(server.requests) == 4
        for host in ("127.0.0.1", "localhost", "127.1", "0x7f000001", "[::ffff:127.0.0.1]"):
            with at(Level.INTERNAL):
                text = await refused(hook("http://{{ .CommonLabels.host }}/"), host=f"{host}:{server.port}")
            assert text.startswith('Post "<redacted>": refused to dial ')
            assert text.endswith(", a loopback address: alerts or a redirect led there (network.refuse: internal)")
        assert server.connections == 4


async def test_no_level_needs_to_be_set() -> None:
    text = await refused(hook("{{ .CommonLabels.to }}"), to="http://169.254.169.254/latest/meta-data/")
    assert text == (
        'Post "<redacted>": refused to dial 169.254.169.254, a link-local address: '
        "alerts or a redirect led there (network.refuse: link-local)"
    )


async def test_a_connection_for_plain_destinations_is_not_borrowed() -> None:
    async with serving(answer(200)) as server:
        client = Client(HttpConfig(), {})
        await client.post(server.url, b"", {})
        with at(Level.INTERNAL), pytest.raises(SendError, match="refused to dial"):
            await client.post(server.url, b"", {}, influenced=True)
        assert (server.connections, len(server.requests)) == (1, 1)
        await client.aclose()


class Rebinding(trio.abc.HostnameResolver):
    """A name server of the enemy: a public address for who checks, the address of this machine for who dials."""

    def __init__(self) -> None:
        self.asked = 0

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        self.asked += 1
        address = "93.184.216.34" if self.asked == 1 else "127.0.0.1"
        return [(trio.socket.AF_INET, trio.socket.SOCK_STREAM, 6, "", (address, int(port)))]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        raise NotImplementedError


async def test_a_name_that_changes_its_meaning_gains_nothing() -> None:
    resolver = Rebinding()
    trio.socket.set_custom_hostname_resolver(resolver)
    async with serving(answer(200)) as server:
        with at(Level.INTERNAL):
            text = await refused(hook("http://{{ .CommonLabels.host }}/"), host=f"evil.example:{server.port}")
        assert "refused to dial 127.0.0.1, a loopback address" in text
        assert resolver.asked == 2
        assert server.requests == []


@pytest.mark.parametrize("status", [301, 307])
async def test_redirects_to_elsewhere(status: int) -> None:
    async with serving(answer(200)) as goal, serving(answer(status, Location="http://169.254.169.254/")) as bad:
        assert "link-local" in await refused(hook(bad.url))
        there = answer(status, Location=f"http://localhost:{goal.port}/")
        back = answer(status, Location=f"{goal.url}/")
        told = notify()
        async with serving(there) as first, serving(back) as second:
            sender = hook(first.url)
            await sender.send(told, told.alerts)
            await sender.aclose()
            with at(Level.INTERNAL):
                assert "loopback" in await refused(hook(first.url))
                # The same host as the configuration names is no stranger.
                sender = hook(second.url)
                await sender.send(told, told.alerts)
                await sender.aclose()
        assert len(goal.requests) == 2


async def test_through_a_proxy_only_addresses_are_judged() -> None:
    async with serving(answer(200)) as proxy:
        client = Client(HttpConfig(proxy_url=parse(proxy.url)), {})
        with at(Level.INTERNAL):
            await client.post("http://name.example/", b"", {}, influenced=True)
            for host in ("127.0.0.1", "[::1]", "2130706433"):
                with pytest.raises(SendError, match="loopback"):
                    await client.post(f"http://{host}/", b"", {}, influenced=True)
        assert [request.target for request in proxy.requests] == ["http://name.example/"]
        await client.aclose()


async def test_sns_too() -> None:
    config = SnsConfig(api_url="http://{{ .CommonLabels.host }}/", topic_arn="t", http_config=HttpConfig())
    environment = {"AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    text = await refused(sns.build(config, "http://am", Renderer(), environment), host="169.254.169.254")
    assert "refused to dial 169.254.169.254" in text


def test_levels_are_those_of_the_settings() -> None:
    from ampp.config.settings import load_settings

    for level in destination.Level:
        assert load_settings("", {"AMPP_NETWORK_REFUSE": level.value}).network.refuse == level.value
    assert destination.Level(load_settings("", {}).network.refuse) is Level.LINK_LOCAL
