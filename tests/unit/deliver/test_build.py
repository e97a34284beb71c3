"""From a configuration to senders."""

import pytest

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.plan import Integration
from ampp.deliver import integrations
from ampp.deliver.integrations.webhook import Webhook
from ampp.deliver.sender import BuildError, Sender, Senders, Unsendable
from ampp.template.renderer import Renderer


def build(text: str) -> Senders:
    config = load(text)
    return integrations.build(config, compile_plan(config), "http://am:9093", Renderer())


async def close(senders: Senders) -> None:
    for sender in senders.values():
        if not isinstance(sender, Unsendable):
            await sender.aclose()


CONFIG = """
route:
  receiver: a
  routes: [{receiver: b, matchers: [x=y]}]
receivers:
- name: a
  slack_configs: [{api_url: "http://x/", channel: c}]
  webhook_configs:
  - url: http://x/
  - url: http://y/
    send_resolved: false
    http_config: {tls_config: {ca_file: CA}}
- name: b
- name: unused
  webhook_configs:
  - url: http://x/
    http_config: {tls_config: {ca_file: missing}}
"""


async def test_used_receivers_get_senders_in_build_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrations, "FACTORIES", {"webhook": integrations.FACTORIES["webhook"]})
    senders = build(CONFIG.replace("http_config: {tls_config: {ca_file: CA}}", ""))
    assert {to: type(sender) for to, sender in senders.items()} == {
        Integration("a", "webhook", 0, True): Webhook,
        Integration("a", "webhook", 1, False): Webhook,
        Integration("a", "slack", 0, False): Unsendable,
    }
    assert [to.name for to in senders] == ["webhook", "webhook", "slack"]
    assert senders[Integration("a", "slack", 0, False)] == Unsendable("this version cannot send to slack receivers")
    await close(senders)


def test_a_used_receiver_with_a_missing_file_stops_the_build() -> None:
    with pytest.raises(BuildError) as caught:
        build(CONFIG)
    assert str(caught.value) == (
        "receiver a, webhook[1]: unable to read CA cert: unable to read file CA: open CA: no such file or directory"
    )


async def test_a_registered_type_can_send(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def factory(entry: object, external_url: str, renderer: Renderer) -> Sender | Unsendable:
        made.append((entry, external_url))
        return Unsendable("but not today")

    monkeypatch.setattr(integrations, "FACTORIES", {**integrations.FACTORIES, "slack": factory})
    senders = build(CONFIG.replace("http_config: {tls_config: {ca_file: CA}}", ""))
    assert senders[Integration("a", "slack", 0, False)] == Unsendable("but not today")
    assert len(made) == 1
    await close(senders)
