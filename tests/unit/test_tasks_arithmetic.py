"""The sums of proctor/arithmetic."""

from __future__ import annotations

import ast
import operator

import pytest
from proctor.evals.tasks.builtin.arithmetic import arithmetic
from proctor.profiles.base.errors import UsageError

OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


def worked_out(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return OPERATIONS[type(node.op)](worked_out(node.left), worked_out(node.right))
    assert isinstance(node, ast.Constant) and isinstance(node.value, int)
    return node.value


def sums(**args: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for sample in arithmetic(**args).dataset:
        text = str(sample.input).removeprefix("Compute ")
        found.append((text[: text.index(". Answer")], str(sample.target)))
    return found


@pytest.mark.parametrize("args", [{}, {"steps": 1, "digits": 1}, {"steps": 12, "digits": 9, "seed": 5}])
def test_every_target_is_the_value_of_its_sum(args: dict[str, int]) -> None:
    for text, target in sums(samples=200, **args):
        assert worked_out(ast.parse(text, mode="eval").body) == int(target), text


def test_a_seed_always_makes_the_same_sums() -> None:
    assert sums(seed=3) == sums(seed=3)
    assert sums(seed=3) != sums(seed=4)
    assert sums(seed=3, samples=10) == sums(seed=3, samples=50)[:10]


def test_sizes_are_as_asked_for() -> None:
    made = sums(samples=40, steps=5, digits=3)
    assert len(made) == 40
    for text, _ in made:
        assert sum(text.count(sign) for sign in "+-*") == 5


@pytest.mark.parametrize("args", [{"samples": 0}, {"samples": 10**7}, {"steps": 0}, {"steps": 99}, {"digits": -1}])
def test_sizes_that_make_no_sense_are_refused(args: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(args))):
        arithmetic(**args)
