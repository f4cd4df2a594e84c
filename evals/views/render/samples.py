"""Samples as CSV or as JSON lines, written one after the other: of a hundred thousand no more than a few are held.

JSON lines (an object to a line, ASCII, no NaN) hold every text exactly as it was. CSV (RFC 4180, but for its plain line
ends; a header line, objects as JSON, unknown empty) holds the same but for what would not survive: NUL characters,
which no reader of CSV takes, and text that a spreadsheet would take for a formula, which has an apostrophe before it.
"""

from __future__ import annotations

import gzip
import json
from codecs import getwriter
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Literal

from ....profiles.base.errors import UsageError
from ....profiles.base.files import writing_private
from ....profiles.base.secrets import sweep
from . import check_place, unwritable
from .csv import Writes, write_csv

__all__ = ["format_of", "write_csv", "write_json_lines", "written_to"]

RecordFormat = Literal["csv", "json"]

ENDINGS: Mapping[str, RecordFormat] = {".csv": "csv", ".jsonl": "json"}
PACKED = ".gz"


def format_of(path: Path) -> RecordFormat:
    """The format that a file's ending says.

    Raises:
        UsageError: It says none, or there can be no such file.
    """
    ending = Path(path.name.removesuffix(PACKED)).suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"{path} must end with {', '.join(ENDINGS)}, and {PACKED} to pack it", "name another file")
    if why := check_place(path):
        raise UsageError(why, "name another file")
    return ENDINGS[ending]


@contextmanager
def written_to(path: Path) -> Generator[Writes]:
    """A file to write records to, packed where its name ends so. It takes its place once all of them are written.

    Raises:
        ProctorError: It cannot be written.
    """
    try:
        with writing_private(path) as file, _packed(path, file) as out:
            yield _Swept(getwriter("utf-8")(out, "backslashreplace"))
    except OSError as error:
        raise unwritable(path, error) from error


class _Swept:
    """Writes what is whole of a record without secrets."""

    def __init__(self, out: Writes) -> None:
        self._out = out

    def write(self, text: str, /) -> object:
        return self._out.write(sweep(text))


def _packed(path: Path, file: BinaryIO) -> AbstractContextManager[BinaryIO | gzip.GzipFile]:
    if path.suffix != PACKED:
        return nullcontext(file)
    return gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0)


def write_json_lines(records: Iterable[Mapping[str, Any]], columns: Sequence[str], out: Writes) -> int:
    """Write an object for each record, its keys in the order of the columns.

    Returns:
        How many records there were.
    """
    count = 0
    for record in records:
        out.write(json.dumps({name: record.get(name) for name in columns}, allow_nan=False, default=str) + "\n")
        count += 1
    return count
