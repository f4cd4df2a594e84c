"""CSV (RFC 4180, but for its plain line ends): a header line, a line for each row; unknown is empty.

Objects and lists are JSON. A text that a spreadsheet would take for a formula (it begins with = + - @ or a control
character) is preceded by an apostrophe; numbers are not touched, nor is text that is one. A text with a line break of
any kind is quoted, that with a lone carriage return too.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..report import Report

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Writes(Protocol):
    """Something that text can be written to."""

    def write(self, text: str, /) -> object:
        """Write it."""
        ...


def render(report: Report) -> str:
    """A report as CSV."""
    out = io.StringIO()
    write_csv(report.lines(), report.keys, out)
    return out.getvalue()


def write_csv(records: Iterable[Mapping[str, Any]], columns: Sequence[str], out: Writes) -> int:
    """Write a header and a line for each record; a column that a record lacks is empty.

    Returns:
        How many records there were.
    """
    # Python quotes a lone carriage return only where it is part of the line's end.
    writer = csv.writer(_PlainEnds(out), lineterminator="\r\n")
    writer.writerow(columns)
    count = 0
    for record in records:
        writer.writerow([_cell(record.get(name)) for name in columns])
        count += 1
    return count


class _PlainEnds:
    """Ends lines with a newline alone."""

    def __init__(self, out: Writes) -> None:
        self._out = out

    def write(self, line: str, /) -> object:
        return self._out.write(line.removesuffix("\r\n") + "\n")


def _cell(value: object) -> object:
    """A value as CSV holds it: no formula, objects as JSON, no NUL, which no reader takes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=str) if value else ""
    if isinstance(value, str):
        text = value.replace("\0", "\N{SYMBOL FOR NULL}")
        return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
    return value
