"""Calls of tools: what they were called with beside what they gave."""

from __future__ import annotations

from collections.abc import Iterator

from inspect_ai.event import ToolEvent

from .drafts import Draft, argument_drafts, argument_title
from .model import result_drafts
from .registry import SampleContext, Shown, extra_drafts, renders

_TITLE_CHARS = 40  # arguments that are longer stand in the body, too


@renders(ToolEvent)
def show_tool(event: ToolEvent, context: SampleContext) -> Shown:
    """A tool call."""
    exit_code = context.exit_codes.get(id(event))
    bad = bool(event.error or event.failed)
    notes = [
        "pending" if event.pending else "",
        f"exit {exit_code}" if exit_code is not None else "",
        f"handed over to {event.agent}" if event.agent else "",
        f"cut from {event.truncated[0]:,} to {event.truncated[1]:,} bytes" if event.truncated else "",
        f"error: {event.error.type}" if event.error else "failed" if event.failed else "",
    ]
    return Shown(
        "tool",
        event.function,
        argument_title(event.arguments, context.resolve),
        tuple(note for note in notes if note),
        "bad" if bad else "",
        lines=5,
        body=lambda: _body(event, context),
    )


def _body(event: ToolEvent, context: SampleContext) -> Iterator[Draft]:
    resolve = context.resolve
    title = argument_title(event.arguments, resolve)
    drafts = list(argument_drafts(event.function, event.arguments, resolve))
    if len(drafts) > 1 or "\n" in "".join(draft.text for draft in drafts) or len(title) > _TITLE_CHARS:
        yield from drafts
    if event.view and event.view.title and event.view.title != event.function:
        yield Draft(event.view.title, "view", "dim")
    results = result_drafts(event.result, resolve)
    if not results and not event.error and not event.pending:
        yield Draft("(nothing)", "result", "dim")
    yield from results
    if event.error:
        yield Draft(f"{event.error.type}: {event.error.message}", "error", "bad", 10)
    yield from extra_drafts(event, context)
