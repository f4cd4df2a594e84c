from fractions import Fraction

import pytest
from proctor.evals.simulator.solvers.arithmetic import near_misses, work_out


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("Compute ((17 + 5) * 3 - 4). Answer with the number only.", "62"),
        ("Compute (17 + 5) * 3 - 4. Answer with the number only.", "62"),
        ("What is -3 - -4?", "1"),
        ("What is 7 × 8 − 6 ÷ 3?", "54"),
        ("2^10 = ?", "1024"),
        ("What is 7/2?", "3.5"),
        ("1 + 1 was easy. Now: 2 * 21.", "42"),
        ("Start with 5, add 3, multiply by 2, then halve it and subtract 1. What do you get?", "7"),
    ],
)
def test_sums_are_computed(prompt: str, value: str) -> None:
    problem = work_out(prompt)
    assert problem is not None
    assert problem.text == value


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "no sum at all",
        "2026",
        "1 / 0",
        "9**9**9**9",
        "10^64 * 10^64",
        "(" * 5000,
        "(" * 300 + "1+1",
        "__import__('os').system('true')",
    ],
)
def test_what_is_no_sum_or_an_absurd_one_is_left_alone(prompt: str) -> None:
    assert work_out(prompt) is None


@pytest.mark.parametrize("value", [Fraction(0), Fraction(62), Fraction(-5), Fraction(7, 2), Fraction(1000)])
def test_a_near_miss_is_never_right(value: Fraction) -> None:
    assert value not in near_misses(value)
