"""The one entry point. The name it is called by decides what it is: the daemon, amtool, or ampp's own commands.

Nothing is imported before it is known to be needed, so that `--version` and small queries answer at once.
"""

import errno
import gc
import io
import os
import sys

__all__ = ["main", "version"]

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a full or failing disk says."""

DAEMON_NAMES = ("alertmanager", "prometheus-alertmanager")


def main() -> int:
    """Run the command line in `sys.argv`; the exit status. 130: interrupted; 1: nobody reads what is printed."""
    _occupy_standard_descriptors()
    _write_utf8()
    program, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
    try:
        status = _dispatch(program, arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has seen enough.
        _forget_output()
        return 1
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _forget_output()
        sys.stderr.write(f"{program}: cannot write the output: {(error.strerror or '').lower()}\n")
        return 1
    if "threading" not in sys.modules:
        # So little was needed that nothing can be under way; Python would only tear down what is gone in a moment.
        os._exit(status)
    return status


def version() -> str:
    """What `ampp --version` says; asked for alone it is said at once, without the import of click."""
    from ampp import COMPATIBLE, __version__

    return f"ampp {__version__} (Alertmanager {COMPATIBLE})"


def _write_utf8() -> None:
    """Whatever the locale says: what is printed holds lines of trees and the words of alerts."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def _forget_output() -> None:
    """Python would complain when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _occupy_standard_descriptors() -> None:
    """Started with one of them closed, the first socket or database opened would get its number, and the log lines."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    # Python has None for a stream that was closed.
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if name == "stdin" else "w"))


def _dispatch(program: str, arguments: list[str]) -> int:
    if program in DAEMON_NAMES:
        from ampp_cli import run

        return run.main(program, arguments)
    if program == "amtool":
        gc.disable()  # it is over before collecting anything would pay
        from ampp_cli import amtool

        return amtool.main(program, arguments)
    if arguments == ["--version"]:
        sys.stdout.write(version() + "\n")
        return 0
    from ampp_cli import usual

    status = usual.answer(arguments)
    if status is not None:
        return status
    from ampp_cli import own

    return own.main(arguments)
