"""`pushover_configs`: a push message to phones."""

from typing import ClassVar, Self

from msgspec.structs import replace

from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Flag, SecretText, Text, TextDuration
from ampp.config.receivers.entry import HttpEntry, either, template
from ampp.config.secret import Secret
from ampp.core.clock import HOUR, MINUTE

__all__ = ["PushoverConfig"]


class PushoverConfig(HttpEntry, frozen=True, kw_only=True):
    """`retry`, `expire` and `ttl` in nanoseconds; a `ttl` of 0 is not sent."""

    go: ClassVar[str] = "pushover.plain"
    type: ClassVar[str] = "pushover"

    user_key: SecretText = Secret()
    user_key_file: Text = ""
    token: SecretText = Secret()
    token_file: Text = ""
    title: Text = template("pushover.default.title")
    message: Text = template("pushover.default.message")
    url: Text = template("pushover.default.url")
    url_title: Text = ""
    device: Text = ""
    sound: Text = ""
    priority: Text = '{{ if eq .Status "firing" }}2{{ else }}0{{ end }}'
    retry: TextDuration = MINUTE
    expire: TextDuration = HOUR
    ttl: TextDuration = 0
    html: Flag = False
    monospace: Flag = False

    def settle(self) -> Self:
        for inline, file, key in (
            (self.user_key, self.user_key_file, "user_key"),
            (self.token, self.token_file, "token"),
        ):
            if wrong := either(inline, file, key, f"one of {key} or {key}_file must be configured"):
                raise Invalid(wrong)
        if self.html and self.monospace:
            raise Invalid("at most one of monospace & html must be configured", field="monospace")
        return self

    def inherit(self, base: Global) -> Self:
        return replace(self, http_config=self.http_config or base.http_config)
