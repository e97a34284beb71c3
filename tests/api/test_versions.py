"""The configurations that took effect, over real HTTP."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import CONFIG, Start
from tests.api.test_history import until
from tests.support.schema import fits

FIRST = CONFIG.replace("- name: team-Y", "- name: team-Y\n  webhook_configs: [{url: 'http://127.0.0.1:1/s3cret'}]")


async def test_what_took_effect_is_listed_shown_and_compared(start: Start, tmp_path: Path) -> None:
    async with start(FIRST) as client:
        document = (await client.get("/api/v2/extensions/openapi.json")).json()

        async def get(path: str, *, template: str = "", **query: Any) -> dict[str, Any]:
            response = await client.get(f"/api/v2{path}", params=query)
            assert response.status_code == 200, response.text
            assert "s3cret" not in response.text
            assert (await client.get(path, params=query)).json() == response.json()
            described = document["paths"][template or path]["get"]["responses"]["200"]
            found: dict[str, Any] = response.json()
            fits(found, described["content"]["application/json"]["schema"], path)
            return found

        one, difference = "/config/versions/{number}", "/config/versions/{number}/difference"
        for text in (
            FIRST.replace("group_wait: 1h", "group_wait: 2h"),
            FIRST.replace("group_wait: 1h", "group_wait: 2h").replace("s3cret", "s3cret2"),
        ):
            (tmp_path / "alertmanager.yml").write_text(text)
            assert (await client.post("/-/reload")).status_code == 200

        await until(client, "/config/versions", lambda found: found.get("count") == 3)
        third, second, first = (await get("/config/versions"))["versions"]
        assert first["number"] < second["number"] < third["number"]
        assert (first["text"], second["text"], third["text"]) == (first["number"], second["number"], second["number"])
        assert third["hash"] != second["hash"]
        assert [each["number"] for each in (await get("/config/versions", limit=1))["versions"]] == [third["number"]]

        shown = await get(f"/config/versions/{third['number']}", template=one)
        assert {**shown, "yaml": ""} == {**third, "yaml": ""}
        assert "group_wait: 2h" in shown["yaml"]
        assert "<secret>" in shown["yaml"]

        told = await get(f"/config/versions/{third['number']}/difference", template=difference)
        assert (told["from"], told["to"], told["trouble"]) == (first, third, "")
        (route,) = told["difference"]["routes"]
        assert (route["action"], route["changes"]) == (
            "changed", [{"field": "group_wait", "old": "1h", "new": "2h"}],
        )  # fmt: skip
        assert set(told["difference"]["touched"]) >= {"team-X"}
        assert "-  group_wait: 1h" in told["text"]
        told = await get(
            f"/config/versions/{third['number']}/difference", template=difference, **{"from": second["number"]}
        )
        assert (told["difference"]["routes"], told["text"]) == ([], [])
        told = await get(f"/config/versions/{first['number']}/difference", template=difference)
        assert (told["from"], told["difference"], told["trouble"]) == (None, None, "there is none before it")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("?limit=0", 400, "limit"),
        ("?limt=1", 400, "did you mean limit"),
        ("/x", 400, "must be the number of a version"),
        ("/99999999999999999999", 400, "must be the number of a version"),
        ("/77", 404, "there is no version 77"),
        ("/77/difference", 404, "there is no version 77"),
    ],
)
async def test_what_is_not_there_is_refused(client: httpx.AsyncClient, path: str, status: int, says: str) -> None:
    response = await client.get(f"/api/v2/config/versions{path}")
    assert response.status_code == status
    assert says in response.text
