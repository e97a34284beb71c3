"""Alertmanager's own acceptance tests, first against the real one (the harness is sound), then against ampp."""

import sys
from pathlib import Path

import pytest

from tests.acceptance import upstream
from tests.support import ampp_command, ampp_missing, real_binary
from tests.support.daemon import ampp_environment

pytestmark = pytest.mark.skipif(upstream.missing() is not None, reason=str(upstream.missing()))

NAMES = (
    [name for name in upstream.test_names(upstream.API) if name not in upstream.CLUSTERED]
    if not upstream.missing()
    else []
)


COMMAND_LINE_NAMES = upstream.test_names(upstream.COMMAND_LINE) if not upstream.missing() else []
AMTOOL = [sys.executable, "-c", "import sys; sys.argv[0] = 'amtool'; from ampp_cli.main import main; sys.exit(main())"]


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


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("upstream") / "cli.test"
    return upstream.compile_tests(target, upstream.COMMAND_LINE)


@pytest.fixture(scope="module")
def command_line_results(command_line: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, upstream.Result]:
    home = tmp_path_factory.mktemp("gopath")
    environment = {"PYTHONPATH": ampp_environment()["PYTHONPATH"]}
    upstream.write_shim(home, ampp_command(), environment)
    upstream.write_shim(home, AMTOOL, environment, "amtool")
    return {result.name: result for result in upstream.run(command_line, home, COMMAND_LINE_NAMES)}


@pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}")
@pytest.mark.parametrize("name", COMMAND_LINE_NAMES)
def test_the_command_line_passes(command_line_results: dict[str, upstream.Result], name: str) -> None:
    assert command_line_results[name].passed, command_line_results[name].output


@pytest.mark.skipif(
    real_binary("prometheus-alertmanager") is None or real_binary("amtool") is None,
    reason="prometheus-alertmanager or amtool is not installed",
)
def test_the_suite_of_the_command_line_accepts_the_originals(command_line: Path, tmp_path: Path) -> None:
    for name in ("prometheus-alertmanager", "amtool"):
        upstream.write_shim(tmp_path, [str(real_binary(name))], {}, name)
    (result,) = upstream.run(command_line, tmp_path, ["TestQuerySilence"])
    assert result.passed, result.output
