"""Inspect's hooks, turned into one cell's counts."""

from __future__ import annotations

import time
from collections.abc import Callable

from inspect_ai.hooks import (
    Hooks,
    ModelRetry,
    ModelUsageData,
    SampleAttemptStart,
    SampleEnd,
    SampleScoring,
    SampleStart,
    TaskStart,
    hooks,
)
from inspect_ai.log import EvalSpec
from inspect_ai.scorer import value_to_float

from .gate import scoring
from .meter import Meter

_to_float = value_to_float()


def observe(meter: Meter, *, target: str, on_start: Callable[[EvalSpec], None]) -> None:
    """Count everything that this process's eval does into a meter.

    Args:
        meter: Where it is counted.
        target: The model under test; calls to others, and all calls made while scoring, are the grader's.
        on_start: Given the eval's spec when its log has been begun.
    """
    in_flight: set[str] = set()

    class CellHooks(Hooks):
        async def on_task_start(self, data: TaskStart) -> None:
            dataset, config = data.spec.dataset, data.spec.config
            samples = len(dataset.sample_ids) if dataset.sample_ids is not None else dataset.samples
            if samples is not None:
                meter.total = samples * (config.epochs or 1)
            on_start(data.spec)

        async def on_sample_start(self, data: SampleStart) -> None:
            in_flight.add(data.sample_id)
            meter.in_flight = len(in_flight)
            scoring.set(False)

        async def on_sample_attempt_start(self, data: SampleAttemptStart) -> None:
            scoring.set(False)

        async def on_sample_scoring(self, data: SampleScoring) -> None:
            scoring.set(True)

        async def on_sample_end(self, data: SampleEnd) -> None:
            sample = data.sample
            in_flight.discard(data.sample_id)
            meter.in_flight = len(in_flight)
            if sample.error is not None and sample.error.message.startswith("CancelledError"):
                return  # never worked on, or given up with the cell: neither done nor at fault
            meter.done += 1
            if sample.error is not None:
                meter.errors += 1
                if meter.last_error is None:
                    meter.last_error = (sample.error.message.strip().splitlines() or [""])[0]
            elif sample.scores:
                value = next(iter(sample.scores.values())).value
                if isinstance(value, dict):
                    value = next(iter(value.values()), None)
                if isinstance(value, (str, int, float, bool)):
                    meter.scored(_to_float(value))

        async def on_model_usage(self, data: ModelUsageData) -> None:
            usage = data.usage
            calls = meter.grader if scoring.get() or data.model_name != target else meter.model
            calls.add(
                at_s=time.time(),
                input_tokens=usage.input_tokens
                + (usage.input_tokens_cache_read or 0)
                + (usage.input_tokens_cache_write or 0),
                output_tokens=usage.output_tokens,
                cost_usd=usage.total_cost,
                latency_s=data.call_duration,
            )

        async def on_model_retry(self, data: ModelRetry) -> None:
            meter.wait(time.time(), data.wait_time)

    hooks(name="proctor", description="Proctor's live figures")(CellHooks)
