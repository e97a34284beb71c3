"""`sns_configs`: a message published with Amazon SNS."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Flag, SecretText, Text, TextMap
from ampp.config.receivers.entry import HttpEntry, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP, Section, Struct

__all__ = ["Sigv4", "SnsConfig"]


class Sigv4(Section, frozen=True, kw_only=True):
    """Whose AWS credentials sign the request; what is empty comes from the usual AWS places."""

    go: ClassVar[str] = "sigv4.plain"

    region: Text = ""
    access_key: Text = ""
    secret_key: SecretText = Secret()
    profile: Text = ""
    role_arn: Text = ""
    external_id: Text = ""
    use_fips_sts_endpoint: Flag = False
    service_name: Text = ""

    def settle(self) -> Self:
        if bool(self.access_key) != bool(self.secret_key):
            raise Invalid(
                "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config"
            )
        if self.external_id and not self.role_arn:
            raise Invalid("external_id can only be used with role_arn", field="external_id")
        return self


class SnsConfig(HttpEntry, frozen=True, kw_only=True):
    """To a topic, a phone number or an endpoint."""

    go: ClassVar[str] = "sns.plain"
    type: ClassVar[str] = "sns"

    api_url: Text = ""
    sigv4: Annotated[Sigv4, Struct(Sigv4, pointer=False, outer="sigv4.SigV4Config"), KEEP] = Sigv4()
    topic_arn: Text = ""
    phone_number: Text = ""
    target_arn: Text = ""
    subject: Text = template("sns.default.subject")
    message: Text = template("sns.default.message")
    attributes: TextMap = {}
    use_aws_http_client: Flag = False

    def settle(self) -> Self:
        # Upstream compares the three pairwise, so that none or two fail but all three pass.
        if (not self.target_arn) ^ (not self.topic_arn) ^ (not self.phone_number):
            raise Invalid("must provide either a Target ARN, Topic ARN, or Phone Number for SNS config")
        return self

    def inherit(self, base: Global) -> Self:
        return replace(self, http_config=self.http_config or base.http_config)
