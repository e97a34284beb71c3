"""The example plug-in, installed as pip would leave it, and plug-ins that are broken in every way."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner

from ampp.config import Config, ConfigError, load, load_file
from ampp.config import compile as compile_plan
from ampp.config.receivers import plugin
from ampp.core.notify import Data
from ampp.deliver import integrations
from ampp.deliver.sender import BuildError, Sender, SendError, Unsendable
from ampp.template.renderer import Renderer
from ampp_cli import own
from tests.unit.deliver.kit import alert, notify
from tests.unit.deliver.server import answer, serving

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).parent / "example" / "ampp_ntfy.py"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what was imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugin, "_loaded", {})
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def install(site: Path, text: str, kind: str = "ntfy", package: str = "ampp_ntfy", what: str = "receiver") -> None:
    (site / f"{package}.py").write_text(text, encoding="utf-8")
    info = site / f"{package}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.2\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    (info / "entry_points.txt").write_text(f"[{plugin.GROUP}]\n{kind} = {package}:{what}\n")
    (info / "RECORD").write_text(
        f"{package}.py,,\n" + "".join(f"{info.name}/{name},,\n" for name in ("METADATA", "WHEEL", "RECORD"))
    )


def config(entry: str = "url: 'http://h/topic'", kind: str = "ntfy") -> str:
    entries = f"  {kind}_configs:\n  - {{{entry}}}\n  webhook_configs: [{{url: 'http://h'}}]\n"
    return f"route: {{receiver: a}}\nreceivers:\n- name: a\n{entries}"


def build(loaded: Config) -> list[tuple[str, Sender | Unsendable]]:
    senders = integrations.build(loaded, compile_plan(loaded), "http://am:9093", Renderer())
    return [(to.name, sender) for to, sender in senders.items()]


async def send(loaded: Config, **more: object) -> Data:
    (_, hook), (kind, sender) = build(loaded)
    assert not isinstance(hook, Unsendable)
    assert not isinstance(sender, Unsendable)
    to = compile_plan(loaded).receivers["a"].integrations[1]
    assert to.name == kind
    told = notify(to, alert("Down"), **more)  # type: ignore[arg-type]
    try:
        return await sender.send(told, told.alerts)
    finally:
        await sender.aclose()
        await hook.aclose()


async def test_the_example_sends(site: Path) -> None:
    install(site, EXAMPLE.read_text("utf-8"))
    async with serving(answer(200)) as server:
        loaded = load(config(f"url: '{server.url}/topic', priority: high, message: 'about {{{{ len .Alerts }}}}'"))
        assert await send(loaded, data={"kept": 1}) == {"kept": 1}
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("POST", "/topic", b"about 1")
    assert (request.header("title"), request.header("priority")) == ("[FIRING:1] Down", "high")


async def test_its_failures_are_ordinary_ones(site: Path) -> None:
    install(site, EXAMPLE.read_text("utf-8"))
    async with serving(answer(429)) as server:
        with pytest.raises(SendError, match="unexpected status code 429") as caught:
            await send(load(config(f"url: '{server.url}'")))
    assert caught.value.retry


def test_it_comes_last_and_is_dumped(site: Path) -> None:
    install(site, EXAMPLE.read_text("utf-8"))
    loaded = load(config())
    assert [(one.name, one.idx) for one in compile_plan(loaded).receivers["a"].integrations] == [
        ("webhook", 0),
        ("ntfy", 0),
    ]
    dumped = loaded.original()
    assert dumped.index("webhook_configs") < dumped.index("  ntfy_configs:\n  - send_resolved: true\n    http_config:")
    assert "    url: <secret>\n" in dumped
    assert "    timeout: 0s\n" in dumped


def test_paths_are_joined(site: Path, tmp_path: Path) -> None:
    install(site, EXAMPLE.read_text("utf-8"))
    file = tmp_path / "am.yml"
    file.write_text(config("url: 'http://h', http_config: {tls_config: {ca_file: ca.pem}}"))
    entry = load_file(str(file)).entry("a", "ntfy", 0)
    assert entry.http_config.tls_config.ca_file == f"{tmp_path}/ca.pem"  # type: ignore[attr-defined]


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return caught.value


def test_mistakes_have_a_place(site: Path) -> None:
    install(site, EXAMPLE.read_text("utf-8"))
    error = refused(config("priority: high"))
    assert (str(error), error.line, error.column) == ("url is required", 5, 5)
    error = refused(config("url: 'http://h', prioritty: high"))
    assert str(error) == "yaml: unmarshal errors:\n  line 5: field prioritty not found in type ntfy.plain"
    assert error.hint == "did you mean priority?"
    error = refused(config().replace("{url: 'http://h/topic'}", ""))
    assert str(error) == "missing ntfy config"


def test_nobody_brings_it(site: Path) -> None:
    assert (
        str(refused(config())) == "yaml: unmarshal errors:\n  line 4: field ntfy_configs not found in type config.plain"
    )


TYPE = "from ampp.plugin import *\nfrom typing import ClassVar\n"
CLASS = TYPE + "class C(Entry, frozen=True, kw_only=True):\n    type: ClassVar[str] = 'ntfy'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def f(:", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("other = 1", "AttributeError: "),
        ("receiver = 1", "ampp_ntfy:receiver is no ampp.plugin.ReceiverType"),
        (TYPE + "receiver = ReceiverType(int, print)", "its schema is no ampp.plugin.Entry"),
        (TYPE + "receiver = ReceiverType(HttpEntry, print)", "its schema says that its type is not known"),
        (CLASS.replace("ntfy", "ntfi") + "receiver = ReceiverType(C, print)", "its schema says that its type is ntfi"),
    ],
)
def test_what_cannot_be_loaded(site: Path, text: str, message: str) -> None:
    install(site, text)
    error = refused(config())
    assert str(error).startswith(f"receiver type ntfy: plug-in ampp-ntfy 1.2 cannot be used: {message}")
    assert (error.line, error.column) == (4, 3)


def test_mended_code_is_taken_up_by_the_next_load(site: Path) -> None:
    install(site, "import nowhere_to_be_found")
    refused(config())
    (site / "ampp_ntfy.py").write_text(EXAMPLE.read_text("utf-8"), encoding="utf-8")
    shutil.rmtree(site / "__pycache__", ignore_errors=True)
    assert load(config()).entry("a", "ntfy", 0).type == "ntfy"


def test_two_of_one_type(site: Path) -> None:
    install(site, EXAMPLE.read_text("utf-8"))
    install(site, EXAMPLE.read_text("utf-8"), package="other_ntfy")
    error = refused(config())
    assert str(error) == "receiver type ntfy is offered by several plug-ins: ampp-ntfy 1.2 and other-ntfy 1.2"


def test_own_types_stay_our_own(site: Path) -> None:
    install(site, "raise SystemExit(3)", kind="webhook")
    assert load(config().replace("  ntfy_configs:\n  - {url: 'http://h/topic'}\n", "")).receivers[0].plugged == {}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("def settle(self): return self.nope", "AttributeError: "),
        ("def inherit(self, base): return self.nope", "AttributeError: "),
        ("def inherit(self, base): return None", "TypeError: inherit answers a NoneType"),
        ("pass", "NotImplementedError: "),
    ],
)
def test_schemas_that_fail(site: Path, method: str, message: str) -> None:
    install(site, f"{CLASS}    {method}\nreceiver = ReceiverType(C, print)")
    error = refused(config(""))
    assert str(error).startswith(f"receiver type ntfy: its plug-in failed: {message}")
    assert error.line


SOUND = CLASS + "    def inherit(self, base): return self\n"


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("def build(*of): raise BuildError('no key')", "no key"),
        ("def build(*of): 1 / 0", "plug-in failed: ZeroDivisionError: division by zero"),
        ("def build(): pass", "plug-in failed: TypeError: "),
        ("def build(*of): return 1", "plug-in made a int, which is no sender"),
    ],
)
def test_factories_that_fail(site: Path, factory: str, message: str) -> None:
    install(site, f"{SOUND}{factory}\nreceiver = ReceiverType(C, build)")
    with pytest.raises(BuildError) as caught:
        build(load(config("")))
    assert str(caught.value).startswith(f"receiver a, ntfy[0]: {message}")


SENDER = """
class S:
    async def send(self, notify, alerts): {send}
    async def aclose(self): {close}
receiver = ReceiverType(C, lambda *of: S())
"""


async def test_a_sender_that_raises_what_it_should_not(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install(site, SOUND + SENDER.format(send="raise ValueError('s3cret')", close="raise OSError('gone')"))
    with pytest.raises(SendError) as caught:
        await send(load(config("")))
    assert (str(caught.value), caught.value.retry) == ("plug-in failed: ValueError", True)


@pytest.mark.parametrize("what", ["None", "{1: 2}", "{'a': []}"])
async def test_data_that_cannot_be_kept(site: Path, what: str) -> None:
    install(site, SOUND + SENDER.format(send=f"return {what}", close="pass"))
    assert await send(load(config("")), data={"kept": 1}) == {"kept": 1}


SOCKET = """
    async def send(self, notify, alerts):
        import trio
        async with await trio.open_tcp_stream("127.0.0.1", %d) as stream:
            await stream.send_all(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            await stream.receive_some()
    async def aclose(self): pass
receiver = ReceiverType(C, lambda *of: S())
"""


async def test_a_dry_run_sends_nothing_by_other_ways_either(site: Path) -> None:
    async with serving(answer(200)) as server:
        install(site, f"{SOUND}class S:{SOCKET % server.port}")
        (site / "am.yml").write_text(config("").replace("  webhook_configs: [{url: 'http://h'}]\n", ""))
        line = ["receivers", "test", "a", f"--config.file={site}/am.yml"]
        dry = await trio.to_thread.run_sync(lambda: CliRunner().invoke(own._ampp, [*line, "--dry-run"]))
        assert server.connections == 0
        assert dry.output == "ntfy[0]: failed before anything was sent: plug-in failed: OSError\n"
        wet = await trio.to_thread.run_sync(lambda: CliRunner().invoke(own._ampp, line))
        assert server.connections == 1
        assert wet.output == "ntfy[0]: sent\n"


def test_the_documented_example_is_the_tested_one() -> None:
    """Run as a program this writes it there."""
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    found = BLOCK.search(text)
    assert found is not None
    assert found[2] == EXAMPLE.read_text("utf-8")


BLOCK = re.compile(r"(<!-- example: [^\n]*-->\n```python\n)(.*?)(```\n<!-- end -->)", re.DOTALL)

if __name__ == "__main__":
    page = ROOT / "docs" / "plugins.md"
    example = EXAMPLE.read_text("utf-8")
    page.write_text(BLOCK.sub(lambda m: m[1] + example + m[3], page.read_text("utf-8")), encoding="utf-8")
