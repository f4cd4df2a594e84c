"""`proctor show`: the scoreboard of a run, or of a folder of Inspect logs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import cast, get_args

import click
from rich.console import Console

from ...evals.engine.runs import find_run, log_root
from ...evals.engine.status_file import STATUS_FILE, read_status
from ...evals.results.client import Reader
from ...evals.results.gather import find_logs, gather_logs
from ...evals.results.index import reading_with
from ...evals.results.scoreboard import Order, Scoreboard, build_scoreboard
from ...profiles.errors import UsageError
from ..clean import clean
from .scoreboard_table import print_scoreboard, run_scoreboard


@click.command()
@click.argument("run", required=False)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--order",
    "order",
    type=click.Choice(get_args(Order)),
    default="score",
    show_default=True,
    help="Sort by the best score, the name, the least cost, the shortest time or the highest speed.",
)
@click.option("--log-dir", metavar="DIR", help="The log root. Default: $INSPECT_LOG_DIR, ./logs.")
def command(run: str | None, as_markdown: bool, as_csv: bool, as_json: bool, order: str, log_dir: str | None) -> int:
    """Show the scoreboard of RUN: a run's id or the beginning, end or part of one; a path; or the newest run.

    A folder of Inspect logs, or one log, is shown too.
    """
    if as_markdown + as_csv + as_json > 1:
        raise UsageError("--markdown, --csv and --json exclude each other", "keep one of them")
    scoreboard = _scoreboard(run, log_dir, cast(Order, order))
    if as_json:
        from ...evals.results.export.json import to_json

        click.echo(to_json(scoreboard), nl=False)
    elif as_csv:
        from ...evals.results.export.csv import to_csv

        click.echo(clean(to_csv(scoreboard)), nl=False)
    elif as_markdown:
        from ...evals.results.export.markdown import to_markdown

        click.echo(clean(to_markdown(scoreboard)), nl=False)
    else:
        print_scoreboard(scoreboard, Console())
    return 0


def _scoreboard(reference: str | None, log_dir: str | None, order_by: Order) -> Scoreboard:
    path = Path(reference).expanduser() if reference else None
    if path is not None and path.is_file():
        return _of_logs(path.name, [path], order_by)
    run_dir = find_run(reference, log_root(log_dir, None))
    if (run_dir / STATUS_FILE).is_file():
        return run_scoreboard(run_dir, read_status(run_dir), order_by)
    logs = find_logs(run_dir)
    if not logs:
        raise UsageError(f"{run_dir} holds neither a run nor Inspect logs", "`proctor runs` lists the runs")
    return _of_logs(run_dir.name, logs, order_by)


def _of_logs(title: str, logs: list[Path], order_by: Order) -> Scoreboard:
    with closing(Reader()) as reader:
        cells = gather_logs(logs, reading_with(reader))
    return build_scoreboard(title, None, cells, order_by=order_by)
