"""What a cell has cost over several attempts: by the books or by its log, whichever knows of more."""

from __future__ import annotations

import pytest
from proctor.evals.run.cell_state import with_progress
from proctor.evals.run.ipc import CellProgress
from proctor.evals.run.status import CallStats, CellStatus


def usd(cost: float | None, known: float = 0.0) -> CallStats:
    return CallStats(cost_usd=cost, known_usd=known if cost is None else cost)


@pytest.mark.parametrize(
    ("booked", "logged", "model", "grader"),
    [
        ((3.0, 1.0), (2.0, 1.0), 3.0, 1.0),  # in flight, and lost with the process
        ((2.0, 1.0), (3.0, 1.5), 3.0, 1.5),  # written after the last report
        ((2.0, 1.0), (3.5, 0.0), 2.5, 1.0),  # it graded itself: the log cannot tell the two apart
        ((2.0, 1.0), (2.5, 0.0), 2.0, 1.0),
        ((0.0, 0.0), (0.0, 0.0), 0.0, 0.0),
    ],
)
def test_the_larger_of_both_counts_and_what_is_spent_now_comes_on_top(
    booked: tuple[float, float], logged: tuple[float, float], model: float, grader: float
) -> None:
    before = CellStatus("a", "a", "t", "m", model_calls=usd(booked[0]), grader_calls=usd(booked[1]))
    progress = CellProgress(model=usd(0.25), grader=usd(0.5), logged_model=usd(logged[0]), logged_grader=usd(logged[1]))
    now = with_progress(before, before, progress)
    assert (now.model_calls.cost_usd, now.grader_calls.cost_usd) == (model + 0.25, grader + 0.5)
    assert now.known_usd == now.cost_usd


def test_what_one_of_them_does_not_know_stays_unknown_and_the_rest_is_known() -> None:
    before = CellStatus("a", "a", "t", "m", model_calls=usd(None, 2.0))
    now = with_progress(before, before, CellProgress(model=usd(0.25), logged_model=usd(1.0)))
    assert (now.cost_usd, now.known_usd) == (None, 2.25)
    before = CellStatus("a", "a", "t", "m", model_calls=usd(2.0))
    now = with_progress(before, before, CellProgress(model=usd(0.25), logged_model=usd(None, 3.0)))
    assert (now.cost_usd, now.known_usd) == (None, 3.25)
