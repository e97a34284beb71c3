"""Pages over HTTP: prefixes, writes from elsewhere, conditional requests, static files."""

import re
import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest

from tests.support import Daemon, ampp_command, ampp_missing

pytestmark = pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}")

CONFIG = "route: {receiver: none}\nreceivers: [{name: none}]\n"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DRAFT = b"name=a&op=%3D&value=b&hold=1h&author=me&comment=why"
PAGES = ["", "ui/alerts", "ui/silences", "ui/silences/new", "ui/groups", "ui/routing", "ui/status", "ui/api"]


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    arguments = ["--web.external-url=https://alerts.example.org/outside", "--web.route-prefix=/inside/deep"]
    with Daemon(ampp_command(), CONFIG, arguments=arguments) as running:
        running.api().prefix = ""
        yield running


@pytest.mark.parametrize("page", PAGES)
def test_every_link_holds_below_a_prefix(daemon: Daemon, page: str) -> None:
    api = daemon.api()
    path = f"/inside/deep/{page}"
    answer = api.request("GET", path)
    assert answer.status == 200
    text = answer.body.decode()
    links = set(re.findall(r'(?:href|src|action)="([^"#]+)"', text))
    assert links
    for link in links:
        target = urlsplit(urljoin(f"http://host{path}", link.replace("&amp;", "&")))
        assert target.netloc == "host", link
        assert target.path.startswith("/inside/deep/"), (page, link)
        if "silence" not in target.path or target.path.endswith(("silences", "new")):
            assert api.request("GET", target._replace(scheme="", netloc="").geturl()).status == 200, link


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "https://alerts.example.org"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
    ],
)
def test_only_our_own_pages_may_write(daemon: Daemon, headers: dict[str, str], status: int) -> None:
    api = daemon.api()
    before = len(api.request("GET", "/inside/deep/api/v2/silences").json)
    answer = api.request("POST", "/inside/deep/ui/silences", DRAFT, {**FORM, **headers})
    assert answer.status == status
    assert len(api.request("GET", "/inside/deep/api/v2/silences").json) == before + (status == 303)


def test_a_write_is_a_form(daemon: Daemon) -> None:
    answer = daemon.api().request("POST", "/inside/deep/ui/silences", DRAFT, {"Content-Type": "text/plain"})
    assert answer.status == 415
    assert daemon.api().request("POST", "/inside/deep/ui/alerts", b"", FORM).status == 404
    assert daemon.api().request("PUT", "/inside/deep/ui/alerts").status == 405


def test_a_page_is_not_sent_twice_nor_unpacked(daemon: Daemon) -> None:
    api = daemon.api()
    path = "/inside/deep/ui/silences/effect?name=a&op=%3D&value=b"
    first = api.request("GET", path)
    assert api.request("GET", path, headers={"If-None-Match": first.headers["etag"]}).status == 304
    packed = api.request("GET", "/inside/deep/ui/status", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body[:2] == b"\x1f\x8b"


def test_static_files_are_kept_for_ever_by_what_they_hold(daemon: Daemon) -> None:
    api = daemon.api()
    page = api.request("GET", "/inside/deep/ui/status").body.decode()
    (sheet,) = re.findall(r'href="\.\./(ui/static/[0-9a-f]{16}/page\.css)"', page)
    answer = api.request("GET", f"/inside/deep/{sheet}")
    assert "immutable" in answer.headers["cache-control"]
    old = api.request("GET", "/inside/deep/ui/static/0000/page.css")
    assert (old.body, old.headers["cache-control"]) == (answer.body, "no-cache")
    assert api.request("GET", "/inside/deep/ui/static/0000/..%2f__init__.py").status in (301, 404)


def test_metrics_name_routes_and_not_addresses(daemon: Daemon) -> None:
    api = daemon.api()
    for name in ("0123456789abcdef", "fedcba9876543210"):
        assert api.request("GET", f"/inside/deep/ui/alert/{name}").status == 404
    text = api.request("GET", "/inside/deep/metrics").body.decode()
    assert 'handler="/ui/alert"' in text or "0123456789abcdef" not in text
    assert "0123456789abcdef" not in text


def test_a_restored_silence_ends_when_it_would_have(daemon: Daemon) -> None:
    api = daemon.api()
    made = api.request("POST", "/inside/deep/ui/silences", DRAFT, FORM).headers["location"]
    name = made.partition("/")[2].partition("?")[0]
    expired = api.request("POST", f"/inside/deep/ui/silence/{name}/expire", b"", FORM)
    ticket = urlsplit(expired.headers["location"]).query.partition("undo=")[2]
    time.sleep(0.01)
    back = api.request("POST", "/inside/deep/ui/silences/restore", f"undo={ticket}".encode(), FORM)
    assert back.status == 303
    other = back.headers["location"].rpartition("/")[2].partition("?")[0]
    ends = [api.request("GET", f"/inside/deep/api/v2/silence/{each}").json["startsAt"] for each in (name, other)]
    assert ends[0] < ends[1]
    again = api.request("POST", "/inside/deep/ui/silences/restore", f"undo={ticket}x".encode(), FORM)
    assert again.status == 303
