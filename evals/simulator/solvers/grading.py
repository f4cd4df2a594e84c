"""Grading, worked out: whether a submission asserts what the criterion says.

The prompts are those of Inspect's `model_graded_fact` and `model_graded_qa`, recognised by their labelled parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Grade = Literal["C", "P", "I"]

_PART = re.compile(
    r"\[(?P<label>Question|Task|Expert|Criterion|Reference|Target|Submission)\]:\s*(?P<body>.*?)\s*"
    r"(?=^\*{3,}\s*$|^\[END DATA\])",
    re.DOTALL | re.MULTILINE,
)
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FINAL = re.compile(r"^[^\w\n]*(?:final )?answer[^\w\n]*:[^\w\n]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?![\w])")
_NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_PLACES = re.compile(r"\b(?:in|to) the (\w+)")
_ASIDE = re.compile(
    r"\b(?:although|even though|though|while|despite|before|after|because|since)\b[^,.;]*,?"
    r"|\b(?:not|never|rather than|instead of|no longer|neither|nor|from the)\b[^,.;]*"
    r"|n't\b[^,.;]*",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class GradingTask:
    """What a grader is shown."""

    question: str
    criterion: str
    submission: str
    partial_credit: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grade, and what it rests on."""

    grade: Grade
    claim: str


def read_grading_task(text: str) -> GradingTask | None:
    """Recognise a grading prompt; `None` where the text is none."""
    if "GRADE" not in text or "[BEGIN DATA]" not in text:
        return None
    parts = {match["label"]: match["body"] for match in _PART.finditer(text)}
    criterion = next((parts[label] for label in ("Expert", "Criterion", "Reference", "Target") if label in parts), None)
    if criterion is None or "Submission" not in parts:
        return None
    return GradingTask(
        question=parts.get("Question", parts.get("Task", "")),
        criterion=criterion,
        submission=parts["Submission"],
        partial_credit="CPI" in text.split("[END DATA]", 1)[-1],
    )


def normalise(text: str) -> str:
    """Lower case, words and numbers only, one blank between them."""
    return " ".join(re.sub(r"[^\w.\-]+|_|(?<!\d)\.|\.(?!\d)", " ", text.lower()).split())


def assess(task: GradingTask) -> Verdict:
    """Compare what the submission asserts with the criterion."""
    submission = _THOUGHTS.sub("", task.submission).strip()
    criterion = normalise(task.criterion)
    if not criterion or not submission:
        return Verdict("I", "nothing")
    finals = _FINAL.findall(submission)
    claimed: str = finals[-1] if finals else submission
    if normalise(claimed) == criterion:
        return Verdict("C", task.criterion.strip())
    if _NUMBER.fullmatch(task.criterion.strip()):
        return _compare_numbers(claimed, task.criterion.strip())
    return _compare_words(claimed, criterion, task.question)


def _compare_numbers(claimed: str, criterion: str) -> Verdict:
    """The last number that is named is the one that is meant."""
    text = claimed
    for value, word in enumerate(_NUMBER_WORDS):
        text = re.sub(rf"\b{word}\b", str(value), text, flags=re.IGNORECASE)
    numbers = _NUMBER.findall(text)
    if not numbers:
        return Verdict("I", "no number")
    same = float(numbers[-1].replace(",", "")) == float(criterion.replace(",", ""))
    return Verdict("C" if same else "I", numbers[-1])


def _compare_words(claimed: str, criterion: str, question: str) -> Verdict:
    """The last sentence that names the criterion or a rival, without its asides and negations, is the claim."""
    rivals = {normalise(place) for place in _PLACES.findall(question)} - {criterion}
    for sentence in reversed(_SENTENCE.split(claimed)):
        asserted = normalise(_ASIDE.sub(" ", sentence))
        met = _names(asserted, criterion)
        rival = any(_names(asserted, other) for other in rivals)
        if met and rival:
            return Verdict("P", sentence.strip())
        if met or rival:
            return Verdict("C" if met else "I", sentence.strip())
    return Verdict("I", _SENTENCE.split(claimed)[-1].strip())


def _names(text: str, phrase: str) -> bool:
    return f" {phrase} " in f" {text} "
