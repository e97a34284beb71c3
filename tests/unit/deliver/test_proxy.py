"""Which requests go through a proxy."""

import httpx
import pytest

from ampp.deliver.proxy import choice, from_environment

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "http://localhost/", False),
        ("other", "http://localhost/", True),
        ("other", "http://127.0.0.9/", True),
        ("other", "http://[::1]:80/", True),
        ("other", "http://a.b/", False),
        ("*", "http://a.b/", True),
        ("a.b", "http://a.b/", True),
        ("a.b", "http://x.a.b/", True),
        ("a.b", "http://xa.b/", False),
        (".a.b", "http://a.b/", False),
        (".a.b", "http://x.a.b/", True),
        ("*.a.b", "http://x.a.b/", True),
        ("A.B , c", "https://a.b/", True),
        ("a.b:80", "http://a.b/", True),
        ("a.b:80", "https://a.b/", False),
        ("a.b:8080", "http://a.b:8080/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://name.test/", False),
        ("10.1.2.3", "http://10.1.2.3:99/", True),
        ("10.1.2.3:98", "http://10.1.2.3:99/", False),
        ("fd00::1", "http://[fd00::1]/", True),
        ("[fd00::1]:99", "http://[fd00::1]:99/", True),
        ("fd00::/16", "http://[fd00::2]/", True),
        (".", "http://a.b/", False),
    ],
)
def test_no_proxy(no_proxy: str, url: str, direct: bool) -> None:
    found = choice(PROXY, no_proxy)(httpx.URL(url))
    assert found == (None if direct else httpx.URL(PROXY))


def test_without_a_proxy_all_is_direct() -> None:
    assert choice("", "")(httpx.URL("http://a/")) is None


def test_environment() -> None:
    choose = from_environment({"http_proxy": "p:1", "HTTPS_PROXY": "https://s:2", "no_proxy": "x.test"})
    assert choose(httpx.URL("http://a.b/")) == httpx.URL("http://p:1")
    assert choose(httpx.URL("https://a.b/")) == httpx.URL("https://s:2")
    assert choose(httpx.URL("https://x.test/")) is None
    assert from_environment({})(httpx.URL("http://a.b/")) is None
