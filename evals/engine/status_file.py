"""Writing and reading `status.json`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ...profiles.errors import ProctorError
from .journal import is_supervised
from .status import ENDED, RunStatus

STATUS_FILE = "status.json"
_adapter = TypeAdapter(RunStatus)


def write_status(run_dir: Path, status: RunStatus) -> None:
    """Replace the snapshot in one step."""
    temporary = run_dir / f".{STATUS_FILE}.new"
    with open(temporary, "w", encoding="utf-8", opener=_private) as file:
        json.dump(asdict(status), file, ensure_ascii=True)
    os.replace(temporary, run_dir / STATUS_FILE)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def read_status(run_dir: Path) -> RunStatus:
    """The run as it stands. A run that its supervisor left without an end is shown as failed.

    Raises:
        ProctorError: The folder holds no readable status.
    """
    try:
        status = _adapter.validate_json((run_dir / STATUS_FILE).read_bytes())
    except FileNotFoundError:
        raise ProctorError(f"{run_dir} holds no run", "`proctor runs` lists the runs") from None
    except (OSError, ValidationError) as error:
        raise ProctorError(f"cannot read {run_dir / STATUS_FILE}: {str(error).splitlines()[0]}") from error
    return status if status.exit_code is not None or is_supervised(run_dir) else _left_behind(status)


def _left_behind(status: RunStatus) -> RunStatus:
    cells = tuple(
        cell
        if cell.state in ENDED
        else replace(
            cell,
            state="stopped" if cell.state == "waiting" else "failed",
            pid=None,
            last_error="the run's supervisor was killed, or the machine went down",
        )
        for cell in status.cells
    )
    return replace(
        status,
        state="failed",
        cells=cells,
        supervisor_pid=None,
        ended_at_s=status.updated_at_s,
        exit_code=1,
        message="the run's supervisor was killed, or the machine went down",
    )
