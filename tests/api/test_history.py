"""The history over HTTP: what is posted comes back, every documented operation is there, errors name fields."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio

from ampp.history.filter import NAMES
from tests.api.conftest import Start
from tests.support.schema import fits

ALERTS = [
    {"labels": {"alertname": "Disk", "pod": f"p{n}", "severity": "critical", "namespace": f"ns{n % 2}"},
     "annotations": {"summary": f"disk of p{n} is full"}, "generatorURL": "http://prom/g"}
    for n in range(6)
]  # fmt: skip


async def until(client: httpx.AsyncClient, path: str, holds: Callable[[Any], bool]) -> Any:
    """The answer once it is as wanted: the history follows behind."""
    with trio.fail_after(20):
        while True:
            response = await client.get(path)
            if response.status_code == 200 and holds(response.json()):
                return response.json()
            await trio.sleep(0.05)


@pytest.fixture
async def told(client: httpx.AsyncClient) -> httpx.AsyncClient:
    await client.post("/api/v2/alerts", json=ALERTS)
    await client.post(
        "/api/v2/alerts",
        json=[{**each, "endsAt": "2026-01-02T00:00:00Z", "startsAt": "2026-01-01T00:00:00Z"} for each in ALERTS[:2]],
    )
    await until(client, "/history", lambda page: page["total"] == 8)
    return client


async def test_what_was_posted_is_history(told: httpx.AsyncClient) -> None:
    page = (await told.get("/api/v2/history?alert_name=Disk&sort_field=created_at&sort_order=asc")).json()
    assert [each["event"] for each in page["alerts"]] == ["firing"] * 6 + ["resolved"] * 2
    first = page["alerts"][0]
    assert first["labels"] == ALERTS[0]["labels"]
    assert first["annotations"] == ALERTS[0]["annotations"]
    assert (first["status"], first["ends_at"], first["generator_url"]) == ("firing", None, "http://prom/g")
    assert re.fullmatch("[0-9a-f]{64}", first["fingerprint"])
    assert (page["total"], page["total_exact"], page["total_pages"], page["has_next"]) == (8, True, 1, False)
    shown = (await told.get("/api/v2/alerts?filter=pod=p0")).json()
    by_short = (await told.get(f"/history/{first['am_fingerprint']}")).json()
    by_long = (await told.get(f"/api/v2/history/{first['fingerprint'].upper()}")).json()
    assert by_short == by_long
    assert [each["event"] for each in by_short["alerts"]] == ["resolved", "firing"]
    assert shown == []


@pytest.mark.parametrize("place", ["/api/v2", ""])
async def test_every_list_of_the_history(told: httpx.AsyncClient, place: str) -> None:
    assert (await told.get(f"{place}/history/top?limit=3")).json()["count"] == 3
    assert (await told.get(f"{place}/history/flapping?threshold=1")).json()["count"] == 2
    assert (await told.get(f"{place}/history/recent?limit=0")).json()["limit"] == 1
    stats = await told.get(f"{place}/history/stats")
    assert stats.json()["alerts_by_status"] == {"firing": 6, "resolved": 2}
    assert stats.headers["cache-control"] == "max-age=5, public"
    report = (await told.get(f"{place}/report?namespace=ns0&include_recent=true")).json()
    assert (report["summary"]["firing_alerts"], len(report["recent_alerts"])) == (3, 4)
    assert report["metadata"]["partial_failure"] is False
    body = {"query": "P3", "filters": {"severity": ["critical"], "labels_ne": {"pod": "p4"}, "is_resolved": False}}
    found = (await told.post(f"{place}/history/search", json=body)).json()
    assert ([each["labels"]["pod"] for each in found["alerts"]], found["query"]) == (["p3"], "P3")
    assert (await told.get(f"{place}/notifications")).json()["total"] == 0


async def test_pages_lead_to_one_another(told: httpx.AsyncClient) -> None:
    ids: list[int] = []
    cursor = ""
    for _ in range(3):
        page = (await told.get(f"/history?per_page=3&cursor={cursor}")).json()
        ids += [each["id"] for each in page["alerts"]]
        cursor = page["next_cursor"] or ""
    assert sorted(ids, reverse=True) == sorted(set(ids), reverse=True)
    assert (len(ids), cursor) == (8, "")
    second = (await told.get("/history?limit=3&offset=3")).json()
    assert [each["id"] for each in second["alerts"]] == ids[3:6]
    assert (second["page"], second["has_prev"], second["has_next"]) == (2, True, True)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/history?status=ill", "status"),
        ("/history?per_page=1001", "per_page"),
        ("/history?page=0", "page"),
        ("/history?page=10001", "page"),
        ("/history?sort_field=pod", "sort_field"),
        ("/history?cursor=nonsense", "cursor"),
        ("/history?alert_nam=x", "alert_nam"),
        ("/history?alert_name_regex=(", "alert_name_regex"),
        ("/history?from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z", "from"),
        ("/history/top?limit=101", "limit"),
        ("/history/flapping?threshold=0", "threshold"),
        ("/history/xyz", "fingerprint"),
        ("/report?severity=high", "severity"),
        ("/notifications?status=lost", "status"),
        ("/notifications?alert=12", "alert"),
    ],
)
async def test_what_is_wrong_is_named(client: httpx.AsyncClient, path: str, field: str) -> None:
    response = await client.get("/api/v2" + path, headers={"X-Request-ID": "asked-by-me"})
    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["code"], error["details"][0]["field"], error["request_id"]) == (
        "VALIDATION_ERROR",
        field,
        "asked-by-me",
    )
    assert response.headers["x-request-id"] == "asked-by-me"


async def test_the_unknown_and_the_malformed(client: httpx.AsyncClient) -> None:
    missing = await client.get("/history/0123456789abcdef")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "NOT_FOUND")
    for body in (b"", b"{", b'{"filters": {}}', b'{"query": ""}', b'{"query": "x", "filters": {"bad": 1}}'):
        response = await client.post("/history/search", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 400, body
    text = await client.post("/history/search", content=b"{}", headers={"Content-Type": "text/plain"})
    assert text.status_code == 415
    assert (await client.delete("/api/v2/history")).status_code == 405


async def test_without_a_history_it_says_so(start: Start) -> None:
    async with start(environment={"AMPP_HISTORY_ENABLED": "false"}) as client:
        for path in ("/history", "/report", "/notifications"):
            response = await client.get(path)
            assert (response.status_code, response.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert "history.enabled" in response.json()["error"]["message"]
        assert (await client.post("/api/v2/alerts", json=ALERTS)).status_code == 200


async def test_it_is_behind_the_prefix(start: Start) -> None:
    async with start(route_prefix="/monitoring") as client:
        assert (await client.get("/monitoring/history")).status_code == 200
        assert (await client.get("/monitoring/api/v2/history")).status_code == 200
        assert (await client.get("/history")).status_code == 404


async def test_the_document_describes_what_is_served(told: httpx.AsyncClient) -> None:
    document = (await told.get("/api/v2/extensions/openapi.json")).json()
    event = (await told.get("/history?per_page=1")).json()["alerts"][0]
    values = {"fingerprint": event["am_fingerprint"]}
    mine = ("/history", "/report", "/notifications", "/extensions")
    for path, methods in document["paths"].items():
        if not path.startswith(mine):
            continue
        for method, operation in methods.items():
            url = "/api/v2" + re.sub(r"{(\w+)}", lambda match: values[match[1]], path)
            short = url.removeprefix("/api/v2")
            if method == "post":
                response = await told.post(url, json={"query": "disk"})
            else:
                response = await told.get(url)
                assert (await told.get(short)).status_code == 200
            assert response.status_code == 200, (url, response.text)
            fits(response.json(), operation["responses"]["200"]["content"]["application/json"]["schema"], path)
            for parameter in operation["parameters"]:
                if parameter["in"] == "query":
                    await takes(told, url, parameter)
    error = (await told.get("/api/v2/history?page=x")).json()
    fits(error, document["components"]["schemas"]["Error"], "error")
    documented = {each["name"] for each in document["paths"]["/history"]["get"]["parameters"]}
    assert set(NAMES) <= documented
    operations = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(operations) == len(set(operations)) >= 10


async def takes(client: httpx.AsyncClient, url: str, parameter: dict[str, Any]) -> None:
    """The operation knows the parameter: a value out of its schema's own book is answered, or refused for its value."""
    schema = parameter["schema"]
    if schema["type"] == "array":
        schema = schema["items"]
    name = parameter["name"] + ("[a]" if parameter.get("style") == "deepObject" else "")
    value = str(schema.get("default", schema.get("enum", ["x"])[0]))
    response = await client.get(url, params={name: value})
    assert response.status_code == 200 or "is not a parameter" not in response.text, (url, name)


async def test_upstream_s_document_stays_upstream_s(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v2/openapi.json")).json()["paths"]
    assert not [path for path in paths if "history" in path or "report" in path]
