"""`proctor runs`: the runs of the log root."""

from __future__ import annotations

import json
import time

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...evals.inspect.processes import InspectProcesses
from ...evals.run.external import as_status, foreign_processes, is_foreign
from ...evals.run.status import RunStatus
from ...evals.run.status_file import read_status
from ...evals.run.store import list_runs, log_root
from ...evals.views.run_states import GLYPHS, SELF_GRADED
from ...profiles.base.errors import ProctorError
from ...profiles.base.format import format_ago, format_usd
from ...profiles.base.text import clean_line


@click.command()
@click.option("--log-dir", metavar="DIR", help="The log root. Default: $INSPECT_LOG_DIR, ./logs.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="How many, the newest first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def command(log_dir: str | None, limit: int, as_json: bool) -> int:
    """List the runs of the log root, the newest first, after the Inspect processes that others have going."""
    root = log_root(log_dir, None)
    runs = _foreign_runs()
    for run_dir in list_runs(root)[:limit]:
        try:
            runs.append(read_status(run_dir))
        except ProctorError as error:
            click.echo(f"proctor: {clean_line(str(error))}", err=True)
    if as_json:
        click.echo(json.dumps([run_record(run) for run in runs], indent=2))
        return 0
    if not runs:
        click.echo(f"No runs in {clean_line(str(root))}. Start one: proctor run practice", err=True)
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, justify in (("", "left"), ("run", "left"), ("done", "right"), ("best", "right"), ("cost", "right")):
        table.add_column(name, justify=justify, overflow="fold")  # pyright: ignore[reportArgumentType]
    table.add_column("when", no_wrap=True)
    for run in runs:
        glyph, style = GLYPHS[run.state]
        record = run_record(run)
        best = record["best_score"]
        total = "?" if record["total"] is None else record["total"]
        table.add_row(
            Text(f"{glyph} {run.state}", style=style),
            Text(clean_line(run.run_id) + _marks(run)),
            Text(f"{record['done']}/{total}"),
            Text("" if best is None else f"{best:.3f}" + (f" {SELF_GRADED}" if record["self_graded"] else "")),
            Text(format_usd(_cost_usd(run))),
            Text(format_ago(time.time() - run.started_at_s)),
        )
    Console().print(table)
    if any(run_record(run)["self_graded"] for run in runs):
        click.echo(f"{SELF_GRADED} graded by the model itself: that may flatter it")
    return 0


def _foreign_runs() -> list[RunStatus]:
    processes = InspectProcesses()
    try:
        return [as_status(process, time.time()) for process in foreign_processes(processes)]
    finally:
        processes.close()


def _marks(run: RunStatus) -> str:
    if is_foreign(run):
        return clean_line(f" (not Proctor's: {run.title})")
    return " (practice)" if run.source == "practice" else ""


def run_record(run: RunStatus) -> dict[str, object]:
    """One run, for a program."""
    totals = [cell.total for cell in run.cells]
    best = max((cell for cell in run.cells if cell.score is not None), key=lambda cell: cell.score or 0.0, default=None)
    return {
        "run_id": run.run_id,
        "title": run.title,
        "source": run.source,
        "state": run.state,
        "cells": len(run.cells),
        "done": sum(cell.done for cell in run.cells),
        "total": None if None in totals else sum(total for total in totals if total is not None),
        "errors": sum(cell.errors for cell in run.cells),
        "best_score": best.score if best is not None else None,
        "self_graded": best is not None and best.self_graded,  # of the best score
        "cost_usd": _cost_usd(run),
        "started_at_s": run.started_at_s,
        "ended_at_s": run.ended_at_s,
        "budget_usd": run.budget_usd,
        "exit_code": run.exit_code,
    }


def _cost_usd(run: RunStatus) -> float | None:
    costs = [cell.cost_usd for cell in run.cells]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
