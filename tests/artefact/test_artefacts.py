"""What `make dist` built: each artefact run for real, with no way out of the machine and next to nothing on it.

Skipped where nothing is built. `make dist dist-test` builds and runs them.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon import ROOT

DIST = ROOT / "dist"
PACKAGING = ROOT / "packaging"


def built(pattern: str) -> Path:
    found = sorted(DIST.glob(pattern))
    if not found:
        pytest.skip(f"dist/{pattern} is not built: make dist")
    sources = [
        path for room in ("ampp", "cli", "packaging") for path in (ROOT / room).rglob("*") if path.suffix != ".pyc"
    ]
    newest = max(path.stat().st_mtime for path in sources if path.is_file())
    if found[0].stat().st_mtime < newest:
        pytest.skip(f"dist/{found[0].name} is older than the sources: make dist")
    return found[0]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one-dir tree, unpacked."""
    archive = built("ampp-*-linux-*.tar.gz")
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    (unpacked,) = folder.iterdir()
    assert unpacked.name == archive.name.removesuffix(".tar.gz")
    return unpacked


def one_file() -> Path:
    built("ampp-*-linux-*.tar.gz")
    return next(path for path in DIST.glob("ampp-*-linux-*") if path.suffix != ".gz")


def enclosed() -> list[str]:
    """The command that gives what follows it namespaces of its own, without a network."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        possible = os.getuid() == 0 and subprocess.run([*command, "true"], check=False).returncode == 0
    except OSError:
        possible = False
    if not possible:
        pytest.skip("only root can make network and mount namespaces, and not in every container")
    return command


def trial(kind: str, artefact: Path) -> None:
    command = [*enclosed(), sys.executable, "-m", "tests.artefact.trial", kind, str(artefact)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "as it should be\n"), done.stdout[-4000:] + done.stderr[-8000:]


def test_the_tree_needs_nothing_but_glibc(tree: Path) -> None:
    trial("bare", tree / "ampp")


def test_the_one_file_needs_nothing_but_glibc() -> None:
    trial("bare", one_file())


def test_the_zipapp_needs_nothing_but_python() -> None:
    trial("python", built("ampp.pyz"))


def test_every_receiver_type_is_in_the_tree(tree: Path) -> None:
    every_receiver(str(tree / "ampp"))


def test_every_receiver_type_is_in_the_zipapp(tmp_path: Path) -> None:
    every_receiver(f"{sys.executable} {built('ampp.pyz')}", AMPP_CACHE=str(tmp_path))


def every_receiver(command: str, **more: str) -> None:
    """The end-to-end test of all types, with the artefact in ampp's place."""
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e/test_every_receiver.py"]
    environment = {**os.environ, "AMPP_UNDER_TEST": command, **more}
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-8000:]


def test_the_zipapp_says_what_it_lacks(tmp_path: Path) -> None:
    archive = built("ampp.pyz")
    nowhere = subprocess.run(
        [sys.executable, archive, "--version"],
        env={"AMPP_CACHE": "/proc/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert nowhere.returncode == 1
    assert "AMPP_CACHE=/folder" in nowhere.stderr
    assert "Traceback" not in nowhere.stderr
    other = tmp_path / "main.py"
    text = (PACKAGING / "zipapp_main.py").read_text().replace("PYTHON = ()", "PYTHON = ('cpython', 3, 9)")
    other.write_text(text)
    wrong = subprocess.run([sys.executable, other], capture_output=True, text=True, check=False)
    assert "holds C extensions for CPython 3.9; run it as: python3.9" in wrong.stderr


def test_no_library_looks_for_others_where_it_was_built(tree: Path) -> None:
    """A path of the building machine, which on another one might belong to anybody, must not be searched."""
    for path in tree.rglob("*"):
        if path.is_file() and ".so" in path.name:
            shown = subprocess.check_output(["objdump", "-p", path], text=True)
            searched = [line.split()[1] for line in shown.splitlines() if line.split()[:1] in (["RPATH"], ["RUNPATH"])]
            assert all(place.startswith("$ORIGIN") for place in searched), (path, searched)


def test_licences_are_in_every_artefact(tree: Path) -> None:
    text = (tree / "THIRD-PARTY-LICENSES").read_text()
    for name in ("trio ", "Quart ", "apsw ", "google-re2 ", "Python 3", "libssl", "pyinstaller "):
        assert f"\n{name}" in text or f" {name}" in text, name
    assert (tree / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    names = subprocess.run([sys.executable, "-m", "zipfile", "-l", built("ampp.pyz")], capture_output=True, check=True)
    assert b"site/THIRD-PARTY-LICENSES" in names.stdout


def test_the_tree_installs(tree: Path, tmp_path: Path) -> None:
    places = {"PATH": os.environ["PATH"], "DESTDIR": str(tmp_path), "PREFIX": "/usr"}
    for _ in range(2):
        subprocess.run([tree / "install"], env=places, check=True, capture_output=True)
        for name, said in (("ampp", "ampp 0"), ("amtool", "amtool, v"), ("prometheus-alertmanager", "alertmanager, v")):
            shown = subprocess.run(
                [tmp_path / "usr/bin" / name, "--version"], capture_output=True, text=True, check=True
            )
            assert shown.stdout.startswith(said)
        assert "ExecStart=/usr/bin/ampp run" in (tmp_path / "usr/lib/systemd/system/ampp.service").read_text()
        # What an operator wrote is left alone by the second run.
        if not (tmp_path / "etc/default/ampp").read_text().startswith("ARGS=mine"):
            (tmp_path / "etc/default/ampp").write_text("ARGS=mine")
    assert (tmp_path / "etc/default/ampp").read_text() == "ARGS=mine"


def test_the_debian_package(tmp_path: Path) -> None:
    package = built("ampp_*.deb")
    shown = subprocess.run(["dpkg-deb", "--info", package], capture_output=True, text=True, check=True).stdout
    assert "Package: ampp" in shown
    assert "Depends: libc6 (>= 2." in shown
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    subprocess.run([tmp_path / "usr/bin/amtool", "--version"], check=True, capture_output=True)
    assert (tmp_path / "etc/ampp/alertmanager.yml").stat().st_mode & 0o777 == 0o644
    kept = subprocess.run(["dpkg-deb", "--info", package, "conffiles"], capture_output=True, text=True, check=True)
    assert kept.stdout.split() == ["/etc/ampp/alertmanager.yml", "/etc/default/ampp"]


def test_the_baseline_is_what_the_files_ask_for(tree: Path) -> None:
    spec = importlib.util.spec_from_file_location("glibc", PACKAGING / "glibc.py")
    assert spec is not None
    assert spec.loader is not None
    glibc = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(glibc)
    lowest, _ = glibc.baseline(glibc.binaries(tree))
    assert (tree / "GLIBC").read_text().strip() == ".".join(map(str, lowest))
