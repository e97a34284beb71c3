"""`ampp backtest`: what would have been told, had another configuration been in force."""

import sys
import time
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from ampp_cli.remote.client import Remote
from ampp_cli.server import server_options

__all__ = ["command"]

_POLL: Final = 0.3

SAME, DIFFERS = 0, 1


class _Failed(click.ClickException):
    """No answer: neither the same nor different."""

    exit_code = 2


@click.command("backtest")
@click.option("--config", "config", type=click.Path(dir_okay=False, path_type=Path), help="The candidate.")
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What to compare it with, instead of the configurations that were in force.",
)
@click.option("--since", default="7d", show_default=True, help="How far back to count: a duration, or a time.")
@click.option("--match", multiple=True, metavar="MATCHER", help="Only notifications about such alerts. Repeatable.")
@click.option(
    "--storage.path",
    "storage",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="A daemon's storage directory, to be read here. Without it the server does the work.",
)
@click.option("--examples", type=click.IntRange(0, 100), default=5, show_default=True, help="How many of each to show.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@click.option("-o", "--output", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--job", is_flag=True, hidden=True)
@server_options
def command(
    remote: Remote,
    config: Path | None,
    baseline: Path | None,
    since: str,
    match: tuple[str, ...],
    storage: Path | None,
    examples: int,
    exit_code: bool,
    form: str,
    job: bool,
) -> int:
    """Replay recorded history under another configuration and show who would have been told what.

    Exit status: 0 when done (with --exit-code: when nothing differs), 1 with --exit-code when something does, 2 when
    there is no answer: a configuration that does not load, no history, a wrong option.
    """
    if job:
        from ampp.history.job import main

        main()
        return 0
    if config is None:
        raise click.UsageError("missing option --config")
    asked: dict[str, Any] = {
        "config": _text(config),
        "baseline": _text(baseline) if baseline is not None else "",
        "since": _since(since),
        "match": match,
        "examples": examples,
    }
    report = _here(storage, asked, config, baseline) if storage is not None else _there(remote, asked)
    if form == "json":
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    else:
        from ampp_cli.backtest_text import text

        sys.stdout.write(text(report))
    return DIFFERS if exit_code and not report["same"] else SAME


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _Failed(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _since(text: str) -> int:
    """Wall nanoseconds."""
    from datetime import UTC, datetime

    from ampp_cli.when import WhenError, duration, moment

    now = datetime.now(UTC)
    try:
        return round((now.timestamp() - duration(text)) * 1e9)
    except WhenError:
        pass
    try:
        return round(moment(text, now).timestamp() * 1e9)
    except WhenError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error


def _here(storage: Path, asked: dict[str, Any], config: Path, baseline: Path | None) -> Any:
    import msgspec

    from ampp.config import ConfigError, load_file
    from ampp.history.backtest import backtest
    from ampp.history.error import FieldError
    from ampp.history.job import Request, prepare
    from ampp.history.tape import Tape, TapeError

    try:
        for path in filter(None, (config, baseline)):
            load_file(str(path))
        tape = Tape(storage, asked["since"])
        try:
            report = backtest(tape, prepare(Request(str(storage), **asked)), _progress)
        finally:
            tape.close()
            _progress(0, 0)
    except ConfigError as error:
        raise _Failed(error.render()) from error
    except (FieldError, TapeError) as error:
        raise _Failed(str(error)) from error
    return msgspec.json.decode(msgspec.json.encode(report))


def _there(remote: Remote, asked: dict[str, Any]) -> Any:
    from ampp.core.timestamp import format_rfc3339nano
    from ampp_cli.remote.client import RemoteError
    from ampp_cli.remote.operation import Operation

    start = Operation("backtest", "POST", "/config/backtest")
    try:
        given = {**asked, "since": format_rfc3339nano(asked["since"])}
        body = {name: value for name, value in given.items() if value or name == "config"}
        job = remote.object(start, remote.call(start, value=body))
        while job["state"] == "running":
            _progress(job["done"], job["all"])
            time.sleep(_POLL)
            remote.renew()
            job = remote.get(f"/api/v2/config/backtest/{job['id']}")
    except RemoteError as error:
        raise _Failed(str(error)) from error
    finally:
        _progress(0, 0)
    if job["state"] != "done":
        _give_up(job)
    return job["report"]


def _give_up(job: dict[str, Any]) -> NoReturn:
    raise _Failed(str(job.get("error") or f"the backtest ended as {job['state']}"))


def _progress(done: int, all_: int) -> None:
    """How far it is, on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done * 100 // all_:3} % of {all_} records" if all_ else "\r\x1b[K")
        sys.stderr.flush()
