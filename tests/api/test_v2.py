"""API v2 over real HTTP against a whole daemon. Shapes and texts as captured from Alertmanager (interfaces 3)."""

import re

import httpx
import pytest

from tests.api.conftest import Start

ALERTS = [
    {
        "labels": {"alertname": "Disk", "instance": "i1", "job": "node", "severity": "critical"},
        "annotations": {"summary": 'disk <full> & "bad"', "gone": ""},
        "generatorURL": "http://prom/graph?a=1&b=2",
        "startsAt": "2026-01-01T00:00:00.123456+02:00",
        "endsAt": "2099-01-01T00:00:00Z",
    },
    {"labels": {"alertname": "Disk", "instance": "i2", "job": "node", "severity": "warning", "empty": ""}},
    {"labels": {"alertname": "DB", "service": "db"}},
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")


@pytest.fixture
async def loaded(client: httpx.AsyncClient) -> httpx.AsyncClient:
    response = await client.post("/api/v2/alerts", json=ALERTS)
    assert (response.status_code, response.content) == (200, b"")
    assert "content-type" not in response.headers
    return client


async def names(client: httpx.AsyncClient, query: str, what: str = "alerts") -> list[str]:
    response = await client.get(f"/api/v2/{what}?{query}")
    assert response.status_code == 200, response.text
    return sorted(alert["labels"].get("instance", alert["labels"]["alertname"]) for alert in response.json())


async def test_an_alert_in_upstream_s_order_with_upstream_s_escapes(loaded: httpx.AsyncClient) -> None:
    response = await loaded.get("/api/v2/alerts?filter=instance=i1")
    updated = response.json()[0]["updatedAt"]
    assert TIME.fullmatch(updated)
    assert response.text == (
        '[{"annotations":{"gone":"","summary":"disk \\u003cfull\\u003e \\u0026 \\"bad\\""},'
        '"endsAt":"2099-01-01T00:00:00.000Z","fingerprint":"44165679e9a3f753","receivers":[{"name":"team-X"}],'
        '"startsAt":"2026-01-01T00:00:00.123+02:00",'
        '"status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"},'
        f'"updatedAt":"{updated}","generatorURL":"http://prom/graph?a=1\\u0026b=2",'
        '"labels":{"alertname":"Disk","instance":"i1","job":"node","severity":"critical"}}]\n'
    ).replace("44165679e9a3f753", response.json()[0]["fingerprint"])
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Origin"


async def test_alerts_come_by_fingerprint_with_the_status_of_the_moment(loaded: httpx.AsyncClient) -> None:
    alerts = (await loaded.get("/api/v2/alerts")).json()
    fingerprints = [alert["fingerprint"] for alert in alerts]
    assert fingerprints == sorted(fingerprints)
    by_instance = {alert["labels"].get("instance"): alert for alert in alerts}
    assert by_instance["i2"]["status"]["state"] == "suppressed"
    assert by_instance["i2"]["status"]["inhibitedBy"] == [by_instance["i1"]["fingerprint"]]
    assert "empty" not in by_instance["i2"]["labels"]
    assert "generatorURL" not in by_instance["i2"]

    silence = await silenced(loaded, "instance", "i1")
    [alert] = (await loaded.get("/api/v2/alerts?filter=instance=i1")).json()
    assert alert["status"] == {"inhibitedBy": [], "mutedBy": [], "silencedBy": [silence], "state": "suppressed"}
    assert (await loaded.delete(f"/api/v2/silence/{silence}")).status_code == 200
    [alert] = (await loaded.get("/api/v2/alerts?filter=instance=i1")).json()
    assert alert["status"]["state"] == "active"


async def silenced(client: httpx.AsyncClient, name: str, value: str) -> str:
    body = {
        "matchers": [{"name": name, "value": value, "isRegex": False}],
        "startsAt": "0001-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "me",
        "comment": "<c>",
    }
    response = await client.post("/api/v2/silences", json=body)
    assert response.status_code == 200, response.text
    return str(response.json()["silenceID"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["DB", "i1", "i2"]),
        ("active=false", ["i2"]),
        ("active=0&active=maybe", ["i2"]),
        ("active=false&active=YES", ["DB", "i1", "i2"]),
        ("inhibited=off", ["DB", "i1"]),
        ("unprocessed=false&group=x&muted=false", ["DB", "i1", "i2"]),
        ("filter=alertname=Disk&filter=instance!=i1", ["i2"]),
        ('filter=severity=""', ["DB"]),
        ('filter=severity!=""', ["i1", "i2"]),
        ("filter=instance%3D~i.", ["i1", "i2"]),
        ("receiver=team-[YZ]", ["DB"]),
        ("receiver=team", []),
        ("receiver=", ["DB", "i1", "i2"]),
    ],
)
async def test_filters(loaded: httpx.AsyncClient, query: str, expected: list[str]) -> None:
    assert await names(loaded, query) == expected


async def test_groups(loaded: httpx.AsyncClient) -> None:
    response = await loaded.get("/api/v2/alerts/groups")
    groups = response.json()
    assert [(group["labels"], group["receiver"], group["routeLabels"]) for group in groups] == [
        ({"alertname": "DB"}, {"name": "team-Y"}, {"tier": "data"}),
        ({"alertname": "Disk"}, {"name": "team-X"}, {}),
    ]
    assert [list(group) for group in groups] == [["alerts", "labels", "receiver", "routeLabels"]] * 2
    assert [alert["labels"]["instance"] for alert in groups[1]["alerts"]] == ["i1", "i2"]
    assert (await loaded.get("/api/v2/alerts/groups?receiver=nobody")).text == "[]\n"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("alerts?filter=foo", '"bad matcher format: foo"'),
        ("alerts?filter=", '"bad matcher format: "'),
        ("silences?filter=foo", '"bad matcher format: foo"'),
        ('alerts/groups?filter={a="2"}', '"unexpected open or close brace: {a=\\"2\\"}"'),
        (
            "alerts?receiver=(",
            '"failed to parse receiver param: error parsing regexp: missing closing ): `^(?:()$`"',
        ),
        ("receivers?receiver_matchers=x", '"failed to parse receiver_matchers param: bad matcher format: x"'),
    ],
)
async def test_bad_parameters(client: httpx.AsyncClient, path: str, body: str) -> None:
    response = await client.get(f"/api/v2/{path}")
    assert (response.status_code, response.text) == (400, body + "\n")
    assert response.headers["content-type"] == "application/json"


async def test_invalid_alerts_are_all_named_and_the_valid_ones_kept(client: httpx.AsyncClient) -> None:
    posts = [
        {"labels": {}},
        {"labels": {"alertname": "good"}},
        {"labels": {"alertname": "x"}, "startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"},
    ]
    response = await client.post("/api/v2/alerts", json=posts)
    assert response.status_code == 400
    assert response.json() == "at least one label pair required\nstart time must be before end time"
    assert await names(client, "") == ["good"]


async def test_silences_from_first_to_last(client: httpx.AsyncClient) -> None:
    silence = await silenced(client, "a", "b")
    [shown] = (await client.get("/api/v2/silences?filter=a=b")).json()
    assert list(shown) == ["id", "status", "updatedAt", "comment", "createdBy", "endsAt", "matchers", "startsAt"]
    assert shown["id"] == silence
    assert shown["status"] == {"state": "active"}
    assert shown["matchers"] == [{"isEqual": True, "isRegex": False, "name": "a", "value": "b"}]
    assert '"comment":"\\u003cc\\u003e"' in (await client.get(f"/api/v2/silence/{silence}")).text
    assert (await client.get("/api/v2/silences?filter=a%3D~b")).json() == []
    assert (await client.get("/api/v2/silences?active=false")).json() == []

    assert (await client.delete(f"/api/v2/silence/{silence}")).content == b""
    assert (await client.get(f"/api/v2/silence/{silence}")).json()["status"] == {"state": "expired"}
    assert (await client.delete(f"/api/v2/silence/{silence}")).status_code == 200


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
async def test_unknown_silences(client: httpx.AsyncClient, verb: str) -> None:
    response = await client.request(verb, "/api/v2/silence/a131958c-44f5-42fb-8c7b-f1af4a85a3a1")
    assert (response.status_code, response.content) == (404, b"")
    assert "content-type" not in response.headers
    response = await client.request(verb, "/api/v2/silence/abc/")
    assert response.status_code == 422
    assert response.json() == {"code": 601, "message": 'silenceID in path must be of type uuid: "abc"'}


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"endsAt": "2020-01-01T00:00:00Z"}, 400, "Failed to create silence: start time must be before end time"),
        (
            {"startsAt": "2019-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:00Z"},
            400,
            "Failed to create silence: end time can't be in the past",
        ),
        ({"id": "x"}, 404, "silence not found"),
        (
            {"matchers": [{"name": "", "value": "x", "isRegex": False}]},
            400,
            'invalid silence: invalid label matcher 0 in set 0: invalid label name ""',
        ),
        (
            {"matchers": [{"name": "a", "value": "b(", "isRegex": True}]},
            400,
            'invalid silence: invalid label matcher 0 in set 0: invalid regular expression "b(": '
            "error parsing regexp: missing closing ): `b(`",
        ),
    ],
)
async def test_silences_that_break_a_rule(
    client: httpx.AsyncClient, change: dict[str, object], status: int, message: str
) -> None:
    body = {
        "matchers": [{"name": "a", "value": "b", "isRegex": False}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "",
        "comment": "",
    }
    response = await client.post("/api/v2/silences", json=body | change)
    assert (response.status_code, response.text) == (status, response.text)
    assert response.json() == message


async def test_status_and_receivers(client: httpx.AsyncClient) -> None:
    status = (await client.get("/api/v2/status/")).json()
    assert list(status) == ["cluster", "config", "uptime", "versionInfo"]
    assert status["cluster"] == {"peers": [], "status": "disabled"}
    assert status["config"]["original"].startswith("global:\n")
    assert TIME.fullmatch(status["uptime"])
    assert status["versionInfo"]["version"] == "0.34.0"
    receivers = (await client.get("/api/v2/receivers")).json()
    assert [receiver["name"] for receiver in receivers] == ["team-X", "team-Y", "unused"]


async def test_the_openapi_document_describes_the_live_routes(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v2/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        probe = "/api/v2" + path.replace("{silenceID}", "a131958c-44f5-42fb-8c7b-f1af4a85a3a1")
        allowed = (await client.request("PATCH", probe)).headers["allow"]
        assert sorted(allowed.lower().split(",")) == sorted(operations), path


async def test_the_openapi_document_describes_every_answer(loaded: httpx.AsyncClient) -> None:
    silence = await silenced(loaded, "instance", "i1")
    schemas = (await loaded.get("/api/v2/openapi.json")).json()["components"]["schemas"]
    for path, name in [
        ("status", "Status"),
        ("receivers", "Receiver"),
        ("alerts", "Alert"),
        ("alerts/groups", "AlertGroup"),
        ("silences", "Silence"),
        (f"silence/{silence}", "Silence"),
    ]:
        answer = (await loaded.get(f"/api/v2/{path}")).json()
        for shown in answer if isinstance(answer, list) else [answer]:
            assert set(schemas[name]["required"]) <= set(shown) <= set(schemas[name]["properties"]), path


async def test_modes_rule_the_matchers(start: Start) -> None:
    from ampp.options import Features

    async with start(features=Features(classic_mode=True)) as client:
        response = await client.post("/api/v2/alerts", json=[{"labels": {"a b": "x"}}])
        assert (response.status_code, response.json()) == (400, 'invalid label set: invalid name "a b"')
        response = await client.get('/api/v2/alerts?filter={a="2"}')
        assert response.json() == 'bad matcher format: {a="2"}'
