"""Events as a tree of lanes: spans, steps, tool calls and subtasks hold what happened in them, whatever is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast, get_args

from inspect_ai.event import (
    Event,
    InfoEvent,
    ModelEvent,
    SandboxEvent,
    SpanBeginEvent,
    SpanEndEvent,
    StateEvent,
    StepEvent,
    StoreEvent,
    SubtaskEvent,
    ToolEvent,
)

from .registry import SampleContext, is_served_by

WRAPPERS = frozenset({"init", "solvers"})  # spans of Inspect's own that say nothing
_QUIET = (SandboxEvent, StateEvent, StoreEvent)  # a tool's lane with nothing else is folded at first


@dataclass(slots=True, eq=False)
class Lane:
    """One event, what happened in it, and its end where that is known."""

    event: Any  # an event, or `Made` for what no event tells
    inside: list[Lane] = field(default_factory=list["Lane"])
    ended: datetime | None = None
    is_open: bool = False  # it has begun and its end is not in the log
    closed: bool = False


def build_lanes(events: Iterable[Any], context: SampleContext) -> list[Lane]:
    """The lanes of a list of events, in the order in which they began.

    An event stands in the span it names; where no event names one, where it stands between begin and end. Spans that
    are their own ancestors, and events of spans that never began, stand at the top.
    """
    told = list(events)
    by_place = not any(
        getattr(event, "span_id", None) for event in told if not isinstance(event, (SpanBeginEvent, SpanEndEvent))
    )
    top = _by_place(told) if by_place else _by_span(told)
    _note_served(told, context)
    return _tidy(top, context)


def _by_place(events: Sequence[Any]) -> list[Lane]:
    """Lanes of events that name no span: each begin opens one, its end closes it and all that it holds."""
    top = Lane(None)
    opened = [top]
    for event in events:
        if isinstance(event, SpanEndEvent) or (isinstance(event, StepEvent) and event.action == "end"):
            _close(opened, event)
        else:
            lane = _lane(event)
            opened[-1].inside.append(lane)
            if isinstance(event, (SpanBeginEvent, StepEvent)):
                lane.is_open = True
                opened.append(lane)
    return top.inside


def _close(opened: list[Lane], end: SpanEndEvent | StepEvent) -> None:
    at = next((at for at in range(len(opened) - 1, 0, -1) if _ends(end, opened[at].event)), None)
    if at is not None:
        opened[at].ended, opened[at].is_open = end.timestamp, False
        del opened[at:]


def _ends(end: SpanEndEvent | StepEvent, begun: Any) -> bool:
    if isinstance(end, SpanEndEvent):
        return isinstance(begun, SpanBeginEvent) and begun.id == end.id
    return isinstance(begun, StepEvent) and begun.name == end.name


def _by_span(events: Sequence[Any]) -> list[Lane]:
    spans: dict[str, Lane] = {}
    for event in events:
        if isinstance(event, SpanBeginEvent) and event.id not in spans:
            spans[event.id] = Lane(event, is_open=True)
    top: list[Lane] = []
    steps: dict[str | None, list[Lane]] = defaultdict(list)
    placed: set[str] = set()
    for event in events:
        if isinstance(event, SpanEndEvent):
            if event.id in spans:
                spans[event.id].ended, spans[event.id].is_open = event.timestamp, False
            continue
        if isinstance(event, SpanBeginEvent):
            lane = Lane(event, is_open=True) if event.id in placed else spans[event.id]
            placed.add(event.id)
            _room(event.parent_id, spans, top, event.id).append(lane)
            continue
        span = cast("str | None", getattr(event, "span_id", None))
        if isinstance(event, StepEvent) and event.action == "end":
            if steps[span]:
                lane = steps[span].pop()
                lane.ended, lane.is_open = event.timestamp, False
            continue
        lane = _lane(event)
        (steps[span][-1].inside if steps[span] else _room(span, spans, top)).append(lane)
        if isinstance(event, StepEvent):
            lane.is_open = True
            steps[span].append(lane)
    return top


def _room(span: str | None, spans: Mapping[str, Lane], top: list[Lane], own: str | None = None) -> list[Lane]:
    """Where what names a span goes: into it, or to the top where there is none or it would hold itself."""
    if span is None or span not in spans:
        return top
    if own is not None:
        at: str | None = span
        seen: set[str] = set()
        while at is not None and at in spans and at not in seen:
            if at == own:
                return top
            seen.add(at)
            at = spans[at].event.parent_id
    return spans[span].inside


def _lane(event: Any) -> Lane:
    """The lane of one event; older logs keep what a tool or subtask did in the event itself."""
    lane = Lane(event)
    if isinstance(event, (ToolEvent, SubtaskEvent)) and event.events:
        lane.inside = _by_place([_validated(one) for one in event.events])
    return lane


def _validated(raw: Any) -> Any:
    if not isinstance(raw, Mapping):
        return raw
    values = cast("Mapping[str, Any]", raw)
    kind = event_classes().get(str(values.get("event")))
    if kind is None:
        return dict(values)
    try:
        return kind.model_validate(values)
    except ValueError:
        return dict(values)


def event_classes() -> dict[str, Any]:
    """Inspect's classes of events by the name that a log gives them."""
    return {kind.model_fields["event"].default: kind for kind in get_args(Event)}


def _note_served(events: Sequence[Any], context: SampleContext) -> None:
    """Note who served each call, and which calls scorers made. It stands after its call, in the same span."""
    calls: dict[str | None, ModelEvent] = {}
    for event in events:
        if isinstance(event, ModelEvent):
            calls[event.span_id] = event
        elif isinstance(event, ToolEvent):
            context.tool_events[event.id] = event
        elif (served := is_served_by(event)) is not None and event.span_id in calls:
            context.served_by[id(calls[event.span_id])] = served


def _tidy(lanes: list[Lane], context: SampleContext) -> list[Lane]:
    """Take away what says nothing, and let tool calls hold what happened in them. No recursion: spans may be deep."""
    top = Lane(None, lanes)
    waiting = [top]
    while waiting:
        lane = waiting.pop()
        lane.inside = _merged(_unwrapped(lane.inside, context), context)
        waiting.extend(lane.inside)
    return top.inside


def _unwrapped(lanes: list[Lane], context: SampleContext) -> list[Lane]:
    kept: list[Lane] = []
    for lane in lanes:
        event = lane.event
        if isinstance(event, SpanBeginEvent) and event.type in WRAPPERS and event.name == event.type:
            kept.extend(lane.inside)
        elif not (isinstance(event, InfoEvent) and event.source == "proctor" and is_served_by(event)):
            kept.append(lane)
    return kept


def _merged(lanes: list[Lane], context: SampleContext) -> list[Lane]:
    """Tool spans as the lanes of their tool's events, which follow them in their order."""
    spans: dict[str, list[Lane]] = defaultdict(list)
    held: dict[int, Lane] = {}  # by `id` of a span's lane: the event that takes its place
    for lane in lanes:
        event = lane.event
        if isinstance(event, SpanBeginEvent) and event.type == "tool":
            spans[event.name].append(lane)
        elif isinstance(event, ToolEvent) and spans[event.function]:
            span = spans[event.function].pop(0)
            held[id(span)] = lane
            lane.inside = [*span.inside, *lane.inside]
            lane.closed = all(isinstance(one.event, _QUIET) for one in lane.inside)
            codes = [one.event.result for one in lane.inside if isinstance(one.event, SandboxEvent)]
            if codes and codes[-1] is not None:
                context.exit_codes[id(event)] = codes[-1]
    merged = {id(lane) for lane in held.values()}
    return [held.get(id(lane), lane) for lane in lanes if id(lane) not in merged]


def walk(lanes: Iterable[Lane]) -> Iterator[tuple[Lane, int]]:
    """All lanes with their depth, each before what it holds."""
    waiting = [(lane, 0) for lane in reversed(list(lanes))]
    while waiting:
        lane, depth = waiting.pop()
        yield lane, depth
        waiting.extend((one, depth + 1) for one in reversed(lane.inside))
