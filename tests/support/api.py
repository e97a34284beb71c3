"""A small client of Alertmanager's API v2 over one kept-alive connection, with raw requests for odd cases."""

import http.client
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

__all__ = ["Answer", "Api", "instant", "rfc3339"]


def rfc3339(at: float) -> str:
    """Seconds since the epoch as the API's text form, microseconds kept."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> float:
    """Seconds since the epoch of the API's text form; fractions beyond microseconds are cut."""
    return datetime.fromisoformat(text).timestamp()


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """Not for use from two threads at once: one object is one connection."""

    def __init__(self, host: str, port: int, prefix: str = "", timeout: float = 30.0) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout
        self.prefix = prefix
        self._connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; a dropped keep-alive connection is opened again once, for requests not yet answered.

        Raises:
            OSError, http.client.HTTPException: the server could not be reached or closed without an answer.
        """
        fresh = self._connection is None
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            self._connection.request(method, self.prefix + path, body=body, headers=dict(headers or {}))
            response = self._connection.getresponse()
            data = response.read()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if fresh or method != "GET":
                raise
            return self.request(method, path, body, headers)
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, data)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def post_json(self, path: str, value: Any) -> Answer:
        return self.request(
            "POST", path, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json"}
        )

    def post_alerts(self, alerts: Sequence[Mapping[str, Any]]) -> Answer:
        return self.post_json("/api/v2/alerts", list(alerts))

    def alerts(self, filters: Iterable[str] = (), **parameters: str) -> list[dict[str, Any]]:
        query = urlencode([("filter", f) for f in filters] + list(parameters.items()))
        found: list[dict[str, Any]] = self._get(f"/api/v2/alerts?{query}")
        return found

    def groups(self, filters: Iterable[str] = (), **parameters: str) -> list[dict[str, Any]]:
        query = urlencode([("filter", f) for f in filters] + list(parameters.items()))
        found: list[dict[str, Any]] = self._get(f"/api/v2/alerts/groups?{query}")
        return found

    def silences(self, filters: Iterable[str] = ()) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("/api/v2/silences?" + urlencode([("filter", f) for f in filters]))
        return found

    def silence(self, identity: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"/api/v2/silence/{quote(identity)}")
        return found

    def post_silence(self, matchers: Sequence[tuple[str, str, str]], starts: float, ends: float, **more: Any) -> Answer:
        """Create or update; a matcher is (name, operator, value) with operator one of `= != =~ !~`."""
        return self.post_json(
            "/api/v2/silences",
            {
                "matchers": [
                    {"name": n, "value": v, "isRegex": "~" in op, "isEqual": not op.startswith("!")}
                    for n, op, v in matchers
                ],
                "startsAt": rfc3339(starts),
                "endsAt": rfc3339(ends),
                "createdBy": "proof",
                "comment": "proof",
                **more,
            },
        )

    def expire_silence(self, identity: str) -> Answer:
        return self.request("DELETE", f"/api/v2/silence/{quote(identity)}")

    def wait_ready(self, timeout: float = 20.0) -> None:
        """Wait until `/-/ready` answers 200."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                if self.request("GET", "/-/ready").status == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready within {timeout} s")
            time.sleep(0.01)

    def _get(self, path: str) -> Any:
        answer = self.request("GET", path)
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer.status} {answer.body!r}")
        return answer.json
