"""The scoreboard of a real run: whole, held and killed cells beside each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log
from proctor.evals.inspect.logs.log_reader import index_log
from proctor.evals.planning.plan import Cell
from proctor.evals.results.inputs import gather_run
from proctor.evals.results.scoreboard import build_scoreboard

PROCTOR = str(Path(sys.executable).parent / "proctor")


def test_a_run_with_a_held_and_a_killed_cell(
    start_run: Callable[..., Any], cell_of: Callable[..., Cell], set_faults: Callable[..., None]
) -> None:
    set_faults(
        {"target": "novita", "kind": "402", "after": 10}, {"target": "nscale", "kind": "silence", "after": 5}
    )  # fmt: skip
    routes = ("groq", "novita", "nscale")
    run = start_run([cell_of(route, grader_route="together", limit=40) for route in routes])
    run.until(lambda status: any(c.model.endswith("nscale") and c.done >= 5 and c.in_flight for c in status.cells))
    run.kill_cell("theory_of_mind-nscale")
    status = run.ended()

    (group,) = build_scoreboard("t", status.run_id, gather_run(run.run_dir, status, index_log)).groups
    rows = {row.label: row for row in group.rows}
    groq, novita, nscale = (rows[route] for route in routes)

    assert groq.verdict == "could be best"
    log = read_eval_log(str(run.run_dir / str(groq.log)))
    assert log.results is not None and log.samples is not None
    metrics = log.results.scores[0].metrics
    assert groq.score == pytest.approx(metrics["accuracy"].value)
    assert groq.stderr == pytest.approx(metrics["stderr"].value)
    assert (groq.n, groq.samples, groq.errors, groq.reason) == (40, 40, 0, None)
    logged_usd = sum(usage.total_cost or 0 for usage in log.stats.model_usage.values())
    assert groq.cost_usd == pytest.approx(logged_usd)
    assert groq.grader_cost_usd == pytest.approx(log.stats.role_usage["grader"].total_cost)
    assert groq.usd_per_1k == pytest.approx((logged_usd - (groq.grader_cost_usd or 0)) * 25)
    assert groq.served_by == {"groq": 1.0}
    assert groq.grader is not None and groq.grader.endswith(":together")

    assert novita.state == "held"
    assert novita.reason is not None and "credits" in novita.reason
    assert 0 < novita.n < 20
    if novita.verdict != "not compared":  # with the few samples that both have, where these are enough
        assert novita.comparison is not None and novita.comparison.pairs == novita.n

    assert nscale.state == "failed"
    assert nscale.reason is not None and "was killed by SIGKILL" in nscale.reason
    assert nscale.n >= 5

    shown = subprocess.run(
        [PROCTOR, "show", "run1", "--json", "--log-dir", str(run.run_dir.parent)],
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert (found["run_id"], found["practice"]) == ("run1", True)
    assert {row["label"]: row["score"] for row in found["groups"][0]["rows"]} == {
        label: row.score for label, row in rows.items()
    }
