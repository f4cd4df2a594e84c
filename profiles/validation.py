"""What is wrong with a profile, in words: where it stands, which key of which table, what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from difflib import get_close_matches
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .base.errors import ProfileError
from .schema_lookup import key_name, table_name, type_at, unknown_key
from .toml_text import Path, nearest_line

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "dict_type": "a table",
    "model_type": "a table",
    "string_too_short": "more than nothing",
}
_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        path: The key or table that it is about.
        says: A sentence without a full stop.
    """

    path: Path
    says: str


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the values of a profile come from.

    Args:
        label: The file, as a person would write it.
        lines: The line of each path in it.
        overrides: The `--set` that gave a path its value.
    """

    label: str
    lines: Mapping[Path, int] = field(default_factory=dict[Path, int])
    overrides: Mapping[Path, str] = field(default_factory=dict[Path, str])

    def tell(self, problem: Problem) -> str:
        """The problem in one line that begins with where it is."""
        ends = range(len(problem.path), 0, -1)
        override = next((self.overrides[problem.path[:n]] for n in ends if problem.path[:n] in self.overrides), None)
        if override is not None:
            return f"--set {override}: {problem.says}"
        line = nearest_line(self.lines, problem.path)
        return f"{self.label}{'' if line is None else f':{line}'}: {problem.says}"

    def error(self, problems: Iterable[Problem]) -> ProfileError:
        """One error for all problems, in the order of their lines; those of overrides and of the whole file first."""
        ordered = sorted(problems, key=lambda p: nearest_line(self.lines, p.path) or 0)
        details = tuple(self.tell(problem) for problem in ordered)
        return ProfileError(details[0], details=details)


def shown(value: object) -> str:
    """A TOML value in words, short enough for one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return cut(json.dumps(value, ensure_ascii=False))
        case int() | float():
            return cut(str(value))
        case date() | time():
            return f"the date or time {value}"
        case list():
            return "a list"
        case _:
            return "a table"


def cut(text: str) -> str:
    """The text, with an ellipsis for what is too long for a message."""
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"


def of_validation(error: ValidationError) -> tuple[Problem, ...]:
    """The findings of pydantic as problems."""
    return tuple(_of_finding(finding) for finding in error.errors(include_url=False))


def _of_finding(finding: ErrorDetails) -> Problem:
    path: Path = finding["loc"]
    context = finding.get("ctx", {})
    value: object = finding["input"]
    match finding["type"]:
        case "extra_forbidden":
            return Problem(path, unknown_key(path))
        case "missing":
            return Problem(path[:-1], f"{table_name(path[:-1])} has no {path[-1]}")
        case "list_type" if len(path) == 1:
            return Problem(path, f"{path[0]} is {shown(value)}, but must be tables, each begun with [[{path[0]}]]")
        case "model_type" if len(path) == 1 and isinstance(value, list):
            return Problem(path, f"{path[0]} is a list, but must be one table, [{path[0]}]")
        case "proctor" if context["key"] or "{table}" in context["says"]:
            at: Path = (*path, context["key"]) if context["key"] else path
            return Problem(at, context["says"].replace("{table}", table_name(path)))
        case "proctor":
            expected = context["says"]
        case "list_type":
            expected = "a list of texts"
        case "literal_error":
            expected = _one_of([str(choice) for choice in get_args(type_at(path))], value)
        case "greater_than_equal":
            expected = f"at least {context['ge']}"
        case "less_than_equal":
            expected = f"at most {context['le']}"
        case "greater_than":
            expected = f"more than {context['gt']}"
        case kind:
            expected = _EXPECTED.get(kind) or finding["msg"]
    return Problem(path, f"{key_name(path)} is {shown(value)}, but must be {expected}")


def _one_of(choices: list[str], value: object) -> str:
    *others, last = [f'"{choice}"' for choice in choices]
    nearest = get_close_matches(str(value).lower(), choices, 1)
    return f"{', '.join(others)} or {last}" + (f': did you mean "{nearest[0]}"?' if nearest else "")
