"""Calls of models: what was new in the input, what was set and offered, what came, what it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from inspect_ai.event import ModelEvent
from inspect_ai.model import ChatCompletionChoice, ChatMessage, ChatMessageTool, ModelUsage
from inspect_ai.tool import ToolFunction

from ..logs.transcript import Usage
from .drafts import Draft, json_draft, json_line, title_line
from .messages import call_drafts, content_drafts, message_drafts
from .registry import SampleContext, Shown, extra_drafts, renders

STOPS: Mapping[str, str] = {
    "max_tokens": "cut at max_tokens",
    "model_length": "context full",
    "content_filter": "content filter",
}


def usage_of(usage: ModelUsage | None) -> Usage | None:
    """Tokens and money, as they are shown: cached input is input."""
    if usage is None:
        return None
    read, write = usage.input_tokens_cache_read or 0, usage.input_tokens_cache_write or 0
    return Usage(
        usage.input_tokens + read + write, usage.output_tokens, read, usage.reasoning_tokens or 0, usage.total_cost
    )


@renders(ModelEvent)
def show_model(event: ModelEvent, context: SampleContext) -> Shown:
    """A model call."""
    role = context.roles.get(id(event)) or event.role or ""
    name = event.model.partition("/")[2] or event.model
    output = event.output
    stop = output.choices[0].stop_reason if output.choices else ""
    called = [call.function for call in (output.choices[0].message.tool_calls or ())] if output.choices else []
    error = event.error or output.error
    notes = [
        "pending" if event.pending else "",
        f"served by {context.served_by[id(event)]}" if id(event) in context.served_by else "",
        f"asked as {event.requested_model}" if event.requested_model else "",
        "from the cache" if event.cache == "read" else "",
        f"{event.retries} {'retry' if event.retries == 1 else 'retries'}" if event.retries else "",
        STOPS.get(stop, ""),
        "no answer" if not output.choices and not error and not event.pending else "",
        f"→ {', '.join(called)}" if called else "",
    ]
    return Shown(
        "model",
        role or "model",
        title_line(f"{name}: {error}" if error else name),
        tuple(note for note in notes if note),
        "bad" if error else "",
        usage_of(output.usage),
        6,
        body=lambda: _body(event, context),
    )


def _body(event: ModelEvent, context: SampleContext) -> Iterator[Draft]:
    new, gone = context.new_messages(event)
    before = len(event.input) - len(new)
    if before and id(event) in context.previous:
        brought = f"{before} {'message' if before == 1 else 'messages'} as before"
        yield Draft(brought + (f", {gone} of the call before left out" if gone else ""), "input", "dim")
    for message in new:
        yield from _input(message, context)
    yield from _asked(event, context)
    for number, choice in enumerate(event.output.choices):
        yield from _choice(choice, number, context)
    if event.error:
        yield Draft(event.error, "error", "bad", 12)
    if event.output.error and event.output.error != event.error:
        yield Draft(event.output.error, "error", "bad", 12)
    if event.traceback:
        yield Draft(event.traceback, "where", "dim", -6)
    yield from _spent(event, context)
    yield from extra_drafts(event, context)


def _input(message: ChatMessage, context: SampleContext) -> Iterator[Draft]:
    """A message that is new; what a tool gave stands at its own call and is named only."""
    resolve = context.resolve
    if isinstance(message, ChatMessageTool) and message.tool_call_id in context.tool_events:
        event = context.tool_events[message.tool_call_id]
        same = [draft.text for draft in content_drafts(message.content, resolve, "result", 0)] == [
            draft.text for draft in result_drafts(event.result, resolve)
        ]
        if same or event.error:
            yield Draft(f"result of {event.function}, as above", "input", "dim")
            return
        yield Draft(f"result of {event.function}, as the model was given it", "input", "dim")
    yield from message_drafts(message, resolve)


def result_drafts(result: Any, resolve: Any) -> list[Draft]:
    """What a tool gave back."""
    if isinstance(result, str):
        return list(content_drafts(result, resolve, "result", 8))
    if result is None or isinstance(result, (bool, int, float)):
        return [Draft(json_line(result, resolve), "result", "", 8)]
    items = cast("list[Any]", result) if isinstance(result, list) else [result]
    return list(content_drafts(items, resolve, "result", 8))


def _asked(event: ModelEvent, context: SampleContext) -> Iterator[Draft]:
    """Settings and tools, where they are others than at the call before."""
    before = context.previous.get(id(event))
    settings: dict[str, Any] = event.config.model_dump(exclude_none=True)
    if settings and (before is None or before.config != event.config):
        said = " · ".join(f"{name} {json_line(value, context.resolve)}" for name, value in settings.items())
        yield Draft(said, "settings", "dim", 2)
    names = [tool.name for tool in event.tools]
    if names and (before is None or [tool.name for tool in before.tools] != names):
        yield Draft(", ".join(names), "tools", "dim", 2)
    choice = event.tool_choice
    if isinstance(choice, ToolFunction):
        yield Draft(f"must call {choice.name}", "tools", "dim")
    elif choice == "any" or (choice == "none" and names):
        yield Draft("must call one" if choice == "any" else "may call none", "tools", "dim")


def _choice(choice: ChatCompletionChoice, number: int, context: SampleContext) -> Iterator[Draft]:
    if number:
        yield Draft(f"choice {number + 1}", "", "dim")
    message = choice.message
    drafts = list(message_drafts(message, context.resolve, calls=False))
    if not drafts and not message.tool_calls:
        drafts = [Draft("(nothing)", "model", "dim")]
    yield from drafts
    for call in message.tool_calls or ():
        if call.id not in context.tool_events or call.parse_error:
            yield from call_drafts(call, context.resolve)
    if choice.stop_reason in STOPS:
        yield Draft(choice.stop_reason, "stopped", "bad")
    if choice.stop_details:
        yield json_draft(choice.stop_details, context.resolve, "stopped", fold=4)


def _spent(event: ModelEvent, context: SampleContext) -> Iterator[Draft]:
    usage = event.output.usage
    if usage is not None:
        cached = [
            f"{usage.input_tokens_cache_read:,} read from cache" if usage.input_tokens_cache_read else "",
            f"{usage.input_tokens_cache_write:,} written to cache" if usage.input_tokens_cache_write else "",
            f"{usage.reasoning_tokens:,} reasoning" if usage.reasoning_tokens else "",
        ]
        if any(cached):
            whole = f"{usage.input_tokens:,} in full, {usage.output_tokens:,} out"
            yield Draft(", ".join([whole, *filter(None, cached)]), "tokens", "dim")
    if event.cache:
        yield Draft("read" if event.cache == "read" else "written", "cache", "dim")
    output = event.output
    if output.model and output.model not in (
        event.model,
        event.model.partition("/")[2],
        event.model.rsplit("/", 1)[-1],
    ):
        yield Draft(output.model, "answered", "dim")
    if output.fallback:
        yield json_draft(output.fallback, context.resolve, "fallback", fold=4)
    if output.metadata:
        yield json_draft(output.metadata, context.resolve, "metadata", fold=4, tone="dim")
