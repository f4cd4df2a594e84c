"""What code, tools and people put into the transcript: info, loggers, input, compaction, interrupts, marks."""

from __future__ import annotations

from collections.abc import Iterator

from inspect_ai.event import (
    AnchorEvent,
    BranchEvent,
    CompactionEvent,
    InfoEvent,
    InputEvent,
    InterruptEvent,
    LoggerEvent,
)

from .drafts import Draft, json_draft, title_line
from .registry import SampleContext, Shown, extra_drafts, renders

_LOUD = frozenset({"error", "critical"})


@renders(InfoEvent)
def show_info(event: InfoEvent, context: SampleContext) -> Shown:
    """What code has noted."""
    return Shown(
        "info",
        "info",
        title_line(event.source or ""),
        body=lambda: [json_draft(event.data, context.resolve, fold=10), *extra_drafts(event, context)],
    )


@renders(LoggerEvent)
def show_logger(event: LoggerEvent, context: SampleContext) -> Shown:
    """A line of Python's logging."""
    said = event.message
    text = context.resolve(said.message)

    def body() -> Iterator[Draft]:
        if "\n" in text or len(text) > 60:
            yield Draft(text, "", "", 6)
        yield Draft(f"{said.name or said.module} · {said.filename}:{said.lineno}", "from", "dim")
        yield from extra_drafts(event, context)

    return Shown("info", said.level, title_line(text), (), "bad" if said.level in _LOUD else "", body=body)


@renders(InputEvent)
def show_input(event: InputEvent, context: SampleContext) -> Shown:
    """What a person was asked and typed."""

    def body() -> Iterator[Draft]:
        if event.message:
            yield Draft(context.resolve(event.message), "asked", "", 6)
        for one in event.fields or ():
            yield Draft(
                f"{one.name} ({one.type})" + (f": {one.description}" if one.description else ""), "field", "dim"
            )
        if event.input:
            yield Draft(context.resolve(event.input), "typed", "", 12)
        if event.content:
            yield json_draft(event.content, context.resolve, "answer", fold=8)
        yield from extra_drafts(event, context)

    return Shown(
        "input", "input", title_line(event.message or event.input), (event.outcome,) if event.outcome else (), body=body
    )


@renders(CompactionEvent)
def show_compaction(event: CompactionEvent, context: SampleContext) -> Shown:
    """A conversation that was made shorter."""
    tokens = " → ".join("?" if count is None else f"{count:,}" for count in (event.tokens_before, event.tokens_after))
    known = event.tokens_before is not None or event.tokens_after is not None
    parts = [
        event.type,
        f"of {event.role}" if event.role else "",
        f"{tokens} tokens" if known else "",
        event.source or "",
    ]
    title = " · ".join(part for part in parts if part)
    return Shown("state", "compaction", title_line(title), body=lambda: extra_drafts(event, context))


@renders(InterruptEvent)
def show_interrupt(event: InterruptEvent, context: SampleContext) -> Shown:
    """A turn that was cut short."""
    ids = (("tool call", event.interrupted_tool_call_id), ("model call", event.interrupted_model_event_id))
    return Shown(
        "error",
        "interrupt",
        title_line(f"{event.source.replace('_', ' ')} during {event.interrupted.replace('_', ' ')}"),
        tone="bad",
        body=lambda: [
            *(Draft(f"{what} {name}", "of", "dim") for what, name in ids if name),
            *extra_drafts(event, context),
        ],
    )


@renders(AnchorEvent)
def show_anchor(event: AnchorEvent, context: SampleContext) -> Shown:
    """A point that can be gone back to."""
    title = title_line(event.anchor_id + (f" · {event.source}" if event.source else ""))
    return Shown("info", "anchor", title, body=lambda: extra_drafts(event, context))


@renders(BranchEvent)
def show_branch(event: BranchEvent, context: SampleContext) -> Shown:
    """Where a branch begins to differ."""
    title = title_line(f"from {event.from_anchor}" if event.from_anchor else "")
    return Shown("info", "branch", title, body=lambda: extra_drafts(event, context))
