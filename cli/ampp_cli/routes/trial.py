"""Alerts sent through a routing tree to see where they go, one by one or from a file of cases."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import click

from ampp.config import Config, ConfigError, compile  # noqa: A004
from ampp.config.case import Case, Outcome, load_cases, outcome
from ampp.config.tree import slug
from ampp.core.labels import canonical, format_set
from ampp.core.route import Route
from ampp_cli.output import BOLD, GREEN, RED, Output
from ampp_cli.routes.drawing import Item, drawn
from ampp_cli.routes.origin import failure
from ampp_cli.routes.schedule import document
from ampp_cli.selection import labels_from
from ampp_cli.source import read_text, shown

if TYPE_CHECKING:
    from ampp.config.lint import Finding

__all__ = ["many", "one"]


def one(config: Config, labels: tuple[str, ...], output: Output, *, expected: str | None, everything: bool) -> int:
    """Show where an alert with labels, as they were typed, goes; the exit status.

    `expected`: the receivers that it must be, joined by commas. `everything`: draw the whole tree.
    """
    root = compile(config).root
    found = outcome(_case(labels, expected), root)
    right = expected is None or found.as_expected
    if output.form == "name":
        click.echo("\n".join(found.receivers))
    elif output.form == "json":
        click.echo(output.document(_plain(found)), nl=False)
    else:
        lit = {route.index for trail in found.trails for route in trail}
        ends = {trail[-1].index for trail in found.trails}

        def item(route: Route) -> Item | None:
            passed = route.index in lit
            if not passed and not everything:
                return None
            head = slug(route, receiver=False, continues=False)
            head += f" → {route.receiver}" if route.index in ends or not passed else ""
            mark = "● " if passed and everything else ""
            return mark + head, (GREEN if route.index in ends else BOLD) if passed else "2", ()

        click.echo("\n".join(drawn(root, item, paint=output.painted)), color=output.colour)
        click.echo(f"receivers: {', '.join(found.receivers)}")
    if not right:
        click.echo(f"expected {', '.join(found.case.receivers)}: {_difference(found)}", err=True)
    return 0 if right else 1


def many(config: Config, file: str, output: Output) -> int:
    """Send all cases in a file through the tree and print the report; the exit status."""
    name = "<stdin>" if file == "-" else shown(file)
    try:
        cases = load_cases(read_text(file), name)
    except ConfigError as error:
        raise failure(error) from error
    root = compile(config).root
    outcomes = [outcome(case, root) for case in cases]
    _REPORTS[output.form](outcomes, name, output)
    return 0 if all(one.as_expected for one in outcomes) else 1


def _case(words: tuple[str, ...], expected: str | None) -> Case:
    found = canonical(labels_from(words, "label"))
    return Case(format_set(found), found, tuple((expected or "").split(",")))


def _plain(one: Outcome) -> dict[str, object]:
    return {
        "labels": one.case.labels,
        "receivers": list(one.receivers),
        "routes": [[document(route) for route in trail] for trail in one.trails],
    }


def _difference(one: Outcome) -> str:
    told = [f"{name} is not told" for name in one.missing] + [f"{name} is told as well" for name in one.unexpected]
    return ", ".join(told) if told else "the same receivers in another order"


def _path(trail: Sequence[Route]) -> str:
    return " > ".join(slug(route, receiver=False, continues=False) for route in trail) + f" → {trail[-1].receiver}"


def _people(outcomes: Sequence[Outcome], name: str, output: Output) -> None:
    for one in outcomes:
        if one.as_expected:
            click.echo(f"{output.painted('ok', GREEN)}    {one.case.name}", color=output.colour)
            continue
        click.echo(f"{output.painted('FAIL', RED)}  {one.case.name} ({name}:{one.case.line})", color=output.colour)
        click.echo(f"        labels    {format_set(one.case.labels)}")
        click.echo(f"        expected  {', '.join(one.case.receivers) or 'nobody'}")
        click.echo(f"        told      {', '.join(one.receivers)}: {_difference(one)}")
        for trail in one.trails:
            click.echo(f"        by        {_path(trail)}")
    failed = sum(not one.as_expected for one in outcomes)
    cases = f"{len(outcomes)} case{'' if len(outcomes) == 1 else 's'}"
    click.echo(f"{failed} of {cases} failed" if failed else f"{cases}, all as expected")


def _names(outcomes: Sequence[Outcome], name: str, output: Output) -> None:
    for one in outcomes:
        if not one.as_expected:
            click.echo(one.case.name)


def _json(outcomes: Sequence[Outcome], name: str, output: Output) -> None:
    click.echo(
        output.document(
            [
                {
                    "name": one.case.name,
                    "line": one.case.line,
                    "as_expected": one.as_expected,
                    "expected": list(one.case.receivers),
                    "missing": list(one.missing),
                    "unexpected": list(one.unexpected),
                    **_plain(one),
                }
                for one in outcomes
            ]
        ),
        nl=False,
    )


def _github(outcomes: Sequence[Outcome], name: str, output: Output) -> None:
    from ampp_cli.annotation import github

    for line in github([_finding(one, name) for one in outcomes if not one.as_expected]):
        click.echo(line)


def _junit(outcomes: Sequence[Outcome], name: str, output: Output) -> None:
    from ampp_cli.annotation import junit

    cases = [(one.case.name, [] if one.as_expected else [_finding(one, name)]) for one in outcomes]
    for line in junit([(name, cases)]):
        click.echo(line)


def _finding(one: Outcome, name: str) -> "Finding":
    from ampp.config.lint import Finding, Severity

    paths = "; ".join(map(_path, one.trails))
    text = f"{one.case.name}: expected {', '.join(one.case.receivers) or 'nobody'}: {_difference(one)}"
    return Finding("route-case", Severity.ERROR, name, one.case.line, one.case.column, text, paths)


_REPORTS: Final[dict[str, Callable[[Sequence[Outcome], str, Output], None]]] = {
    "simple": _people,
    "name": _names,
    "json": _json,
    "github": _github,
    "junit": _junit,
}
