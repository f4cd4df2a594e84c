"""What people and monitors decided: approvals, reviews, sentinels."""

from __future__ import annotations

from collections.abc import Iterator

from inspect_ai.event import ApprovalEvent, ReviewEvent, SentinelEvent

from .drafts import Draft, json_draft, title_line
from .messages import call_drafts
from .registry import SampleContext, Shown, extra_drafts, renders

_REFUSED = frozenset({"reject", "terminate"})


@renders(ApprovalEvent)
def show_approval(event: ApprovalEvent, context: SampleContext) -> Shown:
    """A tool call that was approved or not."""

    def body() -> Iterator[Draft]:
        yield Draft(context.resolve(event.message), "message", "", 6)
        yield from call_drafts(event.call, context.resolve)
        if event.view:
            for part in (event.view.context, event.view.call):
                if part:
                    yield Draft(context.resolve(part.content), (part.title or "view")[:8], "dim", 6)
        if event.modified:
            yield Draft("to", "modified", "accent")
            yield from call_drafts(event.modified, context.resolve)
        if event.explanation:
            yield Draft(context.resolve(event.explanation), "why", "", 10)
        yield from extra_drafts(event, context)

    return Shown(
        "oversight",
        "approval",
        title_line(f"{event.decision} {event.call.function} · by {event.approver}"),
        tone="bad" if event.decision in _REFUSED else "",
        lines=4,
        body=body,
    )


@renders(ReviewEvent)
def show_review(event: ReviewEvent, context: SampleContext) -> Shown:
    """A tool's result that was reviewed."""

    def body() -> Iterator[Draft]:
        yield Draft(context.resolve(event.message), "message", "", 6)
        yield from call_drafts(event.call, context.resolve)
        if event.explanation:
            yield Draft(context.resolve(event.explanation), "why", "", 10)
        yield from extra_drafts(event, context)

    return Shown(
        "oversight",
        "review",
        title_line(f"{event.decision} after {event.call.function} · by {event.reviewer}"),
        tone="bad" if event.decision == "terminate" else "",
        lines=4,
        body=body,
    )


@renders(SentinelEvent)
def show_sentinel(event: SentinelEvent, context: SampleContext) -> Shown:
    """What a monitor reported, or a protocol decided."""

    def body() -> Iterator[Draft]:
        where = f"{event.stage.replace('_', ' ')} {event.step_id} of {event.conversation}"
        yield Draft(f"{event.factory} · {where}" + (f" · {event.function}" if event.function else ""), "at", "dim")
        if event.suspicion is not None:
            yield json_draft(event.suspicion, context.resolve, "suspects", fold=6)
        if event.modified:
            yield from call_drafts(event.modified, context.resolve)
        if event.message:
            yield Draft(context.resolve(event.message), "told", "", 6)
        if event.explanation:
            yield Draft(context.resolve(event.explanation), "why", "", 10)
        if event.references:
            yield json_draft(event.references, context.resolve, "cites", fold=4, tone="dim")
        if event.error:
            yield Draft(event.error, "error", "bad", 8)
        yield from extra_drafts(event, context)

    said = event.action or (f"suspicion {event.suspicion:g}" if isinstance(event.suspicion, float) else event.kind)
    notes = tuple(note for note in (event.status if event.status != "reported" else "", "audit" * event.audit) if note)
    bad = event.action in _REFUSED or event.status == "error"
    return Shown(
        "oversight", "sentinel", title_line(f"{said} · {event.path}"), notes, "bad" if bad else "", lines=4, body=body
    )
