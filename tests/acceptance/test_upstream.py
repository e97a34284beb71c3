"""Alertmanager's own acceptance tests, first against the real one (the harness is sound), then against ampp."""

from pathlib import Path

import pytest

from tests.acceptance import upstream
from tests.support import ampp_command, ampp_missing, real_binary
from tests.support.daemon import ampp_environment

pytestmark = pytest.mark.skipif(upstream.missing() is not None, reason=str(upstream.missing()))

NAMES = [name for name in upstream.test_names() if name not in upstream.CLUSTERED] if not upstream.missing() else []


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return upstream.compile_tests(tmp_path_factory.mktemp("upstream") / "acceptance.test")


@pytest.fixture(scope="module")
def results(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, upstream.Result]:
    home = tmp_path_factory.mktemp("gopath")
    upstream.write_shim(home, ampp_command(), {"PYTHONPATH": ampp_environment()["PYTHONPATH"]})
    return {result.name: result for result in upstream.run(binary, home, NAMES)}


@pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}")
@pytest.mark.parametrize("name", NAMES)
def test_passes(results: dict[str, upstream.Result], name: str) -> None:
    assert results[name].passed, results[name].output


@pytest.mark.skipif(real_binary("prometheus-alertmanager") is None, reason="prometheus-alertmanager is not installed")
def test_the_suite_accepts_the_original(binary: Path, tmp_path: Path) -> None:
    """A quick one only: it shows that the shim and the compiled suite work at all."""
    upstream.write_shim(tmp_path, [str(real_binary("prometheus-alertmanager"))], {})
    (result,) = upstream.run(binary, tmp_path, ["TestAlertGetReturnsCurrentAlertStatus"])
    assert result.passed, result.output
