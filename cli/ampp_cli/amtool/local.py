"""amtool's commands that need no server: `check-config` and `template render`."""

import os
import stat
import sys

from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.session import mode
from ampp_cli.kingpin import Parsed

__all__ = ["check_config", "template_render"]


def check_config(parsed: Parsed) -> int:
    from ampp_cli.check import check

    files = parsed["check-files"]
    if not files:
        if sys.stdin is None or stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode):
            raise Failure("Failed to read from standard input", "\n")
        files = ["/dev/stdin"]
    grammar, failed = mode(parsed), 0
    for file in files:
        for piece in check(file, grammar):
            if piece is None:
                failed += 1
            else:
                sys.stdout.write(piece)
    if failed:
        raise Failure(f"failed to validate {failed} file(s)")
    return 0


def template_render(parsed: Parsed) -> int:
    from ampp_cli.render import RenderError, render

    kind = parsed["template.type"] or "text"
    try:
        rendered = render(parsed["template.glob"], parsed["template.text"], kind, parsed["template.data"])
    except RenderError as error:
        raise Failure(str(error)) from error
    # Bytes that are no UTF-8, which files may hold, pass through.
    sys.stdout.flush()
    sys.stdout.buffer.write(rendered.encode(errors="surrogateescape"))
    return 0
