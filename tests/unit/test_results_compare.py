"""Two runs side by side: only what both have is compared, in pairs, and only what is more than chance is called so."""

from __future__ import annotations

from dataclasses import replace

from proctor.evals.engine.status import CellStatus
from proctor.evals.results.compare import compare_runs
from proctor.evals.results.log_index import LogIndex, SampleColumns
from proctor.tui.widgets.comparison_rows import compared_words, comparison_table

TARGET = "hf-inference-providers/a/m:"


def cell(provider: str, right: int, n: int = 40, *, task: str = "t") -> tuple[CellStatus, LogIndex]:
    scores = tuple(1.0 if at < right else 0.0 for at in range(n))
    same = (0,) * n
    samples = SampleColumns(
        id=tuple(range(n)), epoch=(1,) * n, score=scores, raw_score=scores, answer=(None,) * n, error=(None,) * n,
        input_tokens=same, output_tokens=same, cost_usd=(0.0,) * n, grader_tokens=same, grader_cost_usd=(0.0,) * n,
        total_time_s=(1.0,) * n, working_time_s=(1.0,) * n, retries=same, completed=(True,) * n,
        fingerprint=tuple(range(n)),
    )  # fmt: skip
    name = f"{task}-{provider}"
    status = CellStatus(name, name, task, TARGET + provider, state="succeeded", done=n, total=n)
    return status, LogIndex(task, TARGET + provider, "success", "now", metric="accuracy", samples=samples)


BEFORE = ("old", [cell("groq", 10), cell("novita", 20), cell("gone", 5), cell("groq", 8, task="u")])
AFTER = ("new", [cell("groq", 35), cell("novita", 22), cell("come", 5)])


def test_cells_of_both_runs_are_compared_in_pairs_and_the_others_are_listed() -> None:
    found = compare_runs(BEFORE, AFTER)
    changes = {(one.task, one.label): one.change for one in found.cells}
    assert changes == {
        ("t", "groq"): "better",
        ("t", "novita"): "tied",
        ("t", "gone"): "unknown",
        ("t", "come"): "unknown",
        ("u", "groq"): "unknown",
    }
    groq = next(one for one in found.cells if one.change == "better")
    assert groq.comparison is not None and groq.comparison.samples == 40
    assert round(groq.comparison.difference, 3) == 0.625  # now minus before
    assert found.summary == "1 of 2 differences are significant at 95% after Holm: t groq better."
    back = compare_runs(AFTER, BEFORE)
    assert {one.label: one.change for one in back.cells if one.task == "t"}["groq"] == "worse"


def test_nothing_is_claimed_of_runs_that_share_nothing_or_too_little() -> None:
    assert "no cell in common" in compare_runs(("a", [cell("x", 1)]), ("b", [cell("y", 1)])).summary
    unread = ("b", [(BEFORE[1][0][0], None)])
    assert "can be tested" in compare_runs(("a", [BEFORE[1][0]]), unread).summary  # pyright: ignore[reportArgumentType]
    status, index = cell("groq", 10)
    other = ("b", [(status, replace(index, metric="f1"))])
    assert compare_runs(("a", [cell("groq", 30)]), other).cells[0].change == "unknown"


def test_the_table_says_what_each_run_has() -> None:
    found = compare_runs(BEFORE, AFTER)
    _, rows = comparison_table(found)
    words = {row.cells[1].text: [cell.text for cell in row.cells] for row in rows if row.cells[0].text == "t"}
    assert words["groq"][2:5] == ["0.250", "0.875", "+0.625"] and words["groq"][5] == "better p<0.001"
    assert words["gone"][5] == "only before" and words["come"][5] == "only now"
    groq = next(one for one in found.cells if one.change == "better")
    assert compared_words(groq)[-1] == "compared by exact McNemar over 40 pairs"
