"""`pagerduty_configs`: an event by Events API v2, or v1 when a service key is given."""

from typing import Annotated, ClassVar, Final, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import AnyMap, GoDuration, SecretText, Text
from ampp.config.receivers.entry import HttpEntry, either, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP, Section, Sections

__all__ = ["PagerdutyConfig", "PagerdutyImage", "PagerdutyLink"]

_DETAILS: Final = {
    "firing": "{{ .Alerts.Firing | toJson }}",
    "resolved": "{{ .Alerts.Resolved | toJson }}",
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}


class PagerdutyImage(Section, frozen=True, kw_only=True):
    """A picture shown with the incident."""

    go: ClassVar[str] = "pagerduty.PagerdutyImage"
    custom: ClassVar[bool] = False

    src: Text = ""
    alt: Text = ""
    href: Text = ""


class PagerdutyLink(Section, frozen=True, kw_only=True):
    """A link shown with the incident."""

    go: ClassVar[str] = "pagerduty.PagerdutyLink"
    custom: ClassVar[bool] = False

    href: Text = ""
    text: Text = ""


class PagerdutyConfig(HttpEntry, frozen=True, kw_only=True):
    """`details` always hold the four default entries unless replaced; `source` falls back to `client`."""

    go: ClassVar[str] = "pagerduty.plain"
    type: ClassVar[str] = "pagerduty"

    service_key: SecretText = Secret()
    service_key_file: Text = ""
    routing_key: SecretText = Secret()
    routing_key_file: Text = ""
    url: WebUrl = None
    client: Text = template("pagerduty.default.client")
    client_url: Text = template("pagerduty.default.clientURL")
    description: Text = '{{ template "pagerduty.default.description" .}}'
    details: AnyMap = {}
    images: Annotated[tuple[PagerdutyImage, ...], Sections(PagerdutyImage, "[]pagerduty.PagerdutyImage")] = ()
    links: Annotated[tuple[PagerdutyLink, ...], Sections(PagerdutyLink, "[]pagerduty.PagerdutyLink")] = ()
    source: Text = ""
    severity: Text = ""
    class_: Text = ""
    component: Text = ""
    group: Text = ""
    timeout: Annotated[GoDuration, KEEP] = 0

    def settle(self) -> Self:
        if not (self.routing_key or self.service_key or self.routing_key_file or self.service_key_file):
            raise Invalid("missing service or routing key in PagerDuty config")
        if wrong := either(self.routing_key, self.routing_key_file, "routing_key"):
            raise Invalid(wrong, field="routing_key_file")
        if wrong := either(self.service_key, self.service_key_file, "service_key"):
            raise Invalid(wrong, field="service_key_file")
        return replace(self, source=self.source or self.client, details=_DETAILS | self.details)

    def inherit(self, base: Global) -> Self:
        url = self.url or base.pagerduty_url
        if url is None:
            raise Invalid("no global PagerDuty URL set")
        return replace(self, http_config=self.http_config or base.http_config, url=url)
