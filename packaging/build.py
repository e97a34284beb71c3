"""Build the artefacts of `make dist` that carry all they need, from the wheel in dist/.

    ampp-VERSION-linux-ARCH.tar.gz   a folder: program, libraries, unit and installer; needs glibc, no Python
    ampp-VERSION-linux-ARCH          one file that unpacks itself at every start; needs glibc, no Python
    ampp_VERSION_ARCH.deb            the folder as a Debian package, where dpkg-deb is there
    ampp.pyz                         a zip that unpacks itself once; needs the CPython it was built with

Each is made in a new virtual environment with the packages of run.lock (tools.lock: and PyInstaller) and nothing else.
All that varies from build to build is pinned: SOURCE_DATE_EPOCH, by default the time of the commit, stands for every
time; hashes are not randomised, bytecode is checked by nothing, archives are sorted.
"""

import argparse
import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from platform import machine

import archive
import debian
import glibc
import licence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DIST = ROOT / "dist"
WORK = ROOT / "build" / "package"
NAMES = ("alertmanager", "amtool", "prometheus-alertmanager")
"""What the program is called besides `ampp`; it acts on the name it is called by."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Build what `make dist` makes besides wheel and sdist.")
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel.resolve()
    version = wheel.name.split("-")[1]
    os.environ.update(SOURCE_DATE_EPOCH=str(epoch()), PYTHONHASHSEED="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    os.environ.pop("PYTHONPATH", None)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    download()
    bundle = freeze(wheel)
    name = f"ampp-{version}-linux-{machine()}"
    made = [keep(bundle / "ampp-onefile", DIST / name), zipapp(wheel)]
    folder, lowest = tree(bundle, name)
    made.append(DIST / f"{name}.tar.gz")
    archive.write_tar(made[-1], folder, epoch())
    if shutil.which("dpkg-deb"):
        made.append(debian.build(folder, version, lowest, DIST, WORK / "deb", epoch()))
    else:
        say("no .deb: dpkg-deb is not installed")
    (DIST / "THIRD-PARTY-LICENSES").write_bytes((folder / "THIRD-PARTY-LICENSES").read_bytes())
    for path in made:
        say(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.stat().st_size / 1e6:5.1f} MB  {path.name}")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (this is what it is for)


def epoch() -> int:
    """The time that all files get: of the commit, or of ours where there is no git."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given:
        asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        try:
            given = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            given = "1767225600"
    return int(given)


PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""The wheels to take, where a package offers several for Linux: not those for newer systems only."""


def download() -> None:
    """The wheels of tools.lock, which are those of run.lock too, by their hashes."""
    kinds = [f"--platform={platform}_{machine()}" for platform in PLATFORMS]
    asked = ["--quiet", "--only-binary=:all:", "--no-deps", "--require-hashes", *kinds, "-r", str(HERE / "tools.lock")]
    subprocess.run(
        [sys.executable, "-m", "pip", "--no-input", "download", "--dest", str(WORK / "wheels"), *asked], check=True
    )


def install(python: Path | str, *arguments: str) -> None:
    """Without looking anywhere but among what was downloaded."""
    offline = ["--quiet", "--no-index", "--find-links", str(WORK / "wheels"), "--root-user-action=ignore"]
    subprocess.run([str(python), "-m", "pip", "--no-input", "install", *offline, *arguments], check=True)


def freeze(wheel: Path) -> Path:
    """PyInstaller's work; the folder with `ampp/` and `ampp-onefile`."""
    for tool in ("objdump", "objcopy", "strip"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: apt-get install binutils")
    venv = WORK / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = venv / "bin" / "python"
    install(python, "--require-hashes", "-r", str(HERE / "tools.lock"))
    install(python, "--no-deps", str(wheel))
    out = WORK / "out"
    command = [str(python), "-P", "-m", "PyInstaller", "--log-level", "WARN", "--noconfirm", "--clean"]
    command += ["--distpath", str(out), "--workpath", str(WORK / "work"), str(HERE / "ampp.spec")]
    subprocess.run(command, check=True, env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(WORK / "cache")})
    return out


def tree(bundle: Path, name: str) -> tuple[Path, glibc.Version]:
    """The folder that is packed, with all that is not program; and the oldest glibc it runs on."""
    folder = WORK / name
    shutil.copytree(bundle / "ampp", folder, symlinks=True)
    for other in NAMES:
        (folder / other).symlink_to("ampp")
    keep(folder / "_internal" / "THIRD-PARTY-LICENSES", folder / "THIRD-PARTY-LICENSES")
    for file in (ROOT / "LICENSE", ROOT / "alertmanager.yml.example", HERE / "ampp.service", HERE / "ampp.default"):
        keep(file, folder / file.name)
    keep(HERE / "install", folder / "install")
    lowest, who = glibc.baseline(glibc.binaries(folder))
    from_wheels, _ = glibc.baseline(glibc.binaries(WORK / "site"))
    asking = ", ".join(path.name for path in who)
    (folder / "GLIBC").write_text(f"{_dotted(lowest)}\n")
    say(f"tar.gz, one file, deb: glibc {_dotted(lowest)} or newer, as asked by {asking}")
    say(f"ampp.pyz, wheel: glibc {_dotted(from_wheels)} or newer, or what the Python asks for that runs it")
    return folder, lowest


def zipapp(wheel: Path) -> Path:
    """ampp.pyz: run-time packages, byte-compiled, behind `zipapp_main.py`."""
    site = WORK / "site"
    into = ["--target", str(site), "--no-compile", "--no-warn-conflicts", "--upgrade"]
    install(sys.executable, *into, "--require-hashes", "-r", str(HERE / "run.lock"))
    install(sys.executable, *into, "--no-deps", str(wheel))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(site, quiet=1, stripdir=str(site), invalidation_mode=unchecked):
        sys.exit("not all modules can be compiled")
    (site / "THIRD-PARTY-LICENSES").write_text(licence.collect(site), "utf-8")
    build = hashlib.sha256()
    for path in sorted(path for path in site.rglob("*") if path.is_file() and _belongs(path)):
        build.update(f"{path.relative_to(site)}\0".encode())
        build.update(hashlib.sha256(path.read_bytes()).digest())
    main = (HERE / "zipapp_main.py").read_text("utf-8")
    main = main.replace('BUILD = ""', f'BUILD = "{build.hexdigest()[:20]}"')
    main = main.replace("PYTHON = ()", f"PYTHON = {(sys.implementation.name, *sys.version_info[:2])!r}")
    target = DIST / "ampp.pyz"
    archive.write_zipapp(target, main, site, _belongs)
    return target


def _belongs(path: Path) -> bool:
    """Not the launchers that pip writes, which name this machine's Python, nor its records of what it did."""
    record = path.parent.name.endswith(".dist-info") and path.name in (
        "RECORD",
        "direct_url.json",
        "INSTALLER",
        "REQUESTED",
    )
    return not record and path.parent.relative_to(WORK / "site").parts[:1] != ("bin",)


def keep(source: Path, target: Path) -> Path:
    """`source` copied to `target`, with its mode and nothing else of its circumstances."""
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    return target


def _dotted(version: glibc.Version) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    main()
