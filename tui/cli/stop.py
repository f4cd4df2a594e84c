"""`proctor stop`: stop a run from anywhere."""

from __future__ import annotations

import os
import signal

import click

from ...evals.engine.follow import follow
from ...evals.engine.runs import find_run, log_root
from ...evals.engine.status_file import read_status
from ...profiles.errors import ProctorError
from ..clean import clean_line


@click.command()
@click.argument("run", required=False)
@click.option("--now", is_flag=True, help="At once: what is on the wire is lost.")
@click.option("--log-dir", metavar="DIR", help="The log root. Default: $INSPECT_LOG_DIR, ./logs.")
def command(run: str | None, now: bool, log_dir: str | None) -> int:
    """Stop RUN (default: the newest) in order; everything that is finished is kept."""
    run_dir = find_run(run, log_root(log_dir, None))
    status = read_status(run_dir)
    if status.exit_code is not None or status.supervisor_pid is None:
        click.echo(f"{clean_line(status.run_id)} has ended already: {status.state}", err=True)
        return 0
    _signal(status.supervisor_pid, signal.SIGQUIT if now else signal.SIGTERM)
    *_, status = follow(run_dir)
    kept = sum(cell.done - cell.errors for cell in status.cells)
    click.echo(f"{clean_line(status.run_id)}: {status.state}, {kept} finished samples kept", err=True)
    return 0


def _signal(pid: int, number: signal.Signals) -> None:
    if pid <= 1:  # a group, or everybody: no supervisor wrote that
        raise ProctorError(f"the run names {pid} as its supervisor, which is none")
    try:
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)  # one that was made to stand still could not obey
    except ProcessLookupError:
        raise ProctorError(
            f"the run's supervisor, process {pid}, is not to be found here", "stop it on the machine that runs it"
        ) from None
    except PermissionError:
        raise ProctorError(f"the run's supervisor, process {pid}, belongs to another user", "ask its owner") from None
