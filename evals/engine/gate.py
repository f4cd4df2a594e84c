"""The gate that a cell's requests pass: closed, it parks them, so that nothing more is paid for.

A refusal that no repetition can change (no credit, no permission, no such model) closes it, and so do a stop and a
budget that is used up. What is on the wire then ends in its own time, what is being graded is graded, and the rest
waits for the cell to be cancelled: not one request is spent on finding out again what is known.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from ..catalog.wire_errors import RouterError

# Set by the cell's hooks: whether the current sample is being scored.
scoring: ContextVar[bool] = ContextVar("proctor_scoring", default=False)

# Set by the cell's hooks: what the current sample's last request failed of, in at most one item.
wire_failure: ContextVar[list[str] | None] = ContextVar("proctor_wire_failure", default=None)

_UNAVAILABLE_CODES = frozenset({"model_not_supported", "model_not_found"})


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a gate was closed, and what becomes of the cell."""

    state: Literal["held", "failed", "stopped"]
    reason: str  # one line a person can act on; empty for a stop that was asked for
    grading_goes_on: bool


def closure_for(error: RouterError, *, of_grader: bool) -> Closure | None:
    """What a refusal means for the whole cell; `None` where it concerns one request only."""
    who = "the grader: " if of_grader else ""
    reason = f"{who}{error}: {error.remedy}" if error.remedy else f"{who}{error}"
    match error.status:
        case 402:
            return Closure("held", reason, grading_goes_on=not of_grader)
        case 401 | 403 | 404 | 410:
            return Closure("failed", reason, grading_goes_on=not of_grader)
        case 400 if error.code in _UNAVAILABLE_CODES or "not supported by" in error.message:
            return Closure("failed", reason, grading_goes_on=not of_grader)
        case _:
            return None


class Gate:
    """Open until it is closed; the first reason stands."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self._refused: object = None
        self.closure: Closure | None = None
        self.parked_scoring = 0  # requests that would grade, and wait to be cancelled

    def close(self, closure: Closure, *, refused: object = None) -> None:
        """Let no further request through, save those that grade what is already answered.

        Args:
            closure: Why.
            refused: The client that was refused, if that is why: nothing at all passes by it any more.
        """
        if self.closure is None:
            self.closure = closure
            self._refused = refused
            self._closed.set()

    async def closed(self) -> Closure:
        """Wait until the gate is closed."""
        await self._closed.wait()
        assert self.closure is not None
        return self.closure

    async def passed(self, client: object) -> None:
        """Return at once while this client may send; otherwise wait to be cancelled."""
        if self.closure is None:
            return
        if self.closure.grading_goes_on and scoring.get() and client is not self._refused:
            return
        self.parked_scoring += scoring.get()
        await asyncio.get_running_loop().create_future()
