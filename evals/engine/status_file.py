"""Writing and reading `status.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ...profiles.atomic import write_private
from ...profiles.errors import ProctorError
from .journal import is_supervised
from .status import ENDED, RunStatus

STATUS_FILE = "status.json"
_LOST = "the run's supervisor was killed, the machine went down or the disk is full"
_adapter = TypeAdapter(RunStatus)


def write_status(run_dir: Path, status: RunStatus) -> None:
    """Replace the snapshot in one step.

    Raises:
        OSError: It cannot be written; the one before still stands.
    """
    # Names of files and words of servers may hold lone surrogates, which no reader of JSON takes.
    content = json.dumps(asdict(status), ensure_ascii=False).encode("utf-8", "replace")
    write_private(run_dir / STATUS_FILE, content, durable=status.exit_code is not None)


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
            last_error=_LOST,
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
        message=_LOST,
    )
