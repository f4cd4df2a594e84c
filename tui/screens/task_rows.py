"""What the Tasks place shows of tasks, as rows and words. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from textual.content import Content

from ..clean import clean, clean_line
from ..figures import UNKNOWN
from ..typed_text import UNSET, write_value
from ..widgets.form import Field
from ..widgets.line_table import Cell, Column, Row

if TYPE_CHECKING:
    from ...evals.engine.plan import TaskFacts
    from ...evals.tasks.listing import ParameterInfo, TaskInfo

TASK_COLUMNS = (
    Column("picked", "", 1),
    Column("name", "task", 34),
    Column("origin", "from", 9, drop=2),
    Column("samples", "samples", 7, "right", drop=1),
    Column("description", "description", 0),
)
WHOLE = ""  # the key of the field for all arguments at once
_ORIGINS = {"shipped": "shipped", "file": "file", "installed": "package"}


def task_row(info: TaskInfo, picked: int, facts: TaskFacts | None) -> Row:
    """One task.

    Args:
        info: The task.
        picked: How many entries of the draft mean it.
        facts: What it turned out to be with the draft's arguments.
    """
    error = info.error or (facts.error if facts is not None and picked else None)
    mark = Cell("✗", "bad") if error else Cell("✓", "good") if picked else Cell("")
    told = Cell(error, "bad") if error else Cell(info.description)
    samples = samples_of(info, facts)
    return Row(
        info.reference,
        (
            mark,
            Cell(info.name, "bad" if info.error else ""),
            Cell(_ORIGINS[info.origin], "dim"),
            Cell("" if info.error else UNKNOWN if samples is None else f"{samples:,}"),
            told,
        ),
    )


def samples_of(info: TaskInfo, facts: TaskFacts | None) -> int | None:
    """The number of samples, as the built task has them, or else as its package says."""
    return facts.samples if facts is not None and facts.samples is not None else info.samples


def matches(info: TaskInfo, text: str) -> bool:
    """Whether a task is let through by a filter: every word is in its name, origin or description, no `!word` is."""
    there = f"{info.name} {_ORIGINS[info.origin]} {info.description}".casefold()
    for word in text.casefold().split():
        wanted = word.removeprefix("!")
        if wanted and (wanted in there) == word.startswith("!"):
            return False
    return True


def details(info: TaskInfo, entries: Sequence[int], facts: TaskFacts | None) -> Content:
    """A task in full: name, what it is, what picking did, and what is wrong with it."""
    picked = "picked" if len(entries) == 1 else f"picked {len(entries)} times: the first is shown" if entries else ""
    samples = samples_of(info, facts)
    counted = "" if samples is None else f"{samples:,} samples"
    graded = "graded by a model" if facts is not None and facts.model_graded else ""
    sandbox = f"sandbox: {facts.sandbox}" if facts is not None and facts.sandbox else ""
    head = " · ".join(part for part in (info.name, picked, counted, graded, sandbox) if part)
    lines = [Content.styled(clean_line(head), "bold")]
    if info.description:
        lines.append(Content(clean(info.description)))
    error = info.error or (facts.error if facts is not None and entries else None)
    if error:
        lines.append(Content.styled(f"✗ {clean(error)}", "$text-error"))
    if info.error is None and info.parameters == ():
        lines.append(Content.styled("It has no parameters.", "$foreground-muted"))
    return Content("\n").join(lines)


def parameter_fields(info: TaskInfo, args: Mapping[str, object], practice: bool) -> list[Field]:
    """The fields of a task's parameters; one for all arguments where the parameters are not known.

    Args:
        info: The task.
        args: The draft's arguments for it.
        practice: Whether the models are simulated, for which a task may ask for other arguments.
    """
    if info.error is not None:
        return []
    if info.parameters is None:
        doc = "its parameters are known only after loading it: give all arguments as one table"
        value = dict(args) if args else UNSET
        return [Field(WHOLE, "args: table", value, write_value(value), '{n = 3, level = "hard"}', doc)]
    asked = info.attribs.get("practice") if practice else None
    known: Mapping[str, object] = cast("Mapping[str, object]", asked) if isinstance(asked, Mapping) else {}
    fields = [_parameter_field(parameter, args, known) for parameter in info.parameters]
    names = {parameter.name for parameter in info.parameters}
    strangers = [name for name in args if name not in names]
    fields += [
        Field(name, f"{name}: ?", args[name], write_value(args[name]), "", "the task has no such parameter: empty it")
        for name in strangers
    ]
    return fields


def _parameter_field(parameter: ParameterInfo, args: Mapping[str, object], practice: Mapping[str, object]) -> Field:
    value = args.get(parameter.name, UNSET)
    if parameter.name in practice:
        hint = f"{_shown(practice[parameter.name])} in practice"
    elif parameter.required:
        hint = "needed"
    else:
        hint = "unset" if parameter.default is None else _shown(parameter.default)
    title = f"{parameter.name}: {parameter.type}" if parameter.type else parameter.name
    doc = parameter.doc or "no description"
    return Field(parameter.name, title, value, write_value(value, parameter.type), hint, doc)


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)
