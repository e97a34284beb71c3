"""What this build calls itself, in the fields Alertmanager uses for it.

Clients read the version to decide what the server can do, so it is the compatible one; ours stands in the revision.
"""

import os
import sys
from typing import Final, NamedTuple

from ampp import COMPATIBLE, __version__

__all__ = ["BUILD", "Build"]

_ARCH: Final = {"x86_64": "amd64", "aarch64": "arm64"}


class Build(NamedTuple):
    """`runtime` stands where Alertmanager names its Go version; `arch` and `os` are in Go's words."""

    version: str
    revision: str
    branch: str
    user: str
    date: str
    runtime: str
    arch: str
    os: str

    def info(self) -> str:
        """The `version` attribute of the "Starting Alertmanager" log line."""
        return f"(version={self.version}, branch={self.branch}, revision={self.revision})"

    def context(self) -> str:
        """The `build_context` attribute of the "Build context" log line."""
        return f"(go={self.runtime}, platform={self.os}/{self.arch}, user={self.user}, date={self.date}, tags=)"

    def text(self, program: str) -> str:
        """What `--version` prints, without the final newline."""
        return (
            f"{program}, version {self.version} (branch: {self.branch}, revision: {self.revision})\n"
            f"  build user:       {self.user}\n"
            f"  build date:       {self.date}\n"
            f"  go version:       {self.runtime}\n"
            f"  platform:         {self.os}/{self.arch}\n"
            f"  tags:             "
        )


BUILD: Final = Build(
    version=COMPATIBLE,
    revision=f"ampp-{__version__}",
    branch="ampp",
    user="ampp",
    date="",
    runtime=f"python{'.'.join(map(str, sys.version_info[:3]))}",
    arch=_ARCH.get(os.uname().machine, os.uname().machine),
    os=sys.platform,
)
