"""Proctor from Python: plan and run evaluations, and read the logs of any.

    from proctor.evals import api

    run = api.load("practice").plan().run()        # begins; `run.wait()` waits, `run.follow()` tells how it goes
    print(run.wait().scoreboard())
    print(api.open("their-logs").scoreboard())     # logs that Inspect itself wrote

What comes back are frozen dataclasses. Tables have `records()`, plain data in the shape of the command line's `--json`,
and `to_pandas()` (which needs pandas). Unknown is `None`; money is USD, durations are in seconds. Everything that a
person can act on is a `ProctorError` with `message` and `remedy`; `UsageError` is found before anything is sent.
"""

from __future__ import annotations

from ...profiles.base.errors import ProctorError, UsageError
from .plans import PlannedRun, RunnableProfile, load
from .runs import Board, Comparison, Run, Samples, open, runs  # as a file is opened

__all__ = [
    "Board",
    "Comparison",
    "PlannedRun",
    "ProctorError",
    "Run",
    "RunnableProfile",
    "Samples",
    "UsageError",
    "load",
    "open",
    "runs",
]
