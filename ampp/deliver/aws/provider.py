"""Whose credentials sign: what the configuration says, else what stands in the places where Amazon's tools look.

The order is that of Amazon's client for Go: keys in the configuration; the profile it names; keys in the environment;
a web identity there; the profile that the environment names, or `default`; the container's; the machine's. A role to
take on top of that is then asked for from STS. Not supported, and said so: single sign-on, `credential_process`, MFA.

Files are read for every request, so that rotated keys are taken up. What a service has given is kept until five
minutes before its end.
"""

import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree

import msgspec
import trio

from ampp.config.receivers.sns import Sigv4
from ampp.config.secret import Secret
from ampp.core.clock import MINUTE
from ampp.core.timestamp import parse_rfc3339
from ampp.deliver.aws import profile
from ampp.deliver.aws.place import address, truth
from ampp.deliver.aws.query import ask, member
from ampp.deliver.aws.signature import Credentials
from ampp.deliver.http import Answer, Client
from ampp.deliver.secret import SecretError
from ampp.deliver.sender import SendError

__all__ = ["Provider"]

_EARLY: Final = 5 * MINUTE
_STS_VERSION: Final = "2011-06-15"
_CONTAINER: Final = "http://169.254.170.2"
_CONTAINER_HOSTS: Final = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")
_MACHINE: Final = "http://169.254.169.254"
_MACHINE_WAIT: Final = 5.0
"""Seconds until a machine counts as none of Amazon's."""


class _Given(msgspec.Struct, rename=lambda name: name.replace("_", "")):
    """What containers and machines are given, in JSON whose names may be in any case, as Go takes them."""

    access_key_id: str = ""
    secret_access_key: str = ""
    token: str = ""
    expiration: str = ""


class Provider:
    """Finds credentials and region for one integration. `wall` tells the time in nanoseconds."""

    def __init__(
        self, config: Sigv4, client: Client, environment: Mapping[str, str], wall: Callable[[], int] = time.time_ns
    ) -> None:
        self._config = config
        self._client = client
        self._environment = environment
        self._wall = wall
        self._kept: dict[str, tuple[str, Credentials]] = {}
        self._fetching = trio.Lock()

    async def region(self) -> str:
        """The region to talk to. Raises `SendError`, to be tried again, if nothing names one."""
        environment = self._environment
        region = self._config.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        if not region:
            profiles = await self._profiles()
            name = self._config.profile or profile.chosen(environment) or "default"
            region = profiles.get(name, {}).get("region")
        if not region:
            raise SendError("region not configured in sns.sigv4.region or in default credentials chain", retry=True)
        return region

    async def credentials(self, region: str) -> Credentials:
        """Credentials that are good now; STS is asked in `region`. Raises `SendError`."""
        config, environment = self._config, self._environment
        if config.access_key:
            found = Credentials(config.access_key, config.secret_key)
        elif config.profile:
            found = await self._of_profile(config.profile, region, ())
        elif (keys := self._of_environment()) is not None:
            found = keys
        elif path := environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            role, session = environment.get("AWS_ROLE_ARN", ""), environment.get("AWS_ROLE_SESSION_NAME", "")
            found = await self._web_identity(path, role, session, region)
        else:
            found = await self._of_profile(profile.chosen(environment), region, ())
        if config.role_arn:
            found = await self._role(found, region, config.role_arn, config.external_id)
        return found

    async def _profiles(self) -> dict[str, dict[str, str]]:
        return await self._client.files.run(partial(profile.read, self._environment))

    async def _of_profile(self, name: str, region: str, seen: tuple[str, ...]) -> Credentials:
        """`name` "" is the default profile, which need not exist; `seen` are those that lead here."""
        profiles = await self._profiles()
        if name and name not in profiles:
            raise SendError(f"failed to get shared config profile, {name}", retry=True)
        name = name or "default"
        has = profiles.get(name, {})
        keys = _keys(has.get("aws_access_key_id"), has.get("aws_secret_access_key"), has.get("aws_session_token"))
        source = has.get("source_profile", "")
        if seen and keys is not None:
            return keys
        if name in seen:
            raise SendError(f"profile {name} has no credentials, but is its own source_profile", retry=True)
        role = has.get("role_arn", "")
        if role and has.get("mfa_serial"):
            raise SendError(f"profile {name}: roles that need MFA are not supported", retry=True)
        if source:
            keys = await self._of_profile(source, region, (*seen, name))
        elif keys is None and (path := has.get("web_identity_token_file")):
            return await self._web_identity(path, role, has.get("role_session_name", ""), region)
        if keys is None:
            keys = await self._of_surroundings(name, has)
        if role:
            session, length = has.get("role_session_name", ""), has.get("duration_seconds", "")
            return await self._role(keys, region, role, has.get("external_id", ""), session, length)
        return keys

    async def _of_surroundings(self, name: str, has: Mapping[str, str]) -> Credentials:
        """What the profile points at outside of the files, or what there is if it points at nothing."""
        source = has.get("credential_source", "")
        if source == "Environment":
            keys = self._of_environment()
            if keys is None:
                raise SendError(f"profile {name}: the environment has no AWS credentials", retry=True)
            return keys
        if not source:
            for key in ("sso_session", "sso_start_url", "credential_process", "login_session"):
                if has.get(key):
                    raise SendError(f"profile {name}: {key} is not supported", retry=True)
        environment = self._environment
        relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = _CONTAINER + relative if relative else environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        if source == "EcsContainer" or (url and not source):
            return await self._fetched(f"container {url}", "", partial(self._of_container, url))
        if source not in ("", "Ec2InstanceMetadata"):
            raise SendError(
                f"profile {name}: invalid credential_source {source}, must be Ec2InstanceMetadata, Environment or "
                "EcsContainer",
                retry=True,
            )
        return await self._fetched("machine", "", self._of_machine)

    def _of_environment(self) -> Credentials | None:
        have = self._environment.get
        return _keys(
            have("AWS_ACCESS_KEY_ID") or have("AWS_ACCESS_KEY"),
            have("AWS_SECRET_ACCESS_KEY") or have("AWS_SECRET_KEY"),
            have("AWS_SESSION_TOKEN"),
        )

    async def _fetched(self, what: str, of: str, fetch: Callable[[], Awaitable[Credentials]]) -> Credentials:
        """What `fetch` brings, or brought, if it is still good and `of`, the key it was fetched with, is the same."""
        async with self._fetching:
            before, kept = self._kept.get(what, ("", None))
            if kept is None or before != of or self._wall() > kept.ends - _EARLY:
                kept = await fetch()
                self._kept[what] = (of, kept)
            return kept

    async def _role(
        self, source: Credentials, region: str, role: str, external_id: str, session: str = "", seconds: str = ""
    ) -> Credentials:
        fields = {"Action": "AssumeRole", "RoleArn": role, "RoleSessionName": session or self._session()}
        fields["DurationSeconds"] = seconds or "900"
        if external_id:
            fields["ExternalId"] = external_id
        return await self._fetched(f"role {role}", source.key, partial(self._sts, fields, source, region))

    async def _web_identity(self, path: str, role: str, session: str, region: str) -> Credentials:
        try:
            token = await self._client.files.untrimmed(path)
        except SecretError as error:
            raise SendError(f"failed to read web identity token: {str(error).partition(': ')[2]}", retry=True) from None
        fields = {"Action": "AssumeRoleWithWebIdentity", "RoleArn": role, "WebIdentityToken": token}
        fields["RoleSessionName"] = session or self._session()
        return await self._fetched(f"web identity {role}", token, partial(self._sts, fields, None, region))

    def _session(self) -> str:
        # Named as Amazon's client for Go names it, because policies may ask for the name.
        return f"aws-go-sdk-{self._wall()}"

    async def _sts(self, fields: Mapping[str, str], source: Credentials | None, region: str) -> Credentials:
        answer: ElementTree.Element = await ask(
            self._client,
            address("sts", region, self._environment),
            {**fields, "Version": _STS_VERSION},
            source,
            region=region,
            service="sts",
            wall=self._wall(),
        )
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        return _temporary(*(member(answer, name) for name in names))

    async def _of_container(self, url: str) -> Credentials:
        parts = urlsplit(url)
        if parts.scheme != "https" and not _local(parts.hostname or ""):
            raise SendError("AWS_CONTAINER_CREDENTIALS_FULL_URI: only loopback/ecs/eks hosts are allowed", retry=True)
        authorization = self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        if path := self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            try:
                authorization = await self._client.files.untrimmed(path)
            except SecretError as error:
                raise SendError(f"failed to read authorization token: {error}", retry=True) from None
        headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
        return _given(await self._get("GET", url, headers))

    async def _of_machine(self) -> Credentials:
        """By the second version of the metadata service, which wants a token."""
        environment = self._environment
        if truth(environment, "AWS_EC2_METADATA_DISABLED"):
            raise SendError("no AWS credentials found (access to EC2 IMDS is disabled)", retry=True)
        base = (environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _MACHINE).rstrip("/") + "/latest"
        with trio.move_on_after(_MACHINE_WAIT):
            token = await self._get("PUT", f"{base}/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "300"})
            headers = {"X-aws-ec2-metadata-token": token.body.decode("ascii", "replace")}
            where = f"{base}/meta-data/iam/security-credentials/"
            roles = await self._get("GET", where, headers)
            role = roles.body.decode(errors="replace").split("\n")[0].strip()
            return _given(await self._get("GET", where + role, headers))
        raise SendError("no AWS credentials found (no answer from EC2 IMDS)", retry=True)

    async def _get(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        answer = await self._client.request(method, url, b"" if method == "PUT" else None, headers)
        if answer.status != 200:
            raise SendError(f"no AWS credentials found (status code {answer.status})", retry=True)
        return answer


def _keys(key: str | None, secret: str | None, token: str | None) -> Credentials | None:
    return Credentials(key, Secret(secret), Secret(token or "")) if key and secret else None


def _given(answer: Answer) -> Credentials:
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, object])
        given = msgspec.convert({name.lower(): value for name, value in told.items() if value is not None}, _Given)
    except msgspec.DecodeError as error:
        raise SendError(f"no AWS credentials found ({error})", retry=True) from None
    return _temporary(given.access_key_id, given.secret_access_key, given.token, given.expiration)


def _temporary(key: str, secret: str, token: str, ends: str) -> Credentials:
    try:
        end = parse_rfc3339(ends)[0]
    except ValueError:
        end = 0
    if not key or not secret:
        raise SendError("the AWS credentials that were given are empty", retry=True)
    return Credentials(key, Secret(secret), Secret(token), end)


def _local(host: str) -> bool:
    if host in ("localhost", *_CONTAINER_HOSTS):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
