"""Lanes: spans, steps and subtasks, whose entries stand below them."""

from __future__ import annotations

from collections.abc import Iterator

from inspect_ai.event import SpanBeginEvent, StepEvent, SubtaskEvent

from .drafts import Draft, json_draft, title_line
from .registry import SampleContext, Shown, extra_drafts, renders


@renders(SpanBeginEvent)
def show_span(event: SpanBeginEvent, context: SampleContext) -> Shown:
    """A span of the transcript."""
    kind = event.type or "span"
    title = event.name if event.name != kind else ""
    return Shown("span", title_line(kind), title_line(title), lines=0, body=lambda: extra_drafts(event, context))


@renders(StepEvent)
def show_step(event: StepEvent, context: SampleContext) -> Shown:
    """A step of older logs."""
    return Shown(
        "span",
        title_line(event.type or "step"),
        title_line(event.name),
        lines=0,
        body=lambda: extra_drafts(event, context),
    )


@renders(SubtaskEvent)
def show_subtask(event: SubtaskEvent, context: SampleContext) -> Shown:
    """A subtask with what it was given and gave."""

    def body() -> Iterator[Draft]:
        if event.input:
            yield json_draft(event.input, context.resolve, "args", fold=8)
        if event.result is not None:
            yield json_draft(event.result, context.resolve, "result", fold=8)
        yield from extra_drafts(event, context)

    return Shown("span", event.type or "subtask", title_line(event.name), lines=3, body=body)
