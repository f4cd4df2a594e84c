"""Scoreboards and comparisons in formats for others to read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ....profiles.base.errors import ProctorError, UsageError
from ....profiles.base.files import write_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...results.compare import RunComparison
    from ...results.report import RunFacts
    from ...results.scoreboard import Scoreboard

PAGE = ".html"
FORMATS = {".md": "Markdown", ".csv": "CSV", ".json": "JSON", PAGE: "HTML"}


def check_export(path: Path) -> str:
    """Why nothing can be exported to a path of that name; "" where it can."""
    if path.suffix.lower() not in FORMATS:
        return f"{path.suffix or 'no ending'}: it must end with {', '.join(FORMATS)}"
    return check_place(path)


def write_scoreboard(scoreboard: Scoreboard, path: Path, facts: RunFacts | None = None) -> None:
    """Write a scoreboard to a file, in the format that its ending says. A file that is there is replaced.

    Args:
        scoreboard: The scoreboard.
        path: The file.
        facts: What a page tells of the run besides, where that is known.

    Raises:
        UsageError: The path cannot be one.
        ProctorError: The file cannot be written.
    """
    if why := check_export(path):
        raise UsageError(why)
    write_text(path, _format(scoreboard, path.suffix.lower(), facts))


def write_comparison(comparison: RunComparison, path: Path, about: Sequence[tuple[str, str]] = ()) -> None:
    """Write a comparison to a file, in the format that its ending says. A file that is there is replaced.

    Args:
        comparison: The comparison.
        path: The file.
        about: What a page tells of both sides besides, where that is known.

    Raises:
        UsageError: The path cannot be one.
        ProctorError: The file cannot be written.
    """
    if why := check_export(path):
        raise UsageError(why)
    write_text(path, comparison_text(comparison, path.suffix.lower(), about))


def write_text(path: Path, text: str) -> None:
    """Write a text to a file, readable by its owner alone, in one step. A file that is there is replaced.

    Raises:
        UsageError: The path cannot be one.
        ProctorError: The file cannot be written.
    """
    if why := check_place(path):
        raise UsageError(why)
    try:
        write_private(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> ProctorError:
    """What there is to say of a file that cannot be written."""
    return ProctorError(f"{path} cannot be written: {error.strerror or error}", "choose another folder")


def check_place(path: Path) -> str:
    """Why no file can be written to a path; "" where one can."""
    if os.path.isdir(path):  # unlike a Path's own, it takes any name
        return f"{path} is a folder"
    return "" if os.path.isdir(path.parent) else f"there is no folder {path.parent}"


def comparison_text(comparison: RunComparison, ending: str, about: Sequence[tuple[str, str]] = ()) -> str:
    """A comparison in one of the `FORMATS`.

    Args:
        comparison: The comparison.
        ending: Which one.
        about: What a page tells of both sides besides.
    """
    if ending == PAGE:
        from .comparison_html import to_html

        return to_html(comparison, about)
    from . import comparison as compared

    return {".md": compared.to_markdown, ".csv": compared.to_csv, ".json": compared.to_json}[ending](comparison)


def _format(scoreboard: Scoreboard, ending: str, facts: RunFacts | None) -> str:
    if ending == ".md":
        from .markdown import to_markdown

        return to_markdown(scoreboard)
    if ending == ".csv":
        from .csv import to_csv

        return to_csv(scoreboard)
    if ending == PAGE:
        from ...results.report import RunFacts
        from .html import to_html

        return to_html(scoreboard, facts or RunFacts())
    from .json import to_json

    return to_json(scoreboard)
