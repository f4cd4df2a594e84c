"""The Python API, as the README shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import User

README = Path(__file__).parents[2] / "README.md"
pytestmark = pytest.mark.timeout(240)

FURTHER = """
import json, sys
run.export("samples.jsonl", texts=False)
rows = [json.loads(line) for line in open("samples.jsonl")]
assert len(rows) == len(run.samples()) == 24, len(rows)
board = run.scoreboard().records()
assert {"cell", "task", "model", "score", "errors", "cost_usd"} <= board[0].keys()
assert [one.name for one in api.runs()] == [run.name] and api.open().name == run.name
assert run.record()["exit_code"] == 0 and run.record()["cells"][0]["state"] == "succeeded"
said = run.transcript(rows[0]["id"], cell=rows[0]["cell"])
assert said.sample_id == rows[0]["id"] or str(said.sample_id) == rows[0]["id"]
assert "novita" in str(run.compare(against="groq")) or run.compare(against="groq").records()
for call in (lambda: run.pause(), lambda: log.status(), lambda: api.load("nobody"), lambda: api.open("nowhere"),
             lambda: run.compare(), lambda: run.transcript(1), lambda: run.export("samples.txt")):
    try:
        call()
    except api.ProctorError as error:
        assert str(error) and "Traceback" not in str(error)
    else:
        sys.exit("nothing was raised")
print("all of it")
"""


def test_the_example_of_the_readme_runs_and_what_it_names_does_what_it_says(user: User) -> None:
    example = re.search(r"```python\n(from proctor.evals import api\n.*?)```", README.read_text(), re.DOTALL)
    assert example is not None and len(example[1].splitlines()) <= 15
    user.write("example.py", example[1] + FURTHER)
    ran = user.run("example.py", command="python", timeout_s=200)
    assert ran.code == 0, ran
    lines = ran.out.splitlines()
    assert lines[0] == (
        "Practice: text and vision, seven models, one of them flaky · 12 cells · practice: simulated, nothing is paid"
    )
    assert "succeeded 24" in lines and lines[-1] == "all of it"
    assert ran.out.count("| model | score |") >= 3
