"""The index of logs that have been read, kept in the user's cache: reading a log again takes a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalog.disk import read_kept_bytes, write_kept
from .errors import LogError
from .log_index import LogIndex, columns_from_lists

if TYPE_CHECKING:
    from .client import Reader

ReadLog = Callable[[Path], LogIndex]

READ_TIMEOUT_S = 300.0  # a log of a hundred thousand samples takes a while
MAX_INDEXES = 500
_FOLDER = "index-1"  # counted up when what `LogIndex` means changes


@dataclass(frozen=True, slots=True)
class _Kept:
    """An index and the state of the file it was read from."""

    mtime_ns: int
    size: int
    index: LogIndex


def load_index(path: Path, read: ReadLog) -> LogIndex:
    """The index of a log: from the cache while the file is as it was, else read and kept.

    Args:
        path: The log.
        read: Reads it; what it raises is passed on.

    Raises:
        LogError: There is no such file.
    """
    mtime_ns, size = _state(path)
    kept = _read_kept(path)
    if kept is not None and (kept.mtime_ns, kept.size) == (mtime_ns, size):
        return kept.index
    index = read(path)
    if _state(path) == (mtime_ns, size):  # a log that is being written may have grown meanwhile
        _keep(path, mtime_ns, size, index)
    return index


def store_index(path: Path, index: LogIndex) -> None:
    """Keep the index of a log that nobody writes any more, so that nobody has to read it again.

    Raises:
        LogError: There is no such file.
    """
    mtime_ns, size = _state(path)
    _keep(path, mtime_ns, size, index)


def _keep(path: Path, mtime_ns: int, size: int, index: LogIndex) -> None:
    write_kept(_FOLDER, _key(path), _Kept(mtime_ns, size, index), max_files=MAX_INDEXES)


def _read_kept(path: Path) -> _Kept | None:
    """What was kept of a log; `None` where there is nothing that can be used.

    The columns are taken over as they are parsed, and looked at for their types alone: validating a hundred thousand
    samples value by value takes twice the memory and the time.
    """
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import from_json

    content = read_kept_bytes(_FOLDER, _key(path))
    if content is None:
        return None
    try:
        found: Any = from_json(content, cache_strings="keys")
        columns: dict[str, list[Any]] = found["index"].pop("samples")
        kept = TypeAdapter(_Kept).validate_python(found)
        samples = columns_from_lists(columns)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return replace(kept, index=replace(kept.index, samples=samples))


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise LogError(f"the log {path.name} is missing") from error
    return status.st_mtime_ns, status.st_size


def _key(path: Path) -> str:
    return sha256(str(path.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def reading_with(reader: Reader) -> ReadLog:
    """How to read logs with a reader process, which starts with the first of them."""
    from pydantic import TypeAdapter

    def read(path: Path) -> LogIndex:
        answer = reader.call("index_log", timeout_s=READ_TIMEOUT_S, path=str(path.absolute()))
        return TypeAdapter(LogIndex).validate_python(answer)

    return read
