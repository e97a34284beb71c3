"""The .deb: what `install` lays out below /usr, with the scripts that Debian wants around it."""

import os
import subprocess
from pathlib import Path

__all__ = ["build"]

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_CONTROL = """Package: ampp
Version: {version}
Architecture: {architecture}
Maintainer: The ampp project <ampp@localhost>
Installed-Size: {size}
Depends: libc6 (>= {glibc})
Recommends: ca-certificates
Conflicts: prometheus-alertmanager
Replaces: prometheus-alertmanager
Provides: prometheus-alertmanager
Section: net
Priority: optional
Description: alert router that stands in for Prometheus Alertmanager
 Alertmanager++ takes alerts from Prometheus, decides who hears about what and
 when, delivers, and remembers. It reads alertmanager.yml, speaks Alertmanager's
 API, and is amtool too when called so.
"""

# Restarted on upgrade, enabled and started when first installed, as Debian's own services are.
_POSTINST = """#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ -z "$2" ]; then
        systemctl enable --now ampp.service
    else
        systemctl try-restart ampp.service
    fi
fi
"""

_PRERM = """#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now ampp.service
fi
"""

_POSTRM = """#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
if [ "$1" = purge ]; then
    rm -rf /var/lib/private/ampp /var/lib/ampp
fi
"""


def build(folder: Path, version: str, glibc: tuple[int, ...], target: Path, stage: Path, epoch: int) -> Path:
    """The package, made of the one-dir `folder` in `stage`; every file from `epoch` (seconds)."""
    places = {"DESTDIR": str(stage), "PREFIX": "/usr", "SYSCONFDIR": "/etc"}
    subprocess.run([str(folder / "install")], env={**os.environ, **places}, check=True, stdout=subprocess.DEVNULL)
    architecture = _ARCHITECTURES[folder.name.rpartition("-")[2]]
    control = stage / "DEBIAN"
    control.mkdir()
    size = sum(path.lstat().st_size for path in stage.rglob("*") if not path.is_dir()) // 1024
    about = {"version": version, "architecture": architecture, "size": size, "glibc": ".".join(map(str, glibc))}
    (control / "control").write_text(_CONTROL.format(**about))
    kept = sorted("/" + str(path.relative_to(stage)) for path in (stage / "etc").rglob("*") if path.is_file())
    (control / "conffiles").write_text("".join(f"{path}\n" for path in kept))
    for name, text in (("postinst", _POSTINST), ("prerm", _PRERM), ("postrm", _POSTRM)):
        (control / name).write_text(text)
        (control / name).chmod(0o755)
    package = target / f"ampp_{version}_{architecture}.deb"
    # dpkg-deb turns later times into that of SOURCE_DATE_EPOCH, and leaves earlier ones: so all get it.
    for path in [stage, *stage.rglob("*")]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100) else 0o644)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(stage), str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return package
