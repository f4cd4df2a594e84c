"""Deadlines that stand still while a request waits for reasons of ours: an attempt's time is that of the server.

Inspect bounds an attempt with a cancel scope of anyio's around everything below it, the gate too. Private to anyio, and
looked up in this one place: `_task_states` and a scope's `_parent_scope` and `_host_task`. Where they are gone, an
attempt that waits too long is cut, and Inspect makes another.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

try:
    from anyio._backends import _asyncio as backend
except ImportError:
    backend = None


@contextmanager
def held_deadlines() -> Generator[None]:
    """Put the deadlines of the current task off by as long as the block takes."""
    began_s = time.monotonic()
    held = [(scope, scope.deadline) for scope in _scopes() if scope.deadline != math.inf]
    for scope, _ in held:
        scope.deadline = math.inf
    try:
        yield
    finally:
        for scope, deadline_s in held:
            scope.deadline = deadline_s + time.monotonic() - began_s


def _scopes() -> list[Any]:
    """The cancel scopes that the current task itself is in."""
    task = asyncio.current_task()
    state: Any = getattr(backend, "_task_states", {}).get(task)
    scope: Any = getattr(state, "cancel_scope", None)
    found: list[Any] = []
    while scope is not None and getattr(scope, "_host_task", None) is task:
        found.append(scope)
        scope = getattr(scope, "_parent_scope", None)
    return found
