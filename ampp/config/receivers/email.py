"""`email_configs`: one mail per notification."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import HostAndPort, HostPort
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.http import OAuth2, TlsOrNone, canonical_header, check_oauth2
from ampp.config.kind import Flag, FlagOrNone, SecretText, Text, TextMap
from ampp.config.receivers.entry import Entry, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP, Section, Struct
from ampp.core.quote import go_quote

__all__ = ["EmailConfig", "Threading"]


class Threading(Section, frozen=True, kw_only=True):
    """Whether mails of one group refer to one another, and whether that begins anew every day."""

    go: ClassVar[str] = "config.ThreadingConfig"
    custom: ClassVar[bool] = False

    enabled: Flag = False
    thread_by_date: Text = ""


class EmailConfig(Entry, frozen=True, kw_only=True):
    """`force_implicit_tls` None: implicit TLS exactly on port 465. `headers` have canonical names.

    `auth_xoauth2` is ours: where to fetch the token by which `auth_username` authenticates.
    """

    type: ClassVar[str] = "email"

    send_resolved: Annotated[Flag, KEEP] = False
    to: Text = ""
    from_: Text = ""
    hello: Text = ""
    smarthost: HostAndPort = HostPort()
    auth_username: Text = ""
    auth_password: SecretText = Secret()
    auth_password_file: Text = ""
    auth_secret: SecretText = Secret()
    auth_secret_file: Text = ""
    auth_identity: Text = ""
    auth_xoauth2: Annotated[OAuth2 | None, Struct(OAuth2, outer="*config.OAuth2")] = None
    headers: TextMap = {}
    html: Text = template("email.default.html")
    text: Text = ""
    require_tls: FlagOrNone = None
    tls_config: TlsOrNone = None
    force_implicit_tls: FlagOrNone = None
    threading: Annotated[Threading, Struct(Threading, pointer=False)] = Threading()

    def settle(self) -> Self:
        if not self.to:
            raise Invalid("missing to address in email config")
        if self.auth_xoauth2 is not None:
            check_oauth2(self.auth_xoauth2)
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            canonical = canonical_header(name)
            if canonical in headers:
                raise Invalid(f"duplicate header {go_quote(canonical)} in email config", field="headers")
            headers[canonical] = value
        if self.threading.enabled:
            for name in ("References", "In-Reply-To"):
                if name in headers:
                    raise Invalid(
                        f"conflicting configuration: threading.enabled conflicts with custom {name} header",
                        field="headers",
                    )
            if self.threading.thread_by_date not in ("none", "daily"):
                raise Invalid("threading.thread_by_date must be either 'none' or 'daily'", field="threading")
        return replace(self, headers=headers)

    def inherit(self, base: Global) -> Self:
        smarthost = self.smarthost or base.smtp_smarthost
        if not smarthost:
            raise Invalid("no global SMTP smarthost set", hint="set smarthost here or smtp_smarthost in global")
        sender = self.from_ or base.smtp_from
        if not sender:
            raise Invalid("no global SMTP from set", hint="set from here or smtp_from in global")
        password = self if self.auth_password or self.auth_password_file else None
        secret = self if self.auth_secret or self.auth_secret_file else None
        implicit = self.force_implicit_tls
        return replace(
            self,
            tls_config=self.tls_config or base.smtp_tls_config,
            smarthost=smarthost,
            from_=sender,
            hello=self.hello or base.smtp_hello,
            auth_username=self.auth_username or base.smtp_auth_username,
            auth_password=password.auth_password if password else base.smtp_auth_password,
            auth_password_file=password.auth_password_file if password else base.smtp_auth_password_file,
            auth_secret=secret.auth_secret if secret else base.smtp_auth_secret,
            auth_secret_file=secret.auth_secret_file if secret else base.smtp_auth_secret_file,
            auth_identity=self.auth_identity or base.smtp_auth_identity,
            require_tls=base.smtp_require_tls if self.require_tls is None else self.require_tls,
            force_implicit_tls=base.smtp_force_implicit_tls if implicit is None else implicit,
        )
