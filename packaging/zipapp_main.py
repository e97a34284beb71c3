"""ampp.pyz: unpacks itself once, since C extensions cannot be loaded out of a zip, and runs from there after that.

The folder is $AMPP_CACHE, else $XDG_CACHE_HOME/ampp, else ~/.cache/ampp; in it one folder per build, named by what is
in the archive. `BUILD` and `PYTHON` are put here when the archive is made.
"""

import os
import sys

BUILD = ""
PYTHON = ()


def stop(text):
    sys.exit(os.path.basename(sys.argv[0]) + ": " + text)


def unpack(archive, target):
    import shutil
    import tempfile
    import zipfile

    parent = os.path.dirname(target)
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=".unpacking-", dir=parent)
    except OSError as error:
        stop(
            f"cannot unpack into {parent}: {error.strerror}; name a folder that can be written with AMPP_CACHE=/folder"
        )
    try:
        with zipfile.ZipFile(archive) as source:
            for entry in source.infolist():
                if entry.filename.startswith("site/"):
                    os.chmod(source.extract(entry, folder), entry.external_attr >> 16 & 0o777)
        try:
            os.rename(os.path.join(folder, "site"), target)
        except OSError:
            # Another process was faster. What it unpacked is the same.
            if not os.path.isdir(target):
                raise
    except OSError as error:
        stop(f"cannot unpack into {parent}: {error.strerror}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def locate():
    base = os.environ.get("AMPP_CACHE", "")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME", "") or os.path.join(os.path.expanduser("~"), ".cache")
        if not os.path.isabs(home):
            stop("there is no home directory to unpack into; name a folder that can be written with AMPP_CACHE=/folder")
        base = os.path.join(home, "ampp")
    return os.path.join(os.path.abspath(base), BUILD)


if (sys.implementation.name, *sys.version_info[:2]) != PYTHON:
    wanted = ".".join(map(str, PYTHON[1:]))
    stop(f"this archive holds C extensions for CPython {wanted}; run it as: python{wanted} {sys.argv[0]}")
site = locate()
if not os.path.isdir(site):
    unpack(os.path.dirname(os.path.abspath(__file__)), site)
# After the script's own entry and what PYTHONPATH names, where a plug-in may lie; before the machine's own packages.
sys.path[0] = site

from ampp_cli.main import main  # noqa: E402

sys.exit(main())
