"""Sums with a known answer: made on the spot, the same for the same seed."""

from __future__ import annotations

import random

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

from ....profiles.base.errors import UsageError

_MAX_SAMPLES = 100_000


@task
def arithmetic(samples: int = 50, seed: int = 0, steps: int = 3, digits: int = 2) -> Task:
    """Sums of whole numbers, made from a seed and compared with the exact result.

    Args:
        samples: How many sums.
        seed: The same seed makes the same sums.
        steps: Operations in a sum, 1 to 12.
        digits: Digits of the numbers that are added and subtracted, 1 to 9.
    """
    for name, value, low, high in (
        ("samples", samples, 1, _MAX_SAMPLES),
        ("steps", steps, 1, 12),
        ("digits", digits, 1, 9),
    ):
        if not low <= value <= high:
            raise UsageError(f"proctor/arithmetic: {name} is {value}", f"give a number from {low} to {high}")
    rng = random.Random(seed)
    sums = [chain(rng, steps, digits) for _ in range(samples)]
    return Task(
        dataset=MemoryDataset(
            [
                Sample(id=number, input=f"Compute {text}. Answer with the number only.", target=str(result))
                for number, (text, result) in enumerate(sums, start=1)
            ],
            name="arithmetic",
        ),
        solver=[generate()],
        scorer=match(numeric=True),
    )


def chain(rng: random.Random, steps: int, digits: int) -> tuple[str, int]:
    """A chain of operations and its result: `(17 + 5) * 3 - 4` and 62.

    Args:
        rng: Where the numbers come from.
        steps: How many operations; factors are single digits, and no two multiplications follow each other.
        digits: Digits of the summands.
    """
    result = _number(rng, digits)
    text, before = str(result), ""
    for _ in range(steps):
        operator = rng.choice("+-" if before == "*" else "+-*")
        number = rng.randint(2, 9) if operator == "*" else _number(rng, digits)
        if operator == "*" and before:
            text = f"({text})"
        text = f"{text} {operator} {number}"
        result = {"+": result + number, "-": result - number, "*": result * number}[operator]
        before = operator
    return text, result


def _number(rng: random.Random, digits: int) -> int:
    return rng.randint(10 ** (digits - 1), 10**digits - 1)
