"""Changes of the sample's state and store, as diffs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from inspect_ai.event import StateEvent, StoreEvent

from .drafts import Draft, Resolve, json_line, title_line
from .registry import SampleContext, Shown, extra_drafts, renders

VALUE_CHARS = 20_000  # of one value in a diff


@renders(StateEvent, StoreEvent)
def show_changes(event: StateEvent | StoreEvent, context: SampleContext) -> Shown:
    """What has changed."""
    changes = event.changes
    paths = [change.path for change in changes]
    title = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    if len(changes) == 1 and changes[0].op in ("add", "replace"):
        title = f"{title} = {json_line(changes[0].value, context.resolve)}"
    return Shown(
        "state",
        event.event,
        title_line(title),
        (f"{len(changes)} changes",) if len(changes) != 1 else (),
        lines=1 + min(len(changes), 6),
        body=lambda: [*change_drafts(changes, context.resolve), *extra_drafts(event, context)],
    )


def change_drafts(changes: Sequence[Any], resolve: Resolve) -> Iterator[Draft]:
    """JSON Patch operations as the lines of a diff."""
    lines: list[str] = []
    for change in changes:
        value = json_line(change.value, resolve)[:VALUE_CHARS].replace("\n", "\n+ ")
        replaced = json_line(change.replaced, resolve)[:VALUE_CHARS].replace("\n", "\n- ")
        if change.op == "remove":
            lines.append(f"-{change.path}" + (f": {replaced}" if change.replaced is not None else ""))
        elif change.op == "replace":
            if change.replaced is not None:
                lines.append(f"-{change.path}: {replaced}")
            lines.append(f"+{change.path}: {value}")
        elif change.op == "add":
            lines.append(f"+{change.path}: {value}")
        else:
            lines.append(
                f" {change.op} {change.path} from {change.from_}"
                if change.from_
                else f" {change.op} {change.path}: {value}"
            )
    yield Draft("\n".join(lines), "", "", 6, "diff")
