"""ampp's own operations over real HTTP: silences, inhibition, receivers, the dashboard and the probes."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import CONFIG, Start
from tests.api.test_history import takes, until
from tests.support.api import rfc3339
from tests.support.schema import fits
from tests.support.sink import Sink

WARNING = {"alertname": "Disk", "instance": "i2", "severity": "warning"}
CRITICAL = {"alertname": "Disk", "instance": "i1", "severity": "critical"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        sink.always("/bad", 422)
        yield sink


def silence(**more: Any) -> dict[str, Any]:
    return {
        "matchers": [{"name": "instance", "value": "i2", "isRegex": False, "isEqual": True}],
        "startsAt": rfc3339(time.time()),
        "endsAt": rfc3339(time.time() + 3600),
        "createdBy": "ops",
        "comment": "disk swap",
        **more,
    }


async def put(client: httpx.AsyncClient, **more: Any) -> str:
    response = await client.post("/api/v2/silences", json=silence(**more))
    assert response.status_code == 200, response.text
    made: str = response.json()["silenceID"]
    return made


@pytest.fixture
async def loaded(client: httpx.AsyncClient) -> httpx.AsyncClient:
    posted = await client.post("/api/v2/alerts", json=[{"labels": CRITICAL}, {"labels": WARNING}])
    assert posted.status_code == 200
    return client


# -- silences ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["/api/v2", ""])
async def test_which_silences_a_label_set_has(loaded: httpx.AsyncClient, prefix: str) -> None:
    silence_id = await put(loaded)
    told = (await loaded.post(f"{prefix}/silences/check", json={"labels": WARNING})).json()
    assert (told["silenced"], told["silenceIDs"]) == (True, [silence_id])
    assert told["silences"] == [(await loaded.get(f"/api/v2/silence/{silence_id}")).json()]
    told = (await loaded.post(f"{prefix}/silences/check", json={"alert": {"labels": CRITICAL}})).json()
    assert (told["silenced"], told["silenceIDs"], told["silences"]) == (False, [], [])
    for body in ({}, {"labels": {}}, {"labels": {"a": ""}}, {"labels": {"a": 1}}, [], None):
        response = await loaded.post(f"{prefix}/silences/check", json=body)
        assert response.status_code == 400, body
        assert response.json()["error"]["details"]


async def test_many_silences_end_at_once_and_unknown_ones_are_named(client: httpx.AsyncClient) -> None:
    ids = [await put(client, comment=str(n)) for n in range(3)]
    whole = await client.post("/api/v2/silences/bulk/delete", json={"ids": ids[:1]})
    assert (whole.status_code, whole.json()) == (200, {"deleted": 1})
    part = await client.post("/api/v2/silences/bulk/delete", json={"ids": [ids[1], UNKNOWN, ids[2], ids[2]]})
    assert part.status_code == 207
    assert part.json() == {"deleted": 2, "errors": [{"id": UNKNOWN, "error": "silence not found"}]}
    states = {each["status"]["state"] for each in (await client.get("/api/v2/silences")).json()}
    assert states == {"expired"}
    for wrong in ([], [UNKNOWN], ids * 40 + [f"{n}" for n in range(101)]):
        response = await client.post("/api/v2/silences/bulk/delete", json={"ids": wrong})
        assert response.status_code == 400, wrong
    assert (await client.post("/api/v2/silences/bulk/delete", content=b"{")).status_code == 415
    headers = {"Content-Type": "application/json"}
    assert (await client.post("/api/v2/silences/bulk/delete", content=b"{", headers=headers)).status_code == 400


async def test_a_silence_is_read_changed_and_ended_by_its_id(client: httpx.AsyncClient) -> None:
    silence_id = await put(client)
    path = f"/api/v2/silences/{silence_id}"
    read = await client.get(path)
    assert read.json() == (await client.get(f"/api/v2/silence/{silence_id}")).json()
    later = rfc3339(time.time() + 7200)
    changed = await client.put(path, json={"comment": "longer", "endsAt": later})
    assert changed.status_code == 200
    shown = changed.json()
    assert (shown["id"], shown["comment"], shown["endsAt"][:19]) == (silence_id, "longer", later[:19])
    assert (shown["createdBy"], shown["matchers"]) == ("ops", silence()["matchers"])
    other = [{"name": "instance", "value": "i3", "isRegex": False, "isEqual": True}]
    moved = (await client.put(path, json={"matchers": other})).json()
    assert moved["id"] != silence_id
    assert moved["matchers"] == other
    assert (await client.get(path)).json()["status"]["state"] == "expired"
    gone = await client.delete(f"/silences/{moved['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await client.delete(f"/silences/{moved['id']}")).status_code == 204
    assert (await client.get(f"/silences/{moved['id']}")).json()["status"]["state"] == "expired"


async def test_two_people_who_edit_one_silence_are_told_of_each_other(client: httpx.AsyncClient) -> None:
    path = f"/api/v2/silences/{await put(client)}"
    mine, theirs = await client.get(path), await client.get(path)
    first = await client.put(path, json={"comment": "a"}, headers={"If-Match": mine.headers["etag"]})
    assert first.status_code == 200
    second = await client.put(path, json={"comment": "b"}, headers={"If-Match": theirs.headers["etag"]})
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "CONFLICT"
    whole = await client.put(path, json={**theirs.json(), "comment": "b"})
    assert whole.status_code == 409
    assert (await client.get(path)).json()["comment"] == "a"
    fresh = (await client.get(path)).json()
    assert (await client.put(path, json={**fresh, "comment": "c"})).status_code == 200


async def test_what_a_silence_cannot_become_is_said(client: httpx.AsyncClient) -> None:
    path = f"/api/v2/silences/{await put(client)}"
    before = (await client.get(path)).json()
    for body, where in (
        ({"endsAt": "2020-01-01T00:00:00Z"}, "start time must be before end time"),
        ({"matchers": []}, "matchers"),
        ({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, "invalid regular expression"),
        ({"endsAt": "tomorrow"}, "endsAt"),
        ({"coment": "x"}, "coment"),
        ({"id": UNKNOWN}, "id"),
        ({"updatedAt": "x"}, "updatedAt"),
        ({"updatedAt": 1}, "updatedAt"),
    ):
        response = await client.put(path, json=body)
        assert response.status_code == 400, (body, response.text)
        assert where in response.text, (body, response.text)
    assert (await client.get(path)).json() == before
    for verb in ("GET", "PUT", "DELETE"):
        assert (await client.request(verb, f"/api/v2/silences/{UNKNOWN}", json={})).status_code == 404
        assert (await client.request(verb, "/api/v2/silences/x", json={})).status_code == 400


async def test_the_list_of_silences_is_narrowed_ordered_and_cut_only_when_asked(client: httpx.AsyncClient) -> None:
    now = time.time()
    for n in range(5):
        await put(client, createdBy=f"u{n % 2}", endsAt=rfc3339(now + 1000 * (5 - n)), comment=str(n))
    await put(client, startsAt=rfc3339(now + 500), comment="pending")

    async def comments(query: str) -> tuple[str, str | None]:
        response = await client.get(f"/api/v2/silences?{query}")
        assert response.status_code == 200, response.text
        total = response.headers.get("x-total-count")
        return "".join(each["comment"][0] for each in response.json()), total

    assert await comments("") == ("43210p", None)
    assert await comments("active=true") == ("43210p", None)
    assert await comments("status=pending") == ("p", "1")
    assert await comments("status=active,pending&limit=2") == ("43", "6")
    assert await comments("limit=2&offset=4") == ("0p", "6")
    assert await comments("createdBy=u1") == ("31", "2")
    assert await comments("sort=ends_at&order=desc&status=active") == ("01234", "5")
    assert await comments("sort=created_at") == ("01234p", "6")
    assert await comments("matcherName=instance&matcherValue=i2&limit=1") == ("4", "6")
    assert await comments("matcherName=instance&matcherValue=i3") == ("", "0")
    after = rfc3339(now + 2500).replace("+", "%2B")
    assert await comments(f"endsAfter={after}&status=active") == ("210", "3")
    assert await comments(f"startsAfter={rfc3339(now + 400)}") == ("p", "1")
    for wrong in ("status=over", "limit=0", "limit=1001", "limit=x", "offset=-1", "sort=x", "order=x", "endsAfter=x"):
        response = await client.get(f"/api/v2/silences?{wrong}")
        assert response.status_code == 400
        assert response.json().startswith(f"failed to parse {wrong.partition('=')[0]} param")


# -- inhibition --------------------------------------------------------------------------------------------------------


async def test_inhibition_is_explained(loaded: httpx.AsyncClient) -> None:
    rules = (await loaded.get("/inhibition/rules")).json()
    assert rules["count"] == 1
    rule = rules["rules"][0]
    assert (rule["source_match"], rule["target_match"]) == ({"severity": "critical"}, {"severity": "warning"})
    assert (rule["source_matchers"], rule["equal"]) == (['severity="critical"'], ["alertname"])
    status = (await loaded.get("/inhibition/status")).json()
    assert status["count"] == 1
    assert (status["active"][0]["target_labels"], status["active"][0]["source_labels"]) == (WARNING, CRITICAL)
    same = {"alertname": "Disk", "severity": "warning", "instance": "never seen"}
    told = (await loaded.post("/inhibition/check", json={"labels": same})).json()
    assert told["inhibited"] is True
    assert (told["inhibited_by"]["labels"], told["rule"]["index"]) == (CRITICAL, 0)
    told = (await loaded.post("/inhibition/check", json={"alert": {"labels": {"alertname": "X"}}})).json()
    assert told["inhibited"] is False
    assert "rule" not in told
    assert (await loaded.post("/inhibition/check", json={})).status_code == 400


# -- receivers ---------------------------------------------------------------------------------------------------------

HOOKS = """
route: {{receiver: good, group_wait: 0s, group_by: [alertname], routes: [{{matchers: ['to="bad"'], receiver: bad}}]}}
receivers:
- name: good
  webhook_configs: [{{url: 'http://{sink}/good'}}]
- name: bad
  webhook_configs: [{{url: 'http://{sink}/bad'}}]
- name: spare
  webhook_configs: [{{url: 'http://{sink}/good'}}, {{url: 'http://{sink}/bad'}}]
- name: nobody
"""


async def test_receivers_tell_how_they_fare_and_can_be_tried(start: Start, sink: Sink) -> None:
    async with start(HOOKS.format(sink=f"127.0.0.1:{sink.port}")) as client:
        fresh = (await client.get("/receivers/health")).json()
        assert {each["name"]: each["state"] for each in fresh["receivers"]} == {
            "good": "unknown", "bad": "unknown", "spare": "unused", "nobody": "unused",
        }  # fmt: skip
        await client.post("/api/v2/alerts", json=[{"labels": {"alertname": "A"}}, {"labels": {"a": "b", "to": "bad"}}])
        told = await until(
            client,
            "/receivers/health?receiver=good&receiver=bad",
            lambda shown: {each["state"] for each in shown["receivers"]} == {"healthy", "failing"},
        )
        states = {each["name"]: each["integrations"][0] for each in told["receivers"]}
        assert states["good"]["last_success"] is not None
        assert "422" in states["bad"]["error"]
        trial = (await client.post("/receivers/test", json={"receiver": "spare"})).json()
        assert [(one["integration_index"], one["sent"]) for one in trial["results"]] == [(0, True), (1, False)]
        assert trial["sent"] is False
        assert "422" in trial["results"][1]["error"]
        alerts = [{"labels": {"alertname": "Mine"}, "annotations": {"summary": "tried"}}]
        body = {"receiver": "good", "integration": "webhook", "integration_index": 0, "alerts": alerts}
        assert (await client.post("/receivers/test", json=body)).json()["sent"] is True
        assert sink.deliveries()[-1].payload["alerts"][0]["labels"] == {"alertname": "Mine", "test": "true"}
        for wrong, status in (
            ({"receiver": "spar"}, 404),
            ({"receiver": "nobody"}, 404),
            ({"receiver": "good", "integration": "email"}, 404),
            ({}, 400),
            ({"receiver": "good", "alerts": [{"labels": 1}]}, 400),
            ({"receiver": "good", "alertz": []}, 400),
        ):
            assert (await client.post("/receivers/test", json=wrong)).status_code == status, wrong
        overview = (await client.get("/api/dashboard/overview")).json()
        assert (overview["publishing_targets"], overview["failing_targets"]) == (2, 1)
        assert overview["successful_publishes"] >= 1
        services = await client.get("/api/dashboard/health")
        assert (services.status_code, services.json()["status"]) == (200, "degraded")


# -- the dashboard and the probes --------------------------------------------------------------------------------------


async def test_the_overview_counts(loaded: httpx.AsyncClient) -> None:
    await put(loaded, matchers=[{"name": "alertname", "value": "Disk", "isRegex": False, "isEqual": True}])
    await loaded.post(
        "/api/v2/alerts",
        json=[{"labels": {"alertname": "Over"}, "endsAt": "2026-01-02T00:00:00Z"}, {"labels": {"alertname": "On"}}],
    )
    told = (await loaded.get("/api/dashboard/overview")).json()
    wanted = {
        "total_alerts": 4, "firing_alerts": 3, "active_alerts": 1, "suppressed_alerts": 2, "silenced_alerts": 2,
        "inhibited_alerts": 1, "resolved_alerts": 1, "active_silences": 1, "system_healthy": True,
    }  # fmt: skip
    assert {name: told[name] for name in wanted} == wanted
    recent = (await loaded.get("/api/dashboard/alerts/recent?status=firing&severity=critical")).json()
    assert [each["alert_name"] for each in recent["alerts"]] == ["Disk"]
    assert recent["filters"] == {"status": "firing", "severity": "critical"}
    assert (await loaded.get("/api/dashboard/alerts/recent?limit=2")).json()["count"] == 2
    for wrong in ("limit=0", "limit=51", "limit=x", "status=on"):
        assert (await loaded.get(f"/api/dashboard/alerts/recent?{wrong}")).status_code == 400


@pytest.mark.parametrize("path", ["/health", "/healthz", "/ready", "/readyz", "/api/v2/ready"])
async def test_probes(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 200
    assert response.json()["checks"]["database"] == "healthy"


# -- what holds for all of them ----------------------------------------------------------------------------------------

WRITES = [
    ("POST", "/api/v2/silences/check", {"labels": {"a": "b"}}),
    ("POST", "/silences/bulk/delete", {"ids": [UNKNOWN]}),
    ("PUT", f"/api/v2/silences/{UNKNOWN}", {}),
    ("DELETE", f"/api/v2/silences/{UNKNOWN}", None),
    ("POST", "/receivers/test", {"receiver": "x"}),
    ("POST", "/-/reload", None),
]


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
async def test_a_foreign_page_cannot_have_a_browser_write(
    client: httpx.AsyncClient, verb: str, path: str, body: Any
) -> None:
    ours = str(client.base_url).rstrip("/")
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    ):
        response = await client.request(verb, path, json=body, headers=headers)
        assert response.status_code == 403, headers
        assert response.json()["error"]["code"] == "AUTHORIZATION_ERROR"
    for headers in ({}, {"Origin": ours}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://behind.a.proxy"}):
        response = await client.request(verb, path, json=body, headers=headers)
        assert response.status_code in (200, 204, 400, 404), (headers, response.text)


async def test_alertmanager_s_own_writes_are_as_they_were(client: httpx.AsyncClient) -> None:
    headers = {"Origin": "http://grafana.example", "Sec-Fetch-Site": "cross-site"}
    assert (await client.post("/api/v2/silences", json=silence(), headers=headers)).status_code == 200
    assert (await client.post("/api/v2/alerts", json=[{"labels": {"a": "b"}}], headers=headers)).status_code == 200


async def test_the_origin_of_the_external_url_is_ours(start: Start) -> None:
    async with start(external_url="https://am.example:443/alerts") as client:
        headers = {"Origin": "https://am.example", "Sec-Fetch-Site": "cross-site"}
        body = {"labels": {"a": "b"}}
        assert (await client.post("/alerts/silences/check", json=body, headers=headers)).status_code == 200
        headers = {"Origin": "http://am.example", "Sec-Fetch-Site": "cross-site"}
        assert (await client.post("/alerts/silences/check", json=body, headers=headers)).status_code == 403
        assert (await client.post("/silences/check", json=body)).status_code == 404


def shapeless(schema: Any, place: str) -> Iterator[str]:
    """Where an object or a list is spoken of, and not what is in it."""
    if isinstance(schema, list):
        for number, each in enumerate(schema):
            yield from shapeless(each, f"{place}[{number}]")
    if not isinstance(schema, dict):
        return
    kinds = schema.get("type", ())
    if isinstance(kinds, str | list):
        if "object" in kinds and not {"properties", "additionalProperties"} & set(schema):
            yield place
        if "array" in kinds and "items" not in schema:
            yield place
    for name, each in schema.items():
        yield from shapeless(each, f"{place}.{name}")


EXAMPLES: dict[str, Any] = {
    "/silences/check": {"labels": WARNING},
    "/inhibition/check": {"labels": WARNING},
    "/receivers/test": {"receiver": "team-Y", "alerts": [{"labels": {"alertname": "Tried"}}]},
}
ELSEWHERE = ("/history", "/report", "/notifications", "/extensions", "/events", "/ws", "/alerts", "/config")


async def test_the_document_describes_what_is_served(start: Start, sink: Sink) -> None:
    config = CONFIG.replace(
        "- name: team-Y", f"- name: team-Y\n  webhook_configs: [{{url: 'http://127.0.0.1:{sink.port}/good'}}]"
    )
    async with start(config) as client:
        await client.post("/api/v2/alerts", json=[{"labels": CRITICAL}, {"labels": WARNING}])
        document = (await client.get("/api/v2/extensions/openapi.json")).json()
        seen = 0
        for path, methods in document["paths"].items():
            if path.startswith(ELSEWHERE):
                continue
            for method, operation in methods.items():
                silence_id = await put(client)
                url = "/api/v2" + re.sub(r"{id}", silence_id, path)
                body = EXAMPLES.get(path)
                if path == "/silences/bulk/delete":
                    body = {"ids": [silence_id]}
                elif method == "put":
                    body = {"comment": "changed"}
                response = await client.request(method.upper(), url, json=body)
                [(status, described)] = [item for item in operation["responses"].items() if int(item[0]) < 300]
                assert response.status_code == int(status), (url, response.text)
                if "content" in described:
                    fits(response.json(), described["content"]["application/json"]["schema"], path)
                if body is not None:
                    fits(body, operation["requestBody"]["content"]["application/json"]["schema"], f"body of {path}")
                for parameter in operation["parameters"]:
                    if parameter["in"] == "query":
                        await takes(client, url, parameter)
                short = url.removeprefix("/api/v2")
                if path.startswith("/dashboard"):
                    short = f"/api{short}"
                if method == "get":
                    assert (await client.get(short)).status_code == 200
                seen += 1
        assert seen >= 17
        error = (await client.post("/api/v2/silences/check", json={})).json()
        fits(error, document["components"]["schemas"]["Error"], "error")
        bare = [place for path, item in document["paths"].items() for place in shapeless(item, path)]
        assert bare == [], "every body says what is in it"
        assert {"/events/stream", "/ws/dashboard", "/ws/silences"} <= set(document["paths"])
