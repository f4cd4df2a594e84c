"""What was done in a sandbox: commands, files read and written."""

from __future__ import annotations

from collections.abc import Iterator

from inspect_ai.event import SandboxEvent

from .drafts import Draft, json_draft, text_draft, title_line
from .registry import SampleContext, Shown, extra_drafts, renders

_LABELS = {"exec": "exec", "read_file": "read", "write_file": "write"}


@renders(SandboxEvent)
def show_sandbox(event: SandboxEvent, context: SampleContext) -> Shown:
    """One action in a sandbox."""
    what = context.resolve((event.cmd if event.action == "exec" else event.file) or "")
    failed = event.action == "exec" and bool(event.result)
    notes = ("pending",) if event.pending else (f"exit {event.result}",) if event.result is not None else ()
    return Shown(
        "sandbox",
        _LABELS.get(event.action, event.action),
        title_line(what),
        notes,
        "bad" if failed else "",
        body=lambda: _body(event, context),
    )


def _body(event: SandboxEvent, context: SampleContext) -> Iterator[Draft]:
    command = context.resolve(event.cmd or "")
    if "\n" in command or len(command) > 40:
        yield Draft(command, "code", "", 16, "bash")
    if event.file and event.action == "exec":
        yield Draft(event.file, "file", "dim")
    if event.options:
        yield json_draft(event.options, context.resolve, "options", fold=2, tone="dim")
    if event.input:
        yield text_draft(context.resolve(event.input), "input", fold=6)
    if event.output:
        yield text_draft(context.resolve(event.output), "output", fold=6)
    yield from extra_drafts(event, context)
