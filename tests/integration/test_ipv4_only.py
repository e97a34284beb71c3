"""A host without IPv6: the daemon starts with its default addresses, is reached and reaches others."""

import platform
import shutil
import subprocess
import sys

import pytest

from tests.integration.ipv4_only import SOCKET_CALL
from tests.support.daemon import ROOT, ampp_environment


def namespace() -> list[str] | None:
    """The command that runs another in a network namespace of its own, if this machine lets us."""
    found = shutil.which("unshare")
    for words in ([found, "--net"], [found, "--net", "--map-root-user"]) if found else ():
        if subprocess.run([*words, "true"], capture_output=True, timeout=20).returncode == 0:
            return [str(word) for word in words]
    return None


@pytest.mark.parametrize("how", ["off", "absent"])
def test_without_ipv6(how: str) -> None:
    if how == "absent" and platform.machine() not in SOCKET_CALL:
        pytest.skip("the number of the system call is not known for this machine")
    own = namespace()
    if own is None:
        pytest.skip("no network namespace can be made here")
    done = subprocess.run(
        [*own, sys.executable, "-m", "tests.integration.ipv4_only", how],
        cwd=ROOT,
        env=ampp_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
