"""`amtool config routes show` and `test`, of a file or of the running server."""

import sys

from ampp import config
from ampp.core.matcher import MatcherError, Op, parse_matcher
from ampp.core.route import Route
from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.session import mode
from ampp_cli.amtool.status import status_of
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.document import text
from ampp_cli.tree import matching_tree, routing_tree

__all__ = ["show", "test"]


def show(parsed: Parsed) -> int:
    sys.stdout.write(f"Routing tree:\n{routing_tree(_routes(parsed, chr(10)))}\n")
    return 0


def test(parsed: Parsed) -> int:
    root = _routes(parsed, "\n\n")
    labels: dict[str, str] = {}
    for word in parsed["labels"]:
        try:
            (matcher,) = parse_matcher(word, mode(parsed)).matchers
        except MatcherError as error:
            raise Failure(f"Failed to parse labels: {error}") from error
        if matcher.op is not Op.EQ:
            raise Failure("Labels must be specified as key=value pairs")
        labels[matcher.name] = matcher.value
    if parsed["tree"]:
        sys.stdout.write(f"Matching routes:\n{matching_tree(root, labels)}\n\n")
    receivers = ",".join(route.receiver for route in root.match(labels))
    sys.stdout.write(receivers + "\n")
    if parsed["verify.receivers"] and parsed["verify.receivers"] != receivers:
        sys.stdout.write("WARNING: Expected receivers did not match resolved receivers.\n")
        return 1
    return 0


def _routes(parsed: Parsed, end: str) -> Route:
    """The routing tree; `end` stands after the error if there is none to be had."""
    file, address = parsed["config.file"], parsed["alertmanager.url"]
    if file and address is not None:
        sys.stderr.write("Warning: --config.file flag overrides the --alertmanager.url.\n")
    if not file and address is None:
        raise Failure("You have to specify one of --config.file or --alertmanager.url flags.", "\n")
    grammar = mode(parsed)
    try:
        loaded = config.load_file(file, grammar) if file else config.load(_original(parsed), grammar)
    except config.ConfigError as error:
        raise Failure(str(error), end) from error
    except Failure as error:
        raise Failure(str(error), end) from error
    return config.compile(loaded).root


def _original(parsed: Parsed) -> str:
    return text(status_of(parsed), "config", "original")
