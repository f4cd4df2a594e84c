"""Writing and reading `status.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ...profiles.base.errors import ProctorError
from ...profiles.base.files import write_private
from .cell_state import fresh, left_behind
from .events import is_supervised, read_journal
from .status import ENDED, CellStatus, RunStatus

STATUS_FILE = "status.json"
_LOST = "the run's supervisor was killed, the machine went down or the disk is full"
_adapter = TypeAdapter(RunStatus)
_cell_adapter = TypeAdapter(CellStatus)
_CELL_FIELDS = frozenset(CellStatus.__slots__)


def write_status(run_dir: Path, status: RunStatus) -> None:
    """Replace the snapshot in one step.

    Raises:
        OSError: It cannot be written; the one before still stands.
    """
    # Names of files and words of servers may hold lone surrogates, which no reader of JSON takes.
    content = json.dumps(asdict(status), ensure_ascii=False).encode("utf-8", "replace")
    write_private(run_dir / STATUS_FILE, content, durable=status.exit_code is not None)


def read_status(run_dir: Path) -> RunStatus:
    """The run as it stands. What its supervisor left without an end is shown as failed.

    The journal has the last word of a run that nobody supervises: a snapshot may be older, cut or gone.

    Raises:
        ProctorError: The folder holds no readable run.
    """
    try:
        status = _adapter.validate_json((run_dir / STATUS_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        status = _from_journal(run_dir, error)
    if status.exit_code is not None or is_supervised(run_dir):
        return status
    ended = ended_cells(run_dir)
    cells = tuple(ended.get(cell.id, cell) if cell.state not in ENDED else cell for cell in status.cells)
    return replace(
        status,
        state="failed",
        cells=tuple(left_behind(cell, _LOST) for cell in cells),
        supervisor_pid=None,
        control=None,
        ended_at_s=status.updated_at_s,
        exit_code=1,
        message=_LOST,
    )


def ended_cells(run_dir: Path) -> dict[str, CellStatus]:
    """The cells that the journal tells the end of, and that were not started or reopened after it."""
    found: dict[str, CellStatus] = {}
    for event in read_journal(run_dir):
        if event.get("event") == "cell_ended":
            try:
                cell = _cell_adapter.validate_python({k: v for k, v in event.items() if k in _CELL_FIELDS})
            except ValidationError:
                continue  # of another version, or spoilt
            found[cell.id] = cell
        elif event.get("event") in ("cell_started", "cell_reopened"):
            found.pop(str(event.get("cell")), None)
    return found


def _from_journal(run_dir: Path, error: OSError | ValidationError) -> RunStatus:
    """What can be told of a run whose snapshot cannot be read: its cells from `run.toml`, their ends from the journal.

    Raises:
        ProctorError: This is no run.
    """
    from .run_toml import read_run_toml
    from .store import RUN_FILE

    if not (run_dir / RUN_FILE).is_file():
        if isinstance(error, FileNotFoundError):
            raise ProctorError(f"{run_dir} holds no run", "`proctor runs` lists the runs") from None
        raise ProctorError(f"cannot read {run_dir / STATUS_FILE}: {str(error).splitlines()[0]}") from error
    frozen = read_run_toml(run_dir / RUN_FILE)
    begun = [event for event in read_journal(run_dir) if event.get("event") == "run_started"]
    return RunStatus(
        run_id=frozen.run_id,
        title=frozen.plan.title,
        source=frozen.plan.source,
        state="starting",
        cells=tuple(map(fresh, frozen.plan.cells)),
        supervisor_pid=None,
        started_at_s=frozen.created_at_s,
        updated_at_s=frozen.created_at_s,
        budget_usd=frozen.plan.settings.budget_usd,
        attempt=len(begun),
    )
