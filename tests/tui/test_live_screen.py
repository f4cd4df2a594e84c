"""Live: what a run's cells do, shown as it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proctor.evals.engine.control import CellWatch, Conversation, RunningSample
from proctor.evals.engine.status import CallStats, CellStatus, RunStatus
from proctor.evals.results.transcript import Part
from proctor.tui.app import ProctorApp
from proctor.tui.messages import RunOpened, StopRequested, WatchRequested
from proctor.tui.screens.live_rows import doing, progress
from proctor.tui.store import KnownRun
from proctor.tui.widgets.confirm import ConfirmScreen
from proctor.tui.widgets.line_table import LineTable
from textual.pilot import Pilot

WIDE, NARROW, TINY = (120, 36), (80, 24), (40, 12)
HF = "hf-inference-providers/openai/gpt-oss-120b"
NOW_S = 1_000_000.0


def _cell(route: str, state: Any, **fields: Any) -> CellStatus:
    return CellStatus(
        id=route, label=f"arithmetic · gpt-oss-120b:{route}", task="proctor/arithmetic", target=f"{HF}:{route}",
        state=state, total=20, **fields,
    )  # fmt: skip


def _sample(number: int, activity: str, **fields: Any) -> RunningSample:
    now_s = time.time()
    return RunningSample("e", str(number), 1, now_s - 60 + number, activity, now_s - 3, **fields)


STATUS = RunStatus(
    "20261102-000000-new", "A run", "hub", "running",
    (
        _cell("groq", "running", pid=11, done=5, in_flight=2, score=0.8, model=CallStats(9, cost_usd=0.01)),
        _cell("novita", "running", pid=12, in_flight=1, waiting=3, retries={"429": 7}),
        _cell("nscale", "failed", done=1, errors=1, ended_at_s=5.0, last_error="402: no credit\x1b[2J left"),
    ),
    1, time.time() - 100, time.time(), budget_usd=5.0,
)  # fmt: skip
RUNNING = {
    "groq": CellWatch("answered", (_sample(1, "model", detail=f"{HF}:groq", tokens=412), _sample(2, ""))),
    "novita": CellWatch("busy", (_sample(3, "retry_wait", attempt=2, retry_at_s=time.time() + 300),)),
}
TALK = Conversation(
    "e", "1", 1, "running", (Part("user", "What is\x1b]52;c;x\x07 [b]2+2[/b]?"), Part("assistant", "4"))
)

Scenario = Callable[["LiveApp", Pilot[str]], Awaitable[None]]


class LiveApp(ProctorApp):
    """The application on Live, which notes what is asked of it and does not do it."""

    DEFAULT_MODE = "live"
    asked: list[Any]

    def _begin(self) -> None:
        """Nothing is looked for."""

    def on_run_opened(self, message: RunOpened) -> None:
        self._note(message)

    def on_stop_requested(self, message: StopRequested) -> None:
        self._note(message)

    def on_watch_requested(self, message: WatchRequested) -> None:
        self._note(message)

    def _note(self, message: Any) -> None:
        message.prevent_default()
        self.asked.append(message)

    def wanted(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.asked if isinstance(message, kind)]

    def seen(self) -> str:
        """The screen's text."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    def line(self, words: str) -> str:
        return next((line for line in self.seen().splitlines() if words in line), "")


def act(scenario: Scenario, size: tuple[int, int] = WIDE, status: RunStatus | None = STATUS) -> None:
    """Act a scenario on a run."""

    async def run() -> None:
        app = LiveApp(source="practice")
        app.asked = []
        async with app.run_test(size=size, notifications=True) as pilot:
            if status is not None:
                app.store.put(live=KnownRun(Path("run"), status), running=RUNNING)
            await pilot.pause()
            await scenario(app, pilot)

    asyncio.run(run())


async def until(pilot: Pilot[Any], fact: Callable[[], bool], what: str, timeout_s: float = 6) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < deadline_s, f"never came to it: {what}\n{pilot.app.seen()}"  # type: ignore[attr-defined]
        await pilot.pause(0.02)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_cells_samples_and_events_are_shown(size: tuple[int, int]) -> None:
    async def scenario(app: LiveApp, pilot: Pilot[str]) -> None:
        head = app.line("A run")
        assert "running " in head and "6/60" in head and "of $5.00" in head
        assert "● " in app.line("5/20") and "█░░░░░ 5/20" in app.seen() and "0.800" in app.line("5/20")
        if size == WIDE:
            assert "3 waits (429)" in app.line("novita · gpt-oss-120b ")
            assert "1 cell too busy to answer" in app.seen()
        assert "▸ #1/1      groq · gpt-oss-120b" in app.seen()
        assert "generating " in app.line("▸ #1/1") and "412 tok" in app.line("▸ #1/1")
        assert "between calls" in app.line("#2/1")
        assert "tries again in " in app.line("#3/1")
        assert "✗ failed" in app.seen() and "402: no credit␛[2J left" in app.seen()

    act(scenario, size)


def test_only_what_changed_is_drawn_again() -> None:
    async def scenario(app: LiveApp, pilot: Pilot[str]) -> None:
        table = app.screen.query_one("#cells", LineTable)
        drawn: list[Any] = []
        table.refresh = lambda *regions, **options: drawn.extend(regions) or table  # type: ignore[method-assign]
        first, second, third = STATUS.cells
        app.store.put(live=KnownRun(Path("run"), replace(STATUS, cells=(first, replace(second, done=1), third))))
        assert {(region.y, region.height) for region in drawn} == {(2, 1)}

    act(scenario)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_sample_is_read_while_it_runs_and_after(size: tuple[int, int]) -> None:
    async def scenario(app: LiveApp, pilot: Pilot[str]) -> None:
        await pilot.press("tab", "enter")
        await until(pilot, lambda: any(m.focus for m in app.wanted(WatchRequested)), "the question for it")
        asked = [message for message in app.wanted(WatchRequested) if message.focus][-1]
        assert asked.pids == {"groq": 11, "novita": 12}
        assert asked.focus == (11, RUNNING["groq"].samples[0])
        app.store.put(conversation=TALK)
        await until(pilot, lambda: "[b]2+2[/b]?" in app.seen(), "the conversation")
        assert "␛]52;c;x␇" in app.seen()
        app.store.put(running={}, conversation=replace(TALK, status="completed"))
        await until(pilot, lambda: "finished" in app.seen(), "that it has finished")
        assert "[b]2+2[/b]?" in app.seen()
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one("#samples").has_focus, "the way back")

    act(scenario, size)


def test_stopping_asks_and_results_open() -> None:
    async def scenario(app: LiveApp, pilot: Pilot[str]) -> None:
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen), "the question")
        await pilot.press("y")
        await until(pilot, lambda: bool(app.wanted(StopRequested)), "the stop")
        await pilot.press("G", "enter")  # a cell that has ended, of a run that goes on
        await until(pilot, lambda: bool(app.wanted(RunOpened)), "its results")
        assert app.wanted(RunOpened)[0].results
        ended = replace(STATUS, state="stopped", exit_code=130, ended_at_s=time.time())
        app.store.put(live=KnownRun(Path("run"), ended), running={})
        app.asked.clear()
        await pilot.press("g", "enter")
        await until(pilot, lambda: bool(app.wanted(RunOpened)), "the results of the run")
        assert not app.wanted(WatchRequested)  # nobody asks the cells of a run that has ended

    act(scenario)


def test_without_a_run_it_says_what_to_press() -> None:
    async def scenario(app: LiveApp, pilot: Pilot[str]) -> None:
        assert "r runs the plan" in app.seen()
        app.store.put(runs=(KnownRun(Path("run"), STATUS),))
        await until(pilot, lambda: "A run is going on: enter shows it" in app.seen(), "the invitation")
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.wanted(RunOpened)), "the run")

    act(scenario, status=None)


def test_a_small_terminal_raises_nothing() -> None:
    async def scenario(app: LiveApp, pilot: Pilot[str]) -> None:
        await pilot.press("tab", "enter", "escape", "escape")
        await pilot.resize_terminal(*WIDE)
        assert "A run" in app.seen()

    act(scenario, TINY)


def test_progress_is_never_full_before_the_end() -> None:
    assert progress(19, 20) == "█████░ 19/20"
    assert progress(20, 20) == "██████ 20/20"
    assert progress(3, None) == "3/?"


def test_grading_by_another_model_is_told_apart() -> None:
    from proctor.tui.screens.live_rows import Working

    sample = RunningSample("e", "1", 1, NOW_S, "model", NOW_S - 65, detail="openai/gpt-oss-120b:fastest")
    assert doing(Working(STATUS.cells[0], sample), NOW_S) == "grading 1:05"
