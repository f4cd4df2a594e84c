"""Markdown, as GitHub renders it: a heading and a table for every section. Text from elsewhere is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..report import PRACTICE, Report, Section

# What Markdown or HTML would obey; an underscore inside a word is none of it.
_SPECIAL = re.compile(r"[\\`*{}\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")


def render(report: Report) -> str:
    """A report as Markdown."""
    parts = [f"# {escape(report.title)}", *([PRACTICE] if report.practice else [])]
    for section in (*report.sections, *report.details):
        parts += [f"## {escape(section.title)}", escape(section.about), _table(section)]
        parts += _says(section.summary, section.warnings)
    parts += _says(report.summary, report.warnings)
    return "\n\n".join(filter(None, parts)) + "\n"


def escape(text: str) -> str:
    """Foreign text as plain words on one line: nothing in it is Markdown, HTML or the border of a cell."""
    return _SPECIAL.sub(lambda match: "\\" + match.group(), " ".join(text.split()))


def _says(summary: str, warnings: Sequence[str]) -> list[str]:
    return [escape(summary), "\n".join(f"- {escape(warning)}" for warning in warnings)]


def _table(section: Section[Any]) -> str:
    told = [column for column in section.columns if column.picture is None]
    columns = [column for column in told if any(column.full_words(row) for row in section.rows)]
    lines = [[escape(column.title or column.key) for column in columns]]
    lines.append(["---:" if column.align == "right" else "---" for column in columns])
    lines += [[escape(column.full_words(row)) for column in columns] for row in section.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
