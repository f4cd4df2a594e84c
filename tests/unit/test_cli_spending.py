"""Spending is asked for: the first line names what begins, and somebody at a terminal confirms it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from proctor.evals.catalog.listings import Price
from proctor.evals.planning.plan import Cell, Endpoint, Estimate, Plan, Range, RunSettings
from proctor.evals.views.plan import spending_line
from proctor.profiles.base.errors import UsageError
from proctor.profiles.preferences import Preferences, read_preferences
from proctor.tui.cli import spending
from proctor.tui.cli.spending import may_start

HUB_CELL = Cell(
    "a", "proctor/arithmetic", {}, Endpoint("hf-inference-providers/o/m:groq", "o/m", "groq", "http://r/v1"), "", {}, 1,
    5, None, False, "groq", Price(1, 1), None, Estimate(5, cost_usd=Range(0.01, 0.025)),
)  # fmt: skip


def plan(*cells: Cell, source: str = "hub", title: str = "mine") -> Plan:
    return Plan(title, source, "http://r/v1", "http://h", cells, RunSettings(1, None, 0, None))  # type: ignore[arg-type]


def test_the_line_names_title_cells_and_dollars() -> None:
    unknown = replace(HUB_CELL, id="b", estimate=Estimate(5))
    assert spending_line(plan(HUB_CELL), "file") == "mine · 1 cell · ≈ $0.010–0.025"
    assert spending_line(plan(HUB_CELL, unknown, title=""), "file") == "file · 2 cells · ≈ $0.010–0.025 + ?"
    assert spending_line(plan(unknown), "file") == "mine · 1 cell · cost ?"
    assert spending_line(plan(HUB_CELL, unknown), "r", ["a"]) == "mine · 1 cell of 2 · at most ≈ $0.010–0.025"
    assert spending_line(plan(HUB_CELL, source="practice"), "f") == (
        "mine · 1 cell · practice: simulated, nothing is paid"
    )


def test_what_may_cost() -> None:
    paid = replace(HUB_CELL, endpoint=Endpoint("openai/gpt-5"))
    mock = replace(HUB_CELL, endpoint=Endpoint("mockllm/model"))
    assert plan(HUB_CELL).may_cost and plan(paid, source="practice").may_cost
    assert plan(replace(mock, grader=Endpoint("openai/gpt-5"))).may_cost
    assert not plan(HUB_CELL, source="practice").may_cost and not plan(mock).may_cost


class Terminal:
    def isatty(self) -> bool:
        return True


def test_only_somebody_at_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    asked: list[str] = []
    monkeypatch.setattr(spending.click, "confirm", lambda words, **_: bool(asked.append(words)))
    assert may_start(may_cost=True, yes=False, as_json=False), "nobody is there"
    monkeypatch.setattr(spending.sys, "stdin", Terminal())
    monkeypatch.setattr(spending.sys, "stderr", Terminal())
    assert may_start(may_cost=False, yes=False, as_json=False)
    assert may_start(may_cost=True, yes=True, as_json=False)
    assert may_start(may_cost=True, yes=False, as_json=True)
    assert asked == []
    monkeypatch.setattr(spending.click, "echo", lambda *_, **__: None)
    assert not may_start(may_cost=True, yes=False, as_json=False) and asked == ["Start it?"]
    (tmp_path / "proctor").mkdir()
    (tmp_path / "proctor" / "preferences.toml").write_text('confirm = "never"\n')
    assert may_start(may_cost=True, yes=False, as_json=False) and len(asked) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('confirm = "nevr"', "confirm is 'nevr': it must be"),
        ("confirm = false", "confirm is False"),
        ('confrm = "never"', 'unknown key "confrm": the keys there are confirm'),
        ("confirm =", "cannot be read"),
    ],
)
def test_preferences_that_say_nothing_sure_are_told(tmp_path: Path, text: str, says: str) -> None:
    assert read_preferences(tmp_path / "none.toml") == Preferences("always")
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        read_preferences(tmp_path / "p.toml")
