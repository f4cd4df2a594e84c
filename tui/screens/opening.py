"""The six places, each imported when it is first gone to."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen


def bench() -> Screen[Any]:
    """The place Bench."""
    from .runs.screen import RunsScreen

    return RunsScreen()


def models() -> Screen[Any]:
    """The place Models."""
    from .models.screen import ModelsScreen

    return ModelsScreen()


def tasks() -> Screen[Any]:
    """The place Tasks."""
    from .tasks.screen import TasksScreen

    return TasksScreen()


def plan() -> Screen[Any]:
    """The place Plan."""
    from .plan.screen import PlanScreen

    return PlanScreen()


def live() -> Screen[Any]:
    """The place Live."""
    from .live.screen import LiveScreen

    return LiveScreen()


def results() -> Screen[Any]:
    """The place Results."""
    from .results.screen import ResultsScreen

    return ResultsScreen()
