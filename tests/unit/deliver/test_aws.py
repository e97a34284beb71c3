"""Amazon's signatures beside the published ones, where credentials come from, and what SNS makes of its answers."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import pytest
import trio

from ampp.config.http import HttpConfig
from ampp.config.receivers.sns import Sigv4, SnsConfig
from ampp.config.secret import Secret
from ampp.core.clock import MINUTE, SECOND
from ampp.core.reason import FailureReason
from ampp.core.timestamp import parse_rfc3339
from ampp.deliver.aws.place import address
from ampp.deliver.aws.provider import Provider
from ampp.deliver.aws.signature import Credentials, signed
from ampp.deliver.http import Client
from ampp.deliver.integrations import sns
from ampp.deliver.message import group_hash
from ampp.deliver.sender import SendError
from ampp.template.renderer import Renderer

from .kit import notify
from .server import Request, Server, answer, hang, serving

WALL = parse_rfc3339("2015-08-30T12:36:00Z")[0]
KEYS = Credentials("AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUu"
    "wthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQc"
    "HNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/o"
    "LxBA=="
)
EXAMPLE = "https://example.amazonaws.com/"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "service", "token", "signature"),
    [
        ("GET", EXAMPLE, {}, b"", "service", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", EXAMPLE, {}, b"", "service", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "POST",
            EXAMPLE,
            {},
            b"",
            "service",
            TOKEN,
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
        (
            *("POST", EXAMPLE, FORM, b"Param1=value1", "service", ""),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            *("GET", EXAMPLE + "?Param2=value2&Param1=value1", {}, b"", "service", ""),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            *("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"),
            *({"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, b"", "iam", ""),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ],
)
def test_published_signatures(
    method: str, url: str, headers: dict[str, str], body: bytes, service: str, token: str, signature: str
) -> None:
    keys = Credentials(KEYS.key, KEYS.secret, Secret(token))
    made = signed(method, url, headers, body, keys, region="us-east-1", service=service, wall=WALL)
    assert made["X-Amz-Date"] == "20150830T123600Z"
    assert made["Authorization"].startswith(
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, SignedHeaders="
    )
    assert made["Authorization"].endswith(f", Signature={signature}")
    assert made.get("X-Amz-Security-Token", "") == token


@pytest.mark.parametrize(
    ("region", "environment", "url"),
    [
        ("eu-west-1", {}, "https://sns.eu-west-1.amazonaws.com"),
        ("cn-north-1", {}, "https://sns.cn-north-1.amazonaws.com.cn"),
        ("us-isob-east-1", {}, "https://sns.us-isob-east-1.sc2s.sgov.gov"),
        ("us-east-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, "https://sns-fips.us-east-1.amazonaws.com"),
        ("us-gov-west-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, "https://sns.us-gov-west-1.amazonaws.com"),
        ("x", {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SNS": "http://one"}, "http://one"),
        ("x", {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_STS": "http://one"}, "http://all"),
    ],
)
def test_places(region: str, environment: dict[str, str], url: str) -> None:
    assert address("sns", region, environment) == url


# Credentials.


class Clock:
    def __init__(self) -> None:
        self.now = WALL

    def __call__(self) -> int:
        return self.now


Make: TypeAlias = Callable[..., Provider]


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes providers, whose connections are closed at the end."""
    clients: list[Client] = []

    def make(environment: dict[str, str] | None = None, clock: Clock | None = None, **config: Any) -> Provider:
        clients.append(Client(HttpConfig()))
        surroundings = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", **(environment or {})}
        return Provider(Sigv4(**config), clients[-1], surroundings, clock or Clock())

    yield make
    for client in clients:
        await client.aclose()


def files(folder: Path, config: str = "", credentials: str = "") -> None:
    (folder / ".aws").mkdir()
    (folder / ".aws/config").write_text(config)
    (folder / ".aws/credentials").write_text(credentials)


def shown(found: Credentials) -> tuple[str, str, str]:
    return found.key, found.secret.reveal(), found.token.reveal()


ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "EK", "AWS_SECRET_ACCESS_KEY": "ES", "AWS_SESSION_TOKEN": "ET"}
PROFILES = """
[default]
aws_access_key_id = DK  # a comment
aws_secret_access_key=DS=/+
[two]
AWS_ACCESS_KEY_ID = TK
aws_secret_access_key = TS
aws_session_token = TT
"""


@pytest.mark.parametrize(
    ("config", "environment", "expected"),
    [
        ({"access_key": "CK", "secret_key": Secret("CS"), "profile": "two"}, ENVIRONMENT, ("CK", "CS", "")),
        ({"profile": "two"}, ENVIRONMENT, ("TK", "TS", "TT")),
        ({}, {**ENVIRONMENT, "AWS_PROFILE": "two"}, ("EK", "ES", "ET")),
        ({}, {"AWS_ACCESS_KEY": "EK", "AWS_SECRET_KEY": "ES"}, ("EK", "ES", "")),
        ({}, {"AWS_ACCESS_KEY_ID": "half"}, ("DK", "DS=/+", "")),
        ({}, {"AWS_DEFAULT_PROFILE": "two"}, ("TK", "TS", "TT")),
        ({"profile": "of-environment"}, ENVIRONMENT, None),
    ],
)
async def test_where_keys_stand(
    tmp_path: Path,
    config: dict[str, object],
    environment: dict[str, str],
    expected: tuple[str, str, str] | None,
    provider: Make,
) -> None:
    files(tmp_path, "[profile two]\nregion = r2\n[profile three]\nregion=r3\n", PROFILES)
    found = provider(environment=environment, **config).credentials("r")
    if expected is not None:
        assert shown(await found) == expected
        return
    with pytest.raises(SendError, match="failed to get shared config profile, of-environment") as caught:
        await found
    assert caught.value.retry


@pytest.mark.parametrize(
    ("config", "environment", "region"),
    [
        ({"region": "cr"}, {"AWS_REGION": "er"}, "cr"),
        ({"profile": "two"}, {"AWS_REGION": "er"}, "er"),
        ({"profile": "two"}, {"AWS_DEFAULT_REGION": "dr"}, "dr"),
        ({"profile": "two"}, {}, "r2"),
        ({}, {"AWS_PROFILE": "two"}, "r2"),
    ],
)
async def test_regions(
    tmp_path: Path, config: dict[str, str], environment: dict[str, str], region: str, provider: Make
) -> None:
    files(tmp_path, "[profile two]\nregion = r2\n")
    assert await provider(environment=environment, **config).region() == region


async def test_no_region_anywhere(provider: Make) -> None:
    with pytest.raises(SendError) as caught:
        await provider().region()
    assert str(caught.value) == "region not configured in sns.sigv4.region or in default credentials chain"
    assert caught.value.retry


def assumed(key: str, ends: str) -> bytes:
    return (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>RS</SecretAccessKey><SessionToken>RT</SessionToken>"
        f"<Expiration>{ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ).encode()


def form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}


async def test_a_role_is_assumed_and_kept_until_shortly_before_its_end(provider: Make) -> None:
    clock = Clock()
    replies = answer(200, assumed("R1", "2015-08-30T12:51:00Z")), answer(200, assumed("R2", "2015-08-30T13:51:00Z"))
    async with serving(*replies) as server:
        found = provider(
            {"AWS_ENDPOINT_URL_STS": server.url},
            clock,
            access_key="CK",
            secret_key=Secret("CS"),
            role_arn="arn:role",
            external_id="x&y",
        )
        assert shown(await found.credentials("eu-west-1")) == ("R1", "RS", "RT")
        clock.now += 10 * MINUTE
        assert shown(await found.credentials("eu-west-1")) == ("R1", "RS", "RT")
        clock.now += SECOND
        assert shown(await found.credentials("eu-west-1")) == ("R2", "RS", "RT")
        assert len(server.requests) == 2
        first = server.requests[0]
        assert form(first) == {
            "Action": "AssumeRole",
            "DurationSeconds": "900",
            "ExternalId": "x&y",
            "RoleArn": "arn:role",
            "RoleSessionName": f"aws-go-sdk-{WALL}",
            "Version": "2011-06-15",
        }
        assert "Credential=CK/20150830/eu-west-1/sts/aws4_request" in (first.header("authorization") or "")


async def test_profiles_lead_to_others(tmp_path: Path, provider: Make) -> None:
    files(
        tmp_path,
        "[profile up]\nrole_arn = arn:up\nsource_profile = base\nrole_session_name = me\nduration_seconds = 1000\n"
        "[profile round]\nrole_arn = arn:r\nsource_profile = round\n"
        "[profile mfa]\nrole_arn = arn:r\nmfa_serial = 1\nsource_profile = base\n"
        "[profile sso]\nsso_session = x\n[profile process]\ncredential_process = x\n"
        "[profile env]\ncredential_source = Environment\nrole_arn = arn:env\n",
        "[base]\naws_access_key_id = BK\naws_secret_access_key = BS\n",
    )
    async with serving(answer(200, assumed("R1", "2015-08-30T12:51:00Z"))) as server:
        surroundings = {"AWS_ENDPOINT_URL_STS": server.url, **ENVIRONMENT}
        assert shown(await provider(environment=surroundings, profile="up").credentials("r"))[0] == "R1"
        assert shown(await provider(environment=surroundings, profile="env").credentials("r"))[0] == "R1"
        up, env = server.requests
        assert (form(up)["RoleArn"], form(up)["RoleSessionName"], form(up)["DurationSeconds"]) == (
            "arn:up",
            "me",
            "1000",
        )
        assert "Credential=BK/" in (up.header("authorization") or "")
        assert "Credential=EK/" in (env.header("authorization") or "")
        assert env.header("x-amz-security-token") == "ET"
    for name, text in (
        ("round", "its own source_profile"),
        ("mfa", "MFA"),
        ("sso", "sso_session is not supported"),
        ("process", "credential_process is not supported"),
    ):
        with pytest.raises(SendError, match=text):
            await provider(environment=surroundings, profile=name).credentials("r")


async def test_a_web_identity(tmp_path: Path, provider: Make) -> None:
    (tmp_path / "token").write_text("jwt")
    async with serving(answer(200, assumed("W1", "2015-08-30T12:51:00Z"))) as server:
        surroundings = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
            "AWS_ROLE_ARN": "arn:web",
            "AWS_ROLE_SESSION_NAME": "pod",
            "AWS_ENDPOINT_URL_STS": server.url,
        }
        assert shown(await provider(environment=surroundings).credentials("r")) == ("W1", "RS", "RT")
        asked = server.requests[0]
        assert asked.header("authorization") is None
        assert form(asked) == {
            "Action": "AssumeRoleWithWebIdentity",
            "RoleArn": "arn:web",
            "RoleSessionName": "pod",
            "Version": "2011-06-15",
            "WebIdentityToken": "jwt",
        }


GIVEN = json.dumps(
    {"AccessKeyId": "GK", "SecretAccessKey": "GS", "Token": "GT", "Expiration": "2015-08-30T13:00:00Z"}
).encode()


async def test_a_container(provider: Make) -> None:
    async with serving(answer(200, GIVEN)) as server:
        surroundings = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/creds",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "auth",
        }
        assert shown(await provider(environment=surroundings).credentials("r")) == ("GK", "GS", "GT")
        asked = server.requests[0]
        assert (asked.method, asked.target, asked.header("authorization")) == ("GET", "/creds", "auth")
    surroundings["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://elsewhere.example/creds"
    with pytest.raises(SendError, match="only loopback/ecs/eks hosts are allowed"):
        await provider(environment=surroundings).credentials("r")


async def test_a_machine(provider: Make) -> None:
    given = GIVEN.replace(b"AccessKeyId", b"accessKeyID").replace(b'"Token"', b'"token"')
    async with serving(answer(200, b"tok"), answer(200, b"role-1\n"), answer(200, given)) as server:
        surroundings = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url, "AWS_EC2_METADATA_DISABLED": "false"}
        assert shown(await provider(environment=surroundings).credentials("r")) == ("GK", "GS", "GT")
        where = "/latest/meta-data/iam/security-credentials/"
        assert [(one.method, one.target, one.header("x-aws-ec2-metadata-token")) for one in server.requests] == [
            ("PUT", "/latest/api/token", None),
            ("GET", where, "tok"),
            ("GET", where + "role-1", "tok"),
        ]
    with pytest.raises(SendError, match="IMDS is disabled"):
        await provider().credentials("r")


# Publishing.


def sender(server: Server, **more: object) -> sns.Sns:
    keys = Sigv4(region="r", access_key="A", secret_key=Secret("S"))
    config = SnsConfig(**{"api_url": server.url, "topic_arn": "arn:t", "sigv4": keys, **more})  # type: ignore[arg-type]
    made = sns.build(config, "http://am:9093", Renderer(), {})
    assert isinstance(made, sns.Sns)
    return made


async def failure(made: sns.Sns) -> SendError:
    told = notify()
    with pytest.raises(SendError) as caught:
        await made.send(told, told.alerts)
    await made.aclose()
    return caught.value


def refusal(code: str, message: str) -> bytes:
    return (
        '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    ).encode()


@pytest.mark.parametrize(
    ("status", "body", "text", "retry", "reason"),
    [
        (400, refusal("InvalidParameter", "no such topic"), ": no such topic", False, FailureReason.CLIENT),
        (403, refusal("AuthorizationError", "no"), ": no", False, FailureReason.AUTH),
        (429, refusal("Other", "slow"), ": slow", False, FailureReason.RATE_LIMITED),
        (500, refusal("InternalError", "oh"), ": oh", True, FailureReason.SERVER),
        (404, b"", ": UnknownError", False, FailureReason.CLIENT),
    ],
)
async def test_refusals(status: int, body: bytes, text: str, retry: bool, reason: FailureReason) -> None:
    async with serving(answer(status, body)) as server:
        error = await failure(sender(server))
        assert (str(error), error.retry, error.reason) == (f"unexpected status code {status}{text}", retry, reason)
        assert len(server.requests) == 1


async def test_what_is_no_xml_is_tried_again() -> None:
    async with serving(answer(404, b"not found")) as server:
        assert (await failure(sender(server))).retry


async def test_throttling_is_asked_again_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 0.001)
    async with serving(answer(400, refusal("Throttling", "Rate exceeded"))) as server:
        error = await failure(sender(server))
        assert (str(error), error.retry) == ("unexpected status code 400: Rate exceeded", False)
        assert len(server.requests) == 3
    async with serving(answer(400, refusal("Throttling", "Rate exceeded")), answer(200, b"<a/>")) as server:
        made, told = sender(server), notify()
        await made.send(told, told.alerts)
        assert len(server.requests) == 2
        await made.aclose()


@pytest.mark.parametrize("key", ["api_url", "topic_arn", "phone_number", "target_arn", "message", "subject"])
async def test_templates_that_fail_are_tried_again(key: str) -> None:
    async with serving(answer(200)) as server:
        error = await failure(sender(server, **{key: "{{ .X }}"}))
        assert str(error).startswith(f"execute '{key}' template: template: :1:3: executing")
        assert (error.retry, error.reason, server.requests) == (True, FailureReason.CLIENT, [])
        error = await failure(sender(server, attributes={"{{ .X }}": "a"}))
        assert str(error).startswith("execute 'attributes' template: ")


async def test_a_first_in_first_out_topic_and_a_long_message() -> None:
    async with serving(answer(200)) as server:
        told = notify(data={"kept": 1})
        made = sender(server, topic_arn="arn:{{ .Status }}.fifo", message="{{ printf `%0300000d` 7 }}", subject="")
        assert await made.send(told, told.alerts) == {"kept": 1}
        says = form(server.requests[0])
        assert says["MessageDeduplicationId"] == says["MessageGroupId"] == group_hash(told)
        assert (says["TopicArn"], len(says["Message"]), "Subject" in says) == ("arn:firing.fifo", 262144, False)
        assert says["MessageAttributes.entry.1.Name"] == "truncated"
        await made.aclose()


async def test_an_attempt_can_be_ended() -> None:
    async with serving(hang) as server:
        made, told = sender(server), notify()
        with trio.move_on_after(0.2) as scope:
            await made.send(told, told.alerts)
        assert scope.cancelled_caught
        await made.aclose()
