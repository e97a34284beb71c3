"""`python -m tests.acceptance [--reference PATH] [NAME...]`: upstream's acceptance tests against ampp or PATH."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.acceptance import upstream
from tests.support import ampp_command
from tests.support.daemon import ampp_environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--reference", metavar="PATH", help="run them against this Alertmanager instead of ampp")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("names", nargs="*", help="tests to run; all but the clustered ones when none is named")
    chosen = parser.parse_args()
    reason = upstream.missing()
    if reason:
        print(reason, file=sys.stderr)  # noqa: T201
        return 2
    names = chosen.names or [n for n in upstream.test_names(upstream.API) if n not in upstream.CLUSTERED]
    with tempfile.TemporaryDirectory(prefix="ampp-acceptance-") as folder:
        home = Path(folder)
        binary = upstream.compile_tests(home / "acceptance.test")
        if chosen.reference:
            upstream.write_shim(home, [chosen.reference], {})
        else:
            upstream.write_shim(home, ampp_command(), {"PYTHONPATH": ampp_environment()["PYTHONPATH"]})
        failed = 0
        for result in upstream.run(binary, home, names, parallel=chosen.parallel):
            failed += not result.passed
            print("ok  " if result.passed else "FAIL", result.name)  # noqa: T201
            if result.output:
                print(result.output)  # noqa: T201
    print(f"{len(names) - failed} passed, {failed} failed")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
