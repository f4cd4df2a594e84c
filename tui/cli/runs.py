"""`proctor runs`: the runs of the log root."""

from __future__ import annotations

import json
import time

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...evals.engine.runs import list_runs, log_root
from ...evals.engine.status import RunStatus
from ...evals.engine.status_file import read_status
from ...profiles.errors import ProctorError
from ..clean import clean_line
from ..figures import format_ago, format_usd
from .live_table import GLYPHS, SELF_GRADED


@click.command()
@click.option("--log-dir", metavar="DIR", help="The log root. Default: $INSPECT_LOG_DIR, ./logs.")
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def command(log_dir: str | None, limit: int, as_json: bool) -> int:
    """List the runs of the log root, the newest first."""
    root = log_root(log_dir, None)
    runs: list[RunStatus] = []
    for run_dir in list_runs(root)[:limit]:
        try:
            runs.append(read_status(run_dir))
        except ProctorError as error:
            click.echo(f"proctor: {clean_line(str(error))}", err=True)
    if as_json:
        click.echo(json.dumps([_record(run) for run in runs], indent=2))
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
        record = _record(run)
        best = record["best_score"]
        total = "?" if record["total"] is None else record["total"]
        table.add_row(
            Text(f"{glyph} {run.state}", style=style),
            Text(clean_line(run.run_id) + (" (practice)" if run.source == "practice" else "")),
            Text(f"{record['done']}/{total}"),
            Text("" if best is None else f"{best:.3f}" + (f" {SELF_GRADED}" if record["self_graded"] else "")),
            Text(format_usd(_cost_usd(run))),
            Text(format_ago(time.time() - run.started_at_s)),
        )
    Console().print(table)
    if any(_record(run)["self_graded"] for run in runs):
        click.echo(f"{SELF_GRADED} graded by the model itself: that may flatter it")
    return 0


def _record(run: RunStatus) -> dict[str, object]:
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
        "exit_code": run.exit_code,
    }


def _cost_usd(run: RunStatus) -> float | None:
    costs = [cell.cost_usd for cell in run.cells]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
