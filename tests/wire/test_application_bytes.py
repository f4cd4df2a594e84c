"""What the application writes to a real terminal while it is used, while a run goes on, and while nothing happens."""

from __future__ import annotations

import os
import signal
import statistics
from collections.abc import Iterator
from typing import Any

import pytest
from made_run import make_run
from proctor.evals.engine.status_file import read_status
from terminal import PAGE_DOWN, Terminal

pytestmark = pytest.mark.timeout(300)

LARGE = """
title = "A large run"
[[tasks]]
task = "proctor/theory_of_mind"
[[models]]
model = "openai/gpt-oss-120b"
providers = ["groq", "novita", "together", "nscale"]
[run]
limit = 100
epochs = 4
max_connections = 30
"""
CURSOR_BYTES, PAGE_BYTES, LIVE_BYTES_PER_S = 1_500, 12_000, 6_000
# Design.md holds 50 ms (tests/bench/wire.py prints it); here the machine may be busy with other tests.
ANSWER_S = 0.25


@pytest.fixture(scope="module")
def opened(bench: Any) -> Iterator[tuple[Terminal, Any]]:
    """The application on Bench, with a run that has ended and one with a hundred running samples."""
    make_run(bench.home / "logs", "20261123-210000-small", "A small run", samples=40)
    large = bench.run(LARGE, "large", "--detach")
    with bench.open("--log-dir", "logs") as terminal:
        terminal.until("A small run")
        terminal.until("A large run")
        terminal.until("leave")
        yield terminal, large


def test_a_run_with_a_hundred_running_samples_is_followed(opened: tuple[Terminal, Any]) -> None:
    terminal, large = opened
    terminal.send("g\r")
    terminal.until("Running samples")
    terminal.until(lambda: sum(cell.in_flight + cell.waiting for cell in read_status(large).cells) >= 100)
    terminal.until("#1")
    seconds = 4.0
    followed = terminal.bytes_within(seconds) / seconds
    assert 0 < followed <= LIVE_BYTES_PER_S
    answers = []
    first = terminal.column(0).index("▸")
    for number in range(30):
        there = first + 1 - number % 2
        answers.append(terminal.answered_s("jk"[number % 2], lambda there=there: terminal.column(0)[there] == "▸"))
    assert statistics.median(answers) <= ANSWER_S, sorted(answers)


def test_a_run_that_has_ended_is_silent(opened: tuple[Terminal, Any]) -> None:
    terminal, large = opened
    supervisor = read_status(large).supervisor_pid
    assert supervisor is not None
    os.kill(supervisor, signal.SIGQUIT)
    terminal.until("stopped")
    assert read_status(large).exit_code == 130
    terminal.quiet(2)
    assert terminal.bytes_within(10, at_most=0) == 0


def test_moving_is_cheap_and_every_place_is_silent(opened: tuple[Terminal, Any]) -> None:
    terminal, _ = opened
    terminal.send("1")
    terminal.until("A small run")
    terminal.quiet(2)
    assert terminal.bytes_within(4, at_most=0) == 0, "Bench looks for runs, and finds none that is new"
    terminal.send("2")
    terminal.until("openai/gpt-oss-120b")
    terminal.quiet(1)
    move_about(terminal, steps=8)
    terminal.send("3")
    terminal.until("theory_of_mind")
    terminal.quiet(2)
    move_about(terminal, steps=8)
    terminal.send("4")
    terminal.until("Plan ·")
    terminal.quiet(2)
    terminal.send("1gG\r")
    terminal.until("served by itself")
    terminal.quiet(1)
    terminal.send("\r")
    terminal.until("40 samples")
    terminal.until("#12")
    terminal.quiet()
    move_about(terminal)
    terminal.send("\r")
    terminal.until("Line 3 of answer")
    terminal.quiet()
    assert 0 < terminal.bytes_of(PAGE_DOWN) <= PAGE_BYTES
    terminal.quiet(2)


def move_about(terminal: Terminal, steps: int = 1) -> None:
    """Move the cursor by rows and by a page.

    Of several steps, each comes when the one before has been painted; what follows a cursor that rests comes once.
    """
    before = len(terminal.written)
    first = terminal.column(0).index("▸")
    for number in range(steps):
        there = first + 1 - number % 2
        terminal.answered_s("jk"[number % 2], lambda there=there: terminal.column(0)[there] == "▸")
    assert 0 < (terminal.quiet() - before) / steps <= CURSOR_BYTES
    assert terminal.bytes_of(PAGE_DOWN * steps) <= PAGE_BYTES * steps
    terminal.send("g")
    terminal.quiet()
