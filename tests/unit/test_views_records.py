"""Records for programs: one shape for a cell wherever it is printed, and CSV that any reader takes."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

import pytest
from proctor.evals.planning.plan import Cell, Endpoint, Plan, RunSettings
from proctor.evals.results.compare import compare_runs
from proctor.evals.results.scoreboard import build_scoreboard
from proctor.evals.run.status import CellStatus, RunStatus
from proctor.evals.views.cells import CELL_KEYS
from proctor.evals.views.comparison import comparison_report
from proctor.evals.views.plan import plan_record
from proctor.evals.views.render import render
from proctor.evals.views.render.csv import write_csv
from proctor.evals.views.runs import run_record
from proctor.evals.views.scoreboard import scoreboard_report

MODEL = "hf-inference-providers/a/m:fastest"
STATUS = CellStatus(
    "c", "t · m:fastest", "t", MODEL, state="failed", done=3, total=4, errors=1, score=0.5, log="c.eval"
)
PLANNED = Cell(
    id="c", task="t", task_args={}, endpoint=Endpoint(MODEL, "a/m", "fastest"), variant="", generate={}, epochs=1,
    limit=None, grader=None, self_graded=False, expected_provider=None, price=None, grader_price=None,
)  # fmt: skip


def test_a_cell_has_one_shape_wherever_it_is_printed() -> None:
    board = build_scoreboard("r", "r", [(STATUS, None)])
    run = RunStatus("r", "", "hub", "failed", (STATUS,), None, 1.0, 2.0)
    compared = compare_runs(("a", [(STATUS, None)]), ("b", [(STATUS, None)]))
    (planned,) = plan_record(Plan("", "hub", "", "", (PLANNED,), RunSettings(1, None, 0, None)))["cells"]
    (live,) = run_record(run, "/logs/r")["cells"]
    (shown,) = json.loads(render(scoreboard_report(board), ".json"))["groups"][0]["rows"]
    side = json.loads(render(comparison_report(compared), ".json"))["cells"][0]["after"]
    for cell in (planned, live, shown, side):
        assert tuple(cell)[: len(CELL_KEYS)] == CELL_KEYS
        assert (cell["cell"], cell["task"], cell["model"], cell["provider"]) == ("c", "t", MODEL, ":fastest")
    for cell in (live, shown, side):
        assert (cell["state"], cell["score"], cell["samples"], cell["errors"]) == ("failed", 0.5, 3, 1)
    assert live["log"] == "/logs/r/c.eval" and planned["state"] == "planned"


def test_what_is_no_number_is_unknown() -> None:
    run = RunStatus("r", "", "hub", "failed", (replace(STATUS, score=math.nan, stderr=math.inf),), None, 1.0, 2.0)
    (cell,) = json.loads(json.dumps(run_record(run), allow_nan=False))["cells"]
    assert cell["score"] is None and cell["stderr"] is None


@pytest.mark.parametrize("text", ["a\rb", "a\r\nb", "a\nb", 'a"b', "a,b", "\r=1", "ends in \r", "\r\n"])
def test_csv_is_one_line_for_each_record_whatever_breaks_its_lines(text: str) -> None:
    import pandas

    out = io.StringIO(newline="")
    assert write_csv([{"id": 1, "answer": text}, {"id": 2, "answer": "x"}], ("id", "answer"), out) == 2
    plain = text if not text.startswith(("\r", "\n")) else f"'{text}"
    assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [["id", "answer"], ["1", plain], ["2", "x"]]
    table = pandas.read_csv(io.StringIO(out.getvalue(), newline=""))
    assert len(table) == 2 and table["answer"][1] == "x"
    assert f'"{plain}"' in out.getvalue() or "\r" not in text
