"""The scoreboard in formats for others to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ....profiles.atomic import write_private
from ....profiles.errors import ProctorError, UsageError

if TYPE_CHECKING:
    from ..scoreboard import Scoreboard

FORMATS = {".md": "Markdown", ".csv": "CSV", ".json": "JSON"}


def check_export(path: Path) -> str:
    """Why a scoreboard cannot be written to a path of that name; "" where it can."""
    if path.suffix.lower() not in FORMATS:
        return f"{path.suffix or 'no ending'}: it must end with {', '.join(FORMATS)}"
    if path.is_dir():
        return f"{path} is a folder"
    return "" if path.parent.is_dir() else f"there is no folder {path.parent}"


def write_scoreboard(scoreboard: Scoreboard, path: Path) -> None:
    """Write a scoreboard to a file, in the format that its ending says. A file that is there is replaced.

    Raises:
        UsageError: The path cannot be one.
        ProctorError: The file cannot be written.
    """
    if why := check_export(path):
        raise UsageError(why)
    try:
        write_private(path, _format(scoreboard, path.suffix.lower()).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ProctorError(f"{path} cannot be written: {error.strerror or error}", "choose another folder") from error


def _format(scoreboard: Scoreboard, ending: str) -> str:
    if ending == ".md":
        from .markdown import to_markdown

        return to_markdown(scoreboard)
    if ending == ".csv":
        from .csv import to_csv

        return to_csv(scoreboard)
    from .json import to_json

    return to_json(scoreboard)
