"""What a table writes to a real terminal of 120×36 (design.md §7)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench" / "line_table.py"


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, float]]:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--json"], capture_output=True, text=True, timeout=100, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "act", ["cursor_down", "cursor_down_scrolling_mean", "page", "one_cell", "five_cells", "same_rows", "idle"]
)
def test_an_act_writes_no_more_than_it_holds(measured: dict[str, dict[str, float]], act: str) -> None:
    assert measured["figures"][act] <= measured["hold"][act]


def test_what_changes_is_written(measured: dict[str, dict[str, float]]) -> None:
    figures = measured["figures"]
    assert 50 < figures["one_cell"] < figures["five_cells"] < figures["page"]
    assert figures["cursor_down"] > 200


def test_many_rows_do_not_hold_the_application(measured: dict[str, dict[str, float]]) -> None:
    # Another load on the machine may double what tests/bench prints; a table that draws every row takes 15 s.
    assert measured["figures"]["show_ms"] <= 5 * measured["hold"]["show_ms"]
