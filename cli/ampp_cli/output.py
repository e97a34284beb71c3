"""How commands show lists and objects: `-o simple|extended|wide|json|yaml|jsonl|name`, colour, headers, `--watch`.

A command describes its rows once, as a `Listing`, and hands over the API's own objects:

    ALERTS = Listing(
        columns=(Column("Alertname", lambda alert: alert["labels"].get("alertname", "")), …),
        name=lambda alert: alert["fingerprint"],
    )

    @click.command("query")
    @output_options
    def command(output: Output) -> None:
        output.show(ALERTS, alerts)

`json` is exactly what the API gave, `jsonl` one object a line, `name` one identifier a line; those never carry colour
or headings. Only data goes to stdout.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from ampp_cli.option import Option, clicked
from ampp_cli.table import clean, columns

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Final, Literal, TypeAlias, TypeVar

    R = TypeVar("R")

    Row: TypeAlias = dict[str, Any]
    Detail: TypeAlias = Literal["simple", "extended", "wide"]

__all__ = [
    "BLUE",
    "BOLD",
    "DIM",
    "FORMS",
    "GREEN",
    "OPTIONS",
    "RED",
    "WATCH",
    "YELLOW",
    "Column",
    "Listing",
    "Output",
    "color_option",
    "coloured",
    "output_options",
    "terminal_width",
]

FORMS: Final = ("simple", "extended", "wide", "json", "yaml", "jsonl", "name")
_DETAIL: Final = {"simple": 0, "extended": 1, "wide": 2}

_MANY: Final = 4000
"""Rows from which on it pays to import the faster encoder."""

BOLD: Final = "1"
DIM: Final = "2"
RED: Final = "31"
GREEN: Final = "32"
YELLOW: Final = "33"
BLUE: Final = "34"


class Column:
    """One column. `least`: the first form, by detail, that shows it. `style`: an SGR code for the cell, or "".

    `until`: the last that does. `flexible` columns are cut where the terminal is too narrow, except with `wide`.
    """

    __slots__ = ("cell", "flexible", "head", "least", "style", "until")

    def __init__(
        self,
        head: str,
        cell: Callable[[Row], str],
        *,
        least: Detail = "simple",
        until: Detail = "wide",
        flexible: bool = False,
        style: Callable[[Row], str] | None = None,
    ) -> None:
        self.head = head
        self.cell = cell
        self.least = least
        self.until = until
        self.flexible = flexible
        self.style = style


class Listing:
    """What a kind of rows looks like. `name` is what other commands take to mean the row."""

    __slots__ = ("columns", "name")

    def __init__(self, columns: tuple[Column, ...], name: Callable[[Row], str]) -> None:
        self.columns = columns
        self.name = name


class Output:
    """What the user asked for. `colour` is decided already; `watch` is in seconds, 0 for once."""

    __slots__ = ("colour", "form", "headers", "watch")

    def __init__(self, form: str, headers: bool = True, colour: bool = False, watch: float = 0.0) -> None:
        self.form = form
        self.headers = headers
        self.colour = colour
        self.watch = watch

    def as_form(self, form: str) -> Output:
        """The same in another form."""
        return Output(form, self.headers, self.colour, self.watch)

    @property
    def for_people(self) -> bool:
        """Whether it is a table, and not something that programs read."""
        return self.form in _DETAIL

    def show(self, listing: Listing, rows: Sequence[Row]) -> None:
        """Write the rows to stdout, all at once."""
        sys.stdout.write(self.text(listing, rows))

    def text(self, listing: Listing, rows: Sequence[Row]) -> str:
        """What `show` writes."""
        if self.form == "name":
            return "".join(f"{clean(listing.name(row))}\n" for row in rows)
        if not self.for_people:
            return self.document(list(rows))
        level = _DETAIL[self.form]
        chosen = [c for c in listing.columns if _DETAIL[c.least] <= level <= _DETAIL[c.until]]
        lines = [[clean(column.cell(row)) for column in chosen] for row in rows]
        if self.headers:
            lines.insert(0, [column.head for column in chosen])
        shown = columns(
            lines,
            width=terminal_width() if self.form != "wide" else 0,
            flexible=frozenset(at for at, column in enumerate(chosen) if column.flexible),
            styles=self._styles(chosen, rows) if self.colour else None,
        )
        return "".join(line + "\n" for line in shown)

    def document(self, value: Any) -> str:
        """A value in the form json, yaml or jsonl."""
        if self.form == "yaml":
            import yaml

            return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False))
        if self.form == "jsonl":
            return "".join(_json(row) + "\n" for row in (value if isinstance(value, list) else [value]))
        return _json(value) + "\n"

    def object(self, value: Row, fields: Iterable[tuple[str, str]]) -> str:
        """One object: the API's own as a document, or for people a list of names and texts, which are clean already."""
        if not self.for_people:
            return self.document(value)
        return "".join(line + "\n" for line in columns([[f"{name}:", text] for name, text in fields]))

    def painted(self, text: str, style: str) -> str:
        """The text in colour, where colour is wanted."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.colour and style else text

    def repeat(self, draw: Callable[[], str]) -> None:
        """Write what `draw` gives, once or every `watch` seconds until interrupted.

        On a terminal the new replaces the old. An error ends it the first time; later it is shown, and tried again.
        """
        sys.stdout.write(draw())
        if not self.watch:
            return
        import click

        gc.enable()
        while True:
            sys.stdout.flush()
            time.sleep(self.watch)
            try:
                text = draw()
            except click.ClickException as error:
                text = f"{error.format_message()}\n"
            if sys.stdout.isatty():
                whole = time.strftime("%X") + "\n" + text
                sys.stdout.write("\x1b[H" + whole.replace("\n", "\x1b[K\n") + "\x1b[J")
            else:
                sys.stdout.write(("" if self.form in ("jsonl", "name") else "\n") + text)

    def _styles(self, chosen: list[Column], rows: Sequence[Row]) -> Callable[[int, int, str], str]:
        def style(number: int, at: int, cell: str) -> str:
            if self.headers:
                number -= 1
            if number < 0:
                return self.painted(cell, BOLD)
            of = chosen[at].style
            return self.painted(cell, of(rows[number])) if of is not None else cell

        return style


def _json(value: Any) -> str:
    if isinstance(value, list) and len(value) > _MANY:
        import msgspec

        return msgspec.json.encode(value).decode()
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def terminal_width() -> int:
    """The terminal's, or what COLUMNS says; 0 where neither is there: a file or pipe gets everything."""
    if os.environ.get("COLUMNS", "").isdigit():
        return int(os.environ["COLUMNS"])
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    except (OSError, ValueError):
        return 0


def coloured(wanted: str) -> bool:
    if wanted != "auto":
        return wanted == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


_COLOR: Final = Option(
    "color",
    "--color",
    choices=("auto", "always", "never"),
    default="auto",
    help="Colour; by itself only on a terminal, and not if NO_COLOR is set.",
)
OPTIONS: Final = (
    Option(
        "form",
        "-o",
        "--output",
        remembered=True,
        choices=FORMS,
        default="simple",
        show_default=True,
        help="Form of the output.",
    ),
    Option("no_headers", "--no-headers", flag=True, help="Leave out the headings of tables."),
    _COLOR,
)
WATCH: Final = (
    Option("watch", "-w", "--watch", flag=True, rare=True, help="Show it again and again, until interrupted."),
    Option("interval", "--interval", kind="seconds", default="2.0", help="Seconds between showings, for --watch."),
)


def color_option(function: Callable[..., R]) -> Callable[..., R]:
    """Give a click command the option `--color`, whose value `coloured` takes."""
    return clicked((_COLOR,))(function)


def output_options(*, watch: bool = False) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a click command `-o`, `--no-headers` and `--color`, as its argument `output`; `watch` adds `--watch`."""
    import functools

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(function)
        def run(
            *args: Any, form: str, no_headers: bool, color: str, watch: bool = False, interval: float = 0, **rest: Any
        ) -> R:
            output = Output(form, not no_headers, coloured(color), interval if watch else 0.0)
            return function(*args, output=output, **rest)

        return clicked(OPTIONS + (WATCH if watch else ()))(run)

    return decorate
