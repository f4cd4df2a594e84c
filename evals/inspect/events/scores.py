"""Scores, and edits of scores with their authors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from inspect_ai.event import ScoreEditEvent, ScoreEvent
from inspect_ai.log import ProvenanceData
from inspect_ai.scorer import Score

from ..logs.transcript import Usage
from .drafts import Draft, json_draft, title_line
from .model import usage_of
from .registry import SampleContext, Shown, extra_drafts, renders

UNCHANGED = "UNCHANGED"
REPEATED_CHARS = 200  # of an answer that is not told again
_TONES = {"C": "good", "I": "bad"}


def value_text(value: Any) -> str:
    """A score's value: "C", "0.5", "quality 0.5 · safety 1", "unscored"."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return "unscored" if math.isnan(value) else f"{value:g}"
    if isinstance(value, Mapping):
        return " · ".join(f"{name} {value_text(one)}" for name, one in value.items())  # pyright: ignore[reportUnknownVariableType]
    return json.dumps(value, default=str)


def score_tone(value: Any) -> str:
    """Only right and wrong have a colour: a number is a number."""
    return _TONES.get(value, "") if isinstance(value, str) else ""


@renders(ScoreEvent)
def show_score(event: ScoreEvent, context: SampleContext) -> Shown:
    """A score, final or on the way."""

    def body() -> Iterator[Draft]:
        yield from score_drafts(event.score, context)
        if event.target is not None:
            target = event.target if isinstance(event.target, str) else " | ".join(event.target)
            yield Draft(context.resolve(target), "target", "dim", 3)
        if event.scorer_args:
            yield json_draft(event.scorer_args, context.resolve, "args", fold=4, tone="dim")
        used = [f"{name}: {usage_line(usage_of(one))}" for name, one in (event.model_usage or {}).items()]
        if used:
            yield Draft(" · ".join(used), "so far", "dim")
        yield from extra_drafts(event, context)

    title = " ".join(filter(None, (event.scorer, value_text(event.score.value))))
    notes = tuple(note for note in ("on the way" if event.intermediate else "", str(event.score.reason or "")) if note)
    return Shown("score", "score", title_line(title), notes, score_tone(event.score.value), lines=3, body=body)


def score_drafts(score: Score, context: SampleContext) -> Iterator[Draft]:
    """What a scorer says of its score, and what became of it since."""
    resolve = context.resolve
    completion = resolve(context.sample.output.completion).strip().casefold()
    for label, said, fold in (("answer", score.answer, 6), ("why", score.explanation, 12)):
        text = resolve(said or "")
        if len(text) > REPEATED_CHARS and text.strip().casefold() == completion:
            yield Draft("the model's whole answer", label, "dim")  # scorers that compare text give it once more
        elif said is not None and (text or label == "answer"):
            yield Draft(text, label, "", fold)
    if score.metadata:
        yield json_draft(score.metadata, resolve, "metadata", fold=8, tone="dim")
    for number, edit in enumerate(score.history):
        said = [] if edit.value == UNCHANGED else [value_text(edit.value)]
        said.append(provenance_text(edit.provenance) if edit.provenance else "as scored" if not number else "edited")
        yield Draft(" · ".join(filter(None, said)), "history", "", 4)


@renders(ScoreEditEvent)
def show_edit(event: ScoreEditEvent, context: SampleContext) -> Shown:
    """A score that was edited, by whom and why."""
    edit = event.edit

    def body() -> Iterator[Draft]:
        if edit.provenance:
            yield Draft(provenance_text(edit.provenance), "by", "", 4)
            if edit.provenance.metadata:
                yield json_draft(edit.provenance.metadata, context.resolve, "metadata", fold=4, tone="dim")
        for label, value in (("answer", edit.answer), ("why", edit.explanation), ("reason", edit.reason)):
            if value != UNCHANGED:
                yield Draft("(taken away)" if value is None else context.resolve(str(value)), label, "", 8)
        if edit.metadata != UNCHANGED:
            yield json_draft(edit.metadata, context.resolve, "metadata", fold=6, tone="dim")
        yield from extra_drafts(event, context)

    title = event.score_name + ("" if edit.value == UNCHANGED else f" → {value_text(edit.value)}")
    notes = (f"by {edit.provenance.author}",) if edit.provenance else ()
    return Shown("score", "edit", title_line(title), notes, lines=3, body=body)


def provenance_text(provenance: ProvenanceData) -> str:
    """Who, when and why."""
    when = provenance.timestamp.strftime("%Y-%m-%d %H:%M UTC")
    return " · ".join(filter(None, (provenance.author, when, provenance.reason or "")))


def usage_line(usage: Usage | None) -> str:
    """Tokens and money in words: `1,200 → 50 tokens, $0.001`; the price only where it is known."""
    if usage is None:
        return "?"
    cost = "" if usage.cost_usd is None else f", ${usage.cost_usd:.4g}"
    return f"{usage.input_tokens:,} → {usage.output_tokens:,} tokens{cost}"
