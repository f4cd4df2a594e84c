"""What the run directory's files hold when text is hostile, lines are cut and disks are full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from proctor.evals.engine.journal import JOURNAL_FILE, Journal, read_journal
from proctor.evals.engine.reasons import MAX_CHARS, reason_line
from proctor.evals.engine.status import CellStatus, RunStatus
from proctor.evals.engine.status_file import read_status, write_status

TOKEN = "hf_" + "a1B2" * 6


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n\n  first  words\nsecond", "first words"),
        ("half a pair \ud83d", "half a pair ?"),
        ("x" * 10_000_000, "x" * (MAX_CHARS - 1) + "…"),
    ],
)
def test_a_reason_is_one_short_line(text: str, line: str) -> None:
    assert reason_line(text) == line


def test_a_status_with_names_that_no_encoding_holds_can_be_read(tmp_path: Path) -> None:
    cell = CellStatus("a", "a \udcff", "file\udcff.py", "t", state="failed", last_error="\ud83d \x1b[2J")
    write_status(tmp_path, RunStatus("r", "é", "hub", "failed", (cell,), None, 1.0, 2.0, exit_code=1))
    status = read_status(tmp_path)
    assert status.title == "é"
    assert status.cells[0].label == "a ?"
    assert status.cells[0].last_error == "? \x1b[2J"


def test_an_event_after_a_cut_line_is_not_lost(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.write("first", 1.0)
        with open(tmp_path / JOURNAL_FILE, "a") as full_disk:
            full_disk.write('{"at_s": 2, "event": "cut')
        journal.write("last", 3.0, words="\udcff")
    assert [event["event"] for event in read_journal(tmp_path)] == ["first", "last"]
    (tmp_path / JOURNAL_FILE).read_text("utf-8")


def test_an_endless_line_is_kept_in_pieces_without_the_token(tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    prints = (
        "import sys; from pathlib import Path; from proctor.evals.engine.diagnostics import Diagnostics;"
        "diagnostics = Diagnostics(); diagnostics.write_to(Path(sys.argv[1]), hide=sys.argv[2]);"
        "[print('x' * 4093 + sys.argv[2], end='', flush=True) for _ in range(1000)]; diagnostics.close()"
    )
    subprocess.run([sys.executable, "-c", prints, str(log), TOKEN], check=True, timeout=60)
    text = log.read_text()
    assert TOKEN not in text
    assert text.count("x") == 4093 * 1000
    assert text.count("[token]") == 1000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_costs_the_diagnostics_only() -> None:
    prints = (
        "import os; from pathlib import Path; from proctor.evals.engine.diagnostics import Diagnostics;"
        "diagnostics = Diagnostics(); diagnostics.write_to(Path('/dev/full'), hide=None);"
        "[os.write(1, b'x' * 4095 + b'\\n') for _ in range(100)]; diagnostics.close()"
    )
    subprocess.run([sys.executable, "-c", prints], check=True, timeout=60)


def test_a_status_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_status(tmp_path, RunStatus("r", "", "hub", "running", (), None, 1.0, 2.0))
    finally:
        os.umask(before)
    assert (tmp_path / "status.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "status.json").read_text())["run_id"] == "r"
