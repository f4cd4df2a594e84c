"""Deadlines that stand still while a request waits for reasons of ours: an attempt's time is that of the server.

Inspect bounds an attempt with a cancel scope of anyio's around everything below it, the circuit breaker too. Where
scopes cannot be told, an attempt that waits too long is cut, and Inspect makes another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager

from .compat import deadline_scopes


@contextmanager
def held_deadlines() -> Generator[None]:
    """Put the deadlines of the current task off by as long as the block takes."""
    began_s = time.monotonic()
    held = [(scope, scope.deadline) for scope in deadline_scopes() if scope.deadline != math.inf]
    for scope, _ in held:
        scope.deadline = math.inf
    try:
        yield
    finally:
        for scope, deadline_s in held:
            scope.deadline = deadline_s + time.monotonic() - began_s
