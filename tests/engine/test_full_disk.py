"""Disks that are full: what is finished is kept, what is lost is told, and after space is made the rest is done."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log
from proctor.evals.inspect.full_disk import SpillingFile
from proctor.evals.planning.plan import Cell
from proctor.evals.run.events import read_journal
from support.disks import fill, small_disk

CellOf = Callable[..., Cell]
Start = Callable[..., Any]
Faults = Callable[..., None]
Served = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def run_disk(own_home: Path) -> Iterator[Path]:
    """The run's folder on a small disk of its own."""
    with small_disk(own_home / "run1") as disk:
        yield disk


def test_a_full_disk_is_waited_for_and_nothing_that_was_paid_for_is_lost(
    start_run: Start, cell_of: CellOf, set_faults: Faults, served: Served, run_disk: Path
) -> None:
    set_faults({"target": "groq", "kind": "slow", "delay_s": 0.2})
    cell = cell_of("groq", grader_route="together", limit=40)
    run = start_run([cell])
    run.until(lambda status: status.cells[0].done >= 5)
    filler = fill(run_disk)
    asked = run.until_still(lambda: len(served()))
    assert asked < 80, "a cell that cannot write goes on asking"
    filler.unlink()
    set_faults()
    status = run.ended()

    assert (status.state, status.exit_code) == ("succeeded", 0), status
    (ended,) = status.cells
    assert (ended.done, ended.errors, ended.last_error) == (40, 0, None)
    assert len(served()) == 80, "what was answered while the disk was full was asked again"
    (log,) = run.run_dir.glob("*.eval")
    assert len(read_eval_log(str(log)).samples or []) == 40
    told = [event.text for event in status.events if event.tone == "bad"]
    assert told == [f"{ended.label}: the log cannot be written: No space left on device: the cell waits for space"]
    events = [event["event"] for event in read_journal(run.run_dir) if event["event"] not in ("cell_log", "told")]
    assert events == ["run_started", "cell_started", "cell_ended", "run_ended"]


def test_a_temporary_file_whose_disk_is_full_goes_on_in_memory(run_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(run_disk))
    lines = [f"{number:09}\n".encode() for number in range(60_000)]
    with io.BufferedRandom(SpillingFile()) as file:
        file.writelines(lines[:30_000])
        filler = fill(run_disk)
        file.writelines(lines[30_000:])
        assert file.tell() == 600_000
        file.seek(10)
        file.write(b"new line!\n")
        filler.unlink()
        file.seek(0)
        assert file.read() == b"".join([lines[0], b"new line!\n", *lines[2:]])
        with zipfile.ZipFile(file, "a") as log:
            log.writestr("a", b"x")
        assert zipfile.ZipFile(file).read("a") == b"x"
