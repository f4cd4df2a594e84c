"""Rows of a scoreboard are named shortly, and never two alike."""

from __future__ import annotations

import random

import pytest
from proctor.evals.results.labels import shared_part, short_labels

HF = "hf-inference-providers/"


@pytest.mark.parametrize(
    ("targets", "labels", "shared"),
    [
        (
            [f"{HF}openai/gpt-oss-120b:groq", f"{HF}openai/gpt-oss-120b:fastest", f"{HF}openai/gpt-oss-120b"],
            ["groq", ":fastest", "default"],
            "openai/gpt-oss-120b",
        ),
        ([f"{HF}openai/a:groq", f"{HF}meta/b:groq"], ["a", "b"], "groq"),
        ([f"{HF}openai/a:cheapest", f"{HF}meta/b:cheapest"], ["a", "b"], ":cheapest"),
        ([f"{HF}openai/a", f"{HF}meta/b"], ["a", "b"], ""),
        ([f"{HF}openai/a:groq", f"{HF}meta/a:groq"], ["openai/a", "meta/a"], "groq"),
        ([f"{HF}openai/a:groq", f"{HF}meta/b:novita"], ["a:groq", "b:novita"], ""),
        ([f"{HF}o/a:groq", f"{HF}meta/a:groq", f"{HF}x/b:novita"], ["o/a:groq", "meta/a:groq", "x/b:novita"], ""),
        ([f"{HF}openai/gpt-5", "openai/gpt-5"], [f"{HF}openai/gpt-5", "openai/gpt-5"], ""),
        (["openai/gpt-5", f"{HF}a/b:groq"], ["gpt-5", "b:groq"], ""),
        ([f"{HF}openai/gpt-oss-120b:groq"], ["gpt-oss-120b:groq"], ""),
        (["openai/gpt-5", "openai/gpt-5", "x/y"], ["gpt-5 #1", "gpt-5 #2", "y"], ""),
        ([f"{HF}a/b:groq", f"{HF}a/b:groq"], ["b:groq #1", "b:groq #2"], ""),
    ],
)  # fmt: skip
def test_labels_say_what_differs(targets: list[str], labels: list[str], shared: str) -> None:
    assert short_labels(targets) == labels
    assert shared_part(targets) == shared


def test_no_two_labels_are_alike_whatever_the_targets() -> None:
    draw = random.Random(1)
    for _ in range(2000):
        parts = ([HF, ""], ["a", "b"], ["/x", "/y"], ["", ":g", ":h", ":fastest"])
        targets = ["".join(map(draw.choice, parts)) for _ in range(draw.randrange(1, 7))]
        labels = short_labels(targets)
        assert len(set(labels)) == len(targets), (targets, labels)
