"""What can be read of a sample beside its transcript: store, metadata, usage, the sample as JSON, raw model calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from inspect_ai.event import ModelEvent, ToolEvent
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import ModelUsage

from ..logs.transcript import Entry
from .build import Row
from .drafts import Draft, json_draft, json_line, json_text, table_text, title_line
from .model import usage_of
from .registry import SampleContext

UNKNOWN = "?"


def _tree(values: Mapping[str, Any], context: SampleContext, kind: str, nothing: str) -> Iterator[Row]:
    """One entry a key, with its value below."""
    if not values:
        yield Row(Entry("info", "", nothing, lines=0), tuple)
    for name, value in values.items():
        yield _value_row(str(name), value, context, kind)


def _value_row(name: str, value: Any, context: SampleContext, kind: str = "state") -> Row:
    line = json_line(value, context.resolve)
    short = "\n" not in line and len(line) <= 60
    title = title_line(line) if short else _size(value)
    return Row(
        Entry(kind, title_line(name), title, lines=0 if short else 8),
        tuple if short else lambda: [json_draft(value, context.resolve, fold=40)],
    )


def _size(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{len(value)} keys"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, (list, tuple)):
        return f"{len(value)} items"  # pyright: ignore[reportUnknownArgumentType]
    return f"{len(value):,} characters" if isinstance(value, str) else ""


def store_rows(sample: EvalSample, header: EvalLog, context: SampleContext) -> list[Row]:
    """The store as it was at the end."""
    return list(_tree(sample.store, context, "state", "The store is empty."))


def metadata_rows(sample: EvalSample, header: EvalLog, context: SampleContext) -> list[Row]:
    """What is known of the sample and of its eval, apart from what happened."""
    spec = header.eval
    about: dict[str, Any] = {
        "id": sample.id,
        "epoch": sample.epoch,
        "uuid": sample.uuid,
        "description": sample.description,
        "input": sample.input,
        "choices": sample.choices,
        "target": sample.target,
        "files": sample.files,
        "setup": sample.setup,
        "sandbox": sample.sandbox,
        "started": sample.started_at,
        "completed": sample.completed_at,
        "fallbacks": sample.model_fallbacks,
        "invalidation": sample.invalidation,
    }
    of_eval: dict[str, Any] = {
        "task": spec.task,
        "model": spec.model,
        "created": spec.created,
        "task file": spec.task_file,
        "task arguments": spec.task_args,
        "settings": spec.model_generate_config.model_dump(exclude_none=True),
        "roles": spec.model_roles,
        "solver": spec.solver,
        "tags": header.tags,
        "metadata": spec.metadata,
        "packages": spec.packages,
        "revision": spec.revision,
    }
    rows: list[Row] = []
    for title, values in (("metadata", sample.metadata), ("sample", about), ("eval", of_eval)):
        known = {name: value for name, value in values.items() if value not in (None, [], {}, "")}
        if known:
            inside = [_value_row(str(name), value, context, "info") for name, value in known.items()]
            rows.extend(_lane(title, inside, len(rows)))
    return rows


def _lane(title: str, inside: list[Row], at: int) -> Iterator[Row]:
    yield Row(Entry("span", title, "", (f"{len(inside)}",), below=len(inside), lines=0), tuple)
    for row in inside:
        yield Row(replace(row.entry, parent=at, depth=1), row.drafts)


def usage_rows(sample: EvalSample, header: EvalLog, context: SampleContext) -> list[Row]:
    """Tokens, money and time by model and by role; limits against use."""
    calls = [event for event in sample.events if isinstance(event, ModelEvent)]
    by_role = dict(sample.role_usage)
    tables: list[tuple[str, str]] = []
    if sample.model_usage:
        tables.append(("by model", _usage_table("model", sample.model_usage)))
    if by_role:
        tables.append(("by role", _usage_table("role", by_role)))
    if calls:
        tables.append(("model calls", _calls_table(calls, context)))
    tools = [event for event in sample.events if isinstance(event, ToolEvent)]
    if tools:
        tables.append(("tool calls", _tools_table(tools)))
    tables.append(("limits", _limits_table(sample, header, calls)))
    tables.append(("time", _time_table(sample)))
    return [Row(Entry("info", title, lines=text.count("\n") + 1), _text_body(text)) for title, text in tables if text]


def _text_body(text: str) -> Callable[[], Iterable[Draft]]:
    return lambda: [Draft(text)]


def _usage_table(what: str, used: Mapping[str, ModelUsage]) -> str:
    heads = (what, "input", "cached", "output", "reasoning", "cost")
    return table_text(heads, ((name, *_usage_cells(usage)) for name, usage in used.items()))


def _usage_cells(used: ModelUsage) -> tuple[str, ...]:
    usage = usage_of(used)
    assert usage is not None
    cost = UNKNOWN if usage.cost_usd is None else f"${usage.cost_usd:.6g}"
    return (
        f"{usage.input_tokens:,}",
        f"{usage.cached_tokens:,}",
        f"{usage.output_tokens:,}",
        f"{usage.reasoning_tokens:,}",
        cost,
    )


def _calls_table(calls: list[ModelEvent], context: SampleContext) -> str:
    """Calls by role and model as the events tell them."""
    groups: dict[tuple[str, str], list[ModelEvent]] = {}
    for event in calls:
        groups.setdefault((event.role or context.roles.get(id(event)) or "", event.model), []).append(event)
    rows: list[tuple[str, ...]] = []
    for (role, model), events in groups.items():
        times = [time for event in events if (time := event.output.time or event.working_time) is not None]
        usages = [event.output.usage for event in events]
        cells = (UNKNOWN,) * 5
        if all(usage is not None for usage in usages):
            whole = sum((usage for usage in usages[1:] if usage), usages[0] or ModelUsage())
            known = all(usage is not None and usage.total_cost is not None for usage in usages)
            cells = _usage_cells(whole if known else whole.model_copy(update={"total_cost": None}))
        errors = sum(bool(event.error) for event in events)
        spent = f"{sum(times):.1f}s" if len(times) == len(events) else UNKNOWN
        rows.append((f"{role} {model}".strip(), f"{len(events)}", f"{errors}", spent, cells[0], cells[2], cells[4]))
    return table_text(("role and model", "calls", "errors", "time", "input", "output", "cost"), rows)


def _tools_table(tools: list[ToolEvent]) -> str:
    groups: dict[str, list[ToolEvent]] = {}
    for event in tools:
        groups.setdefault(event.function, []).append(event)
    rows: list[tuple[str, ...]] = []
    for name, events in groups.items():
        times = [event.working_time for event in events if event.working_time is not None]
        spent = f"{sum(times):.1f}s" if len(times) == len(events) else UNKNOWN
        errors = sum(bool(event.error or event.failed) for event in events)
        rows.append((name, f"{len(events)}", f"{errors}", spent))
    return table_text(("tool", "calls", "errors", "time"), rows)


def _limits_table(sample: EvalSample, header: EvalLog, calls: list[ModelEvent]) -> str:
    config = header.eval.config
    tokens = sum(usage.total_tokens for usage in sample.model_usage.values()) if sample.model_usage else None
    costs = [usage.total_cost for usage in sample.model_usage.values()]
    cost = sum(one for one in costs if one is not None) if costs and None not in costs else None
    tokens = sample.token_limit_usage if sample.token_limit_usage is not None else tokens
    rows = (
        ("tokens", tokens, sample.token_limit if sample.token_limit is not None else config.token_limit),
        ("messages", len(sample.messages) or None, sample.message_limit or config.message_limit),
        ("turns", sample.turn_count, config.turn_limit),
        ("time in s", sample.total_time, sample.time_limit or config.time_limit),
        ("working time in s", sample.working_time, config.working_limit),
        ("cost in USD", cost, config.cost_limit),
        ("model calls", len(calls) or None, None),
    )
    said = table_text(
        ("limit", "used", "allowed"),
        (
            (name, UNKNOWN if used is None else f"{used:,.6g}", "not set" if allowed is None else f"{allowed:,.6g}")
            for name, used, allowed in rows
        ),
    )
    return said + (f"\nstopped by the {sample.limit.type} limit of {sample.limit.limit:g}" if sample.limit else "")


def _time_table(sample: EvalSample) -> str:
    waited = None
    if sample.total_time is not None and sample.working_time is not None:
        waited = sample.total_time - sample.working_time
    rows = (("in all", sample.total_time), ("working", sample.working_time), ("waiting", waited))
    return table_text(("time", "s"), ((name, UNKNOWN if value is None else f"{value:.3f}") for name, value in rows))


def json_rows(sample: EvalSample, header: EvalLog, context: SampleContext) -> list[Row]:
    """The sample as the log has it, key by key, long lists item by item."""
    rows: list[Row] = []
    for name in type(sample).model_fields:
        value = getattr(sample, name)
        if value is None or name in ("events_data", "timelines"):
            continue
        items = cast("list[Any]", value) if isinstance(value, list) else []
        if len(items) > 1:
            inside = [_json_row(f"{name}[{at}]", one, context) for at, one in enumerate(items)]
            rows.extend(_lane(name, inside, len(rows)))
        else:
            rows.append(_json_row(name, value, context))
    return rows


def _json_row(name: str, value: Any, context: SampleContext) -> Row:
    kind = getattr(value, "event", None) or getattr(value, "role", None) or ""
    return Row(
        Entry("info", title_line(name), title_line(str(kind)), lines=8),
        lambda: [Draft(json_text(value, context.resolve), fold=40, language="json")],
    )


def call_rows(sample: EvalSample, header: EvalLog, context: SampleContext) -> list[Row]:
    """Every request to a model's API and what came, where the log has kept them."""
    rows: list[Row] = []
    for event in sample.events:
        if not isinstance(event, ModelEvent):
            continue
        call = event.call
        title = event.model.partition("/")[2] or event.model
        kept = call is not None
        rows.append(
            Row(
                Entry(
                    "model",
                    event.role or context.roles.get(id(event)) or "model",
                    title_line(title),
                    () if kept else ("not in the log",),
                    "bad" if event.error else "",
                    usage=usage_of(event.output.usage),
                    turn=len(rows) + 1,
                    duration_s=call.time if call else None,
                    lines=16 if kept else 0,
                    event=event.uuid or "",
                ),
                _call_body(event, context),
            )
        )
    return rows or [Row(Entry("info", "", "No model was called.", lines=0), tuple)]


def _call_body(event: ModelEvent, context: SampleContext) -> Callable[[], Iterable[Draft]]:
    def body() -> Iterator[Draft]:
        call = event.call
        if call is not None:
            yield json_draft(call.request, context.resolve, "sent", fold=30)
            if call.response is not None:
                yield json_draft(call.response, context.resolve, "came", fold=30)
        for one in event.request_ids or ():
            yield Draft(json.dumps(one.model_dump(exclude_none=True), default=str), "request", "dim", 2)

    return body


TabRows = Callable[[EvalSample, EvalLog, SampleContext], list[Row]]
TAB_ROWS: Mapping[str, TabRows] = {
    "store": store_rows,
    "metadata": metadata_rows,
    "usage": usage_rows,
    "json": json_rows,
    "calls": call_rows,
}
