"""`proctor run`: run a profile without a screen."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from ...evals.engine.follow import follow
from ...evals.engine.gates import exit_code, failed_gates
from ...evals.engine.launch import PendingSupervisor
from ...evals.engine.plan import Plan
from ...evals.engine.prepare import prepare
from ...evals.engine.run_toml import write_run_toml
from ...evals.engine.runs import RUN_FILE, log_root, new_run_dir
from ...evals.engine.status import ENDED, CellStatus, RunStatus
from ...profiles.errors import UsageError
from ...profiles.files import load
from ...profiles.schema import Gates
from ..clean import clean_line
from .live_table import LiveTable, PlainLines
from .plan_view import plan_json, print_plan, print_problems, totals_line
from .scoreboard_table import print_run_scoreboard

_STOPPING = (
    "stopping: what is on the wire ends first (Ctrl-C again to stop at once)",
    "stopping at once (Ctrl-C again to leave)",
    "leaving: `proctor runs` says what became of the run",
)


@click.command()
@click.argument("profile")
@click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a key, e.g. run.limit=5. Repeatable."
)
@click.option("--practice", is_flag=True, help="Use the practice router: simulated models, no token, no cost.")
@click.option("--budget", metavar="USD", help="Hold the run before it costs more.")
@click.option("--log-dir", metavar="DIR", help="The log root. Default: the profile's, $INSPECT_LOG_DIR, ./logs.")
@click.option("--dry-run", is_flag=True, help="Print the cells, the estimate and what would fail; send nothing.")
@click.option("--detach", is_flag=True, help="Start the run, say where it is, and leave it running.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines and nothing else on stdout.")
def command(
    profile: str,
    overrides: tuple[str, ...],
    practice: bool,
    budget: str | None,
    log_dir: str | None,
    dry_run: bool,
    detach: bool,
    as_json: bool,
) -> int:
    """Run PROFILE: a TOML file, or the name of one of `proctor profiles`."""
    changes = [*overrides]
    if practice:
        changes.append("run.source=practice")
    if budget is not None:
        changes.append(f"run.budget_usd={budget}")
    loaded = load(profile, overrides=changes)
    with nullcontext() if dry_run else PendingSupervisor() as supervisor:
        if sys.stderr.isatty() and not as_json:
            click.echo("Reading the catalog and building the tasks …", err=True)
        now_s = time.time()
        prepared = prepare(loaded, now_s=now_s)
        plan = prepared.plan
        if supervisor is None:
            _show_plan(plan, as_json=as_json)
            return UsageError.exit_code if plan.errors else 0
        print_problems(plan.problems)
        if plan.errors:
            return UsageError.exit_code
        run_dir = new_run_dir(log_root(log_dir, loaded.profile.run.log_dir), loaded.name, now_s)
        write_run_toml(
            run_dir / RUN_FILE, plan, loaded.profile, run_id=run_dir.name, created_at_s=now_s, profile_path=loaded.path
        )

        def launch() -> None:
            supervisor.begin(run_dir, prepared.endpoints.token)
            _tell_launch(plan, run_dir, supervisor.pid, as_json=as_json)

        if detach:
            launch()
            return _leave(run_dir, supervisor, as_json=as_json)
        return _watch(launch, run_dir, supervisor, loaded.profile.gates, as_json=as_json)


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        click.echo(plan_json(plan))
    else:
        print_plan(plan, Console())


def _tell_launch(plan: Plan, run_dir: Path, pid: int, *, as_json: bool) -> None:
    if as_json:
        cells = [cell.id for cell in plan.cells]
        _print_json("launch", {"run_id": run_dir.name, "run_dir": str(run_dir), "pid": pid, "cells": cells})
    else:
        click.echo(clean_line(totals_line(plan)), err=True)
        click.echo(f"Run {run_dir.name} in {clean_line(str(run_dir.parent))}", err=True)


def _leave(run_dir: Path, supervisor: PendingSupervisor, *, as_json: bool) -> int:
    """See the run begin, and say how to come back."""
    next(follow(run_dir, supervisor_ended=supervisor.ended))
    if not as_json:
        click.echo(f"It goes on by itself: `proctor show {run_dir.name}`, `proctor stop {run_dir.name}`", err=True)
    return 0


def _watch(
    launch: Callable[[], None], run_dir: Path, supervisor: PendingSupervisor, gates: Gates, *, as_json: bool
) -> int:
    console = Console()
    status: RunStatus | None = None
    # From the first moment: no Ctrl-C may end this command and leave the run behind.
    with _stopping(supervisor.pid) as times_asked:
        launch()
        with _view(console, run_dir, as_json=as_json) as view:
            for status in follow(run_dir, supervisor_ended=supervisor.ended):
                view.update(status)
    assert status is not None
    code = exit_code(gates, status)
    if as_json:
        results = [_cell_record(cell, run_dir) for cell in status.cells]
        record = {"run_id": status.run_id, "state": status.state, "exit_code": code, "cells": results}
        _print_json("done", record)
    else:
        if times_asked() < 2:  # the logs of killed cells take seconds to read
            print_run_scoreboard(run_dir, status, console)
        _say_how_it_ended(status, run_dir)
    for sentence in failed_gates(gates, status):
        click.echo(f"gate failed: {clean_line(sentence)}", err=True)
    return code


@contextmanager
def _stopping(supervisor_pid: int) -> Generator[Callable[[], int]]:
    """Ctrl-C, or SIGTERM, asks the supervisor to stop: once in order, twice at once.

    The watcher watches on until it has stopped; the third time it leaves. What is yielded says how often it was asked.
    """
    pressed = 0

    def ask(*_: object) -> None:
        nonlocal pressed
        pressed += 1
        with suppress(OSError):
            os.write(2, f"\n{_STOPPING[min(pressed, len(_STOPPING)) - 1]}\n".encode())
        with suppress(ProcessLookupError):
            os.kill(supervisor_pid, signal.SIGINT)
            os.kill(supervisor_pid, signal.SIGCONT)  # one that was made to stand still could not obey
        if pressed >= len(_STOPPING):
            raise KeyboardInterrupt

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: pressed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _view(console: Console, run_dir: Path, *, as_json: bool) -> _JsonLines | LiveTable | PlainLines:
    if as_json:
        return _JsonLines(run_dir)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveTable(console)
    return PlainLines(click.echo)


class _JsonLines(PlainLines):
    """A JSON line for every cell that ends."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__(lambda _: None)
        self._run_dir = run_dir

    def update(self, status: RunStatus) -> None:
        for cell in status.cells:
            if cell.state in ENDED and cell.id not in self._told:
                self._told.add(cell.id)
                _print_json("cell", _cell_record(cell, self._run_dir))


def _cell_record(cell: CellStatus, run_dir: Path) -> dict[str, Any]:
    return {
        "cell": cell.id,
        "task": cell.task,
        "target": cell.target,
        "state": cell.state,
        "score": cell.score,
        "stderr": cell.stderr,
        "samples": cell.done,
        "errors": cell.errors,
        "cost_usd": cell.cost_usd,
        "log": str(run_dir / cell.log) if cell.log else None,
        "error": cell.last_error,
    }


def _print_json(event: str, fields: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def _say_how_it_ended(status: RunStatus, run_dir: Path) -> None:
    kept = sum(cell.done - cell.errors for cell in status.cells)
    total = sum(cell.total or 0 for cell in status.cells)
    if status.message:
        click.echo(clean_line(status.message), err=True)
    if status.state == "stopped":
        click.echo(f"Stopped. Kept {kept} finished samples of {total}, in {clean_line(str(run_dir))}", err=True)
