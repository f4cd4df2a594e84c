"""Two runs side by side: what each cell of both earned, and which of the differences are real."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .gather import CellResult
from .labels import short_labels
from .scoreboard import ScoreGroup, ScoreRow, build_scoreboard, comparable_scores
from .statistics import CONFIDENCE, Comparison, compare, holm

Change = Literal["better", "worse", "tied", "unknown"]


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """One task and target in both runs; `None` where a run has no such cell."""

    task: str  # short, with what sets it apart
    label: str  # of the target, unlike every other of its task
    target: str  # the full Inspect model name
    before: ScoreRow | None
    after: ScoreRow | None
    change: Change = "unknown"
    p_value: float | None = None  # Holm-adjusted over all cells of both runs
    comparison: Comparison | None = None  # after minus before


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs; the other one is the one before."""

    before: str  # run ids
    after: str
    cells: tuple[ComparedCell, ...]

    @property
    def summary(self) -> str:
        """Which cells have really changed, in a sentence or two."""
        shared = [cell for cell in self.cells if cell.before and cell.after]
        if not shared:
            return "The runs have no cell in common: a cell is the same where its task and its target are."
        tested = [cell for cell in shared if cell.change != "unknown"]
        if not tested:
            return "No difference can be tested: there are too few samples, or no scores of single ones."
        changed = [cell for cell in tested if cell.change != "tied"]
        if not changed:
            return f"None of {len(tested)} differences is significant at 95% after Holm."
        told = ", ".join(f"{cell.task} {cell.label} {cell.change}" for cell in changed[:4])
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        return f"{len(changed)} of {len(tested)} differences are significant at 95% after Holm: {told}{more}."


def compare_runs(before: tuple[str, Sequence[CellResult]], after: tuple[str, Sequence[CellResult]]) -> RunComparison:
    """Compare the cells that both runs have: in pairs on the samples that both answered, where they share enough.

    Scores of different tasks are not put together; the tests of all cells are one family.

    Args:
        before: A run's id and its cells with their logs' indexes.
        after: The same of the other run.
    """
    cells: dict[tuple[str, ...], ComparedCell] = {}
    found: dict[tuple[str, ...], Comparison] = {}
    indexes = [{status.id: index for status, index in results} for _, results in (before, after)]
    for side, (run_id, results) in enumerate((before, after)):
        for group in build_scoreboard(run_id, run_id, results).groups:
            for key, row in zip(_keys(group), group.rows, strict=True):
                known = cells.get(key, ComparedCell(group.task_title, "", row.target, None, None))
                cells[key] = replace(known, after=row) if side else replace(known, before=row)
    for key, cell in cells.items():
        if cell.before is not None and cell.after is not None:
            old = comparable_scores(indexes[0][cell.before.cell])
            new = comparable_scores(indexes[1][cell.after.cell])
            same_metric = cell.before.metric == cell.after.metric
            if same_metric and (comparison := compare(new, old)) is not None:
                found[key] = comparison
    p_values = {key: one.p_value for key, one in found.items() if one.p_value is not None}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    judged = [_judged(cell, found.get(key), adjusted.get(key)) for key, cell in cells.items()]
    return RunComparison(before[0], after[0], tuple(_labelled(judged)))


def _keys(group: ScoreGroup) -> list[tuple[str, ...]]:
    """What a cell is the same by; targets that are there several times are numbered."""
    args = json.dumps(dict(group.task_args), sort_keys=True, default=str)
    seen = Counter[str]()
    keys: list[tuple[str, ...]] = []
    for row in group.rows:
        seen[row.target] += 1
        keys.append((group.task, args, group.variant, row.target, str(seen[row.target])))
    return keys


def _judged(cell: ComparedCell, comparison: Comparison | None, p_value: float | None) -> ComparedCell:
    change: Change = "unknown"
    if comparison is not None and p_value is not None:
        real = p_value < 1 - CONFIDENCE
        change = "tied" if not real else "better" if comparison.difference > 0 else "worse"
    return replace(cell, change=change, p_value=p_value, comparison=comparison)


def _labelled(cells: Sequence[ComparedCell]) -> list[ComparedCell]:
    labels = short_labels(list(dict.fromkeys(cell.target for cell in cells)))
    of = dict(zip(dict.fromkeys(cell.target for cell in cells), labels, strict=True))
    return [replace(cell, label=of[cell.target]) for cell in sorted(cells, key=lambda cell: cell.task)]
