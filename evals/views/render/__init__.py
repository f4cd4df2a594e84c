"""Reports in formats for others to read: one module for each."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from ....profiles.base.errors import ProctorError, UsageError
from ....profiles.base.files import write_private
from ....profiles.base.secrets import sweep
from ..report import Report

PAGE = ".html"
FORMATS = {".md": "Markdown", ".csv": "CSV", ".json": "JSON", PAGE: "HTML"}  # each is a module here


def render(report: Report, ending: str) -> str:
    """A report in one of the `FORMATS`."""
    return import_module(f".{FORMATS[ending].lower()}", __name__).render(report)


def write_report(report: Report, path: Path) -> None:
    """Write a report to a file, in the format that its ending says. A file that is there is replaced.

    Raises:
        UsageError: The path cannot be one.
        ProctorError: The file cannot be written.
    """
    if why := check_export(path):
        raise UsageError(why)
    write_text(path, render(report, path.suffix.lower()))


def check_export(path: Path) -> str:
    """Why no report can be written to a path of that name; "" where one can."""
    if path.suffix.lower() not in FORMATS:
        return f"{path.suffix or 'no ending'}: it must end with {', '.join(FORMATS)}"
    return check_place(path)


def write_text(path: Path, text: str) -> None:
    """Write a text to a file, readable by its owner alone, in one step. A file that is there is replaced.

    Raises:
        UsageError: The path cannot be one.
        ProctorError: The file cannot be written.
    """
    if why := check_place(path):
        raise UsageError(why)
    try:
        write_private(path, sweep(text).encode("utf-8", "backslashreplace"))
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
