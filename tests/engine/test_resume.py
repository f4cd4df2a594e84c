"""Runs that are gone on with: what is finished is not asked for again, whatever ended it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspect_ai.log import read_eval_log
from proctor.evals.engine.plan import Cell


def asked(served: Callable[[], list[dict[str, Any]]], provider: str) -> int:
    return sum(request["provider"] == provider for request in served())


def finished(run_dir: Path) -> Counter[tuple[str, str | int, int]]:
    """How often each sample stands in the run's logs without an error, by target."""
    found: Counter[tuple[str, str | int, int]] = Counter()
    for path in run_dir.glob("*.eval"):
        log = read_eval_log(str(path))
        found.update((log.eval.model, sample.id, sample.epoch) for sample in log.samples or [] if not sample.error)
    return found


def test_a_killed_cell_is_gone_on_with_and_nothing_is_asked_twice(
    start_run: Callable[..., Any],
    cell_of: Callable[..., Cell],
    served: Callable[[], list[dict[str, Any]]],
    set_faults: Callable[..., None],
) -> None:
    set_faults({"target": "groq", "kind": "slow", "delay_s": 1.5})
    cells = [cell_of("groq", grader_route="together"), cell_of("novita", grader_route="together")]
    run = start_run(cells)
    run.until(lambda status: status.cells[0].done >= 5)
    run.kill_cell(cells[0].id)
    before = run.ended()
    assert [cell.state for cell in before.cells] == ["failed", "succeeded"]
    kept = sum(target.endswith(":groq") for target, _, _ in finished(run.run_dir))
    assert kept >= 5
    set_faults()
    already = asked(served, "groq")

    again = start_run(cells, redo=[cells[0].id]).ended()

    assert [cell.state for cell in again.cells] == ["succeeded", "succeeded"]
    assert again.attempt == 2
    assert again.cells[0].done == 20
    assert asked(served, "groq") - already == 20 - kept
    assert set(finished(run.run_dir).values()) == {1}
    assert len(finished(run.run_dir)) == 40
    assert again.cells[0].model.calls >= 20
    assert len(list(run.run_dir.glob("earlier/*.eval"))) == 1
