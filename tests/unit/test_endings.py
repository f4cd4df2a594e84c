"""A run that was seen going on and ends is told once, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from proctor.evals.run.run_list import KnownRun
from proctor.evals.run.status import CellStatus, RunStatus
from proctor.tui.controllers.notifications import Endings, end_severity, end_text

CELL = CellStatus("a", "a", "proctor/arithmetic", "m", "running")
GOING = KnownRun(Path("logs/one"), RunStatus("one", "One", "hub", "running", (CELL,), 1, 1.0, 10.0))
ENDED = KnownRun(
    Path("logs/one"),
    replace(GOING.status, state="succeeded", cells=(replace(CELL, score=0.5),), updated_at_s=12.0, exit_code=0),
)


def test_an_end_is_told_once_by_whichever_feed_brings_it_first() -> None:
    endings = Endings()
    assert endings.see([GOING]) == []
    assert endings.is_watching
    assert endings.see([ENDED]) == [ENDED]
    assert endings.see([GOING, ENDED]) == [], "an older reading comes late"
    assert not endings.is_watching
    assert endings.newest == ENDED


def test_what_had_ended_before_is_not_told() -> None:
    assert Endings().see([ENDED]) == []


def test_a_run_that_was_taken_up_again_ends_again() -> None:
    endings = Endings()
    endings.see([GOING])
    endings.see([ENDED])
    endings.see([replace(GOING, status=replace(GOING.status, updated_at_s=20.0))])
    again = replace(ENDED, status=replace(ENDED.status, updated_at_s=30.0))
    assert endings.see([again]) == [again]


def test_the_words_say_how_it_ended_and_how_to_open_it() -> None:
    assert end_text(ENDED, "^e") == "One: succeeded · best 0.500 · ^e opens it"
    failed = replace(ENDED, status=replace(GOING.status, state="failed", message="killed", exit_code=1))
    assert end_text(failed, "^e") == "One: failed · killed · ^e opens it"
    assert (end_severity(ENDED), end_severity(failed)) == ("information", "error")
