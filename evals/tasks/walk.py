"""Finding files that may hold tasks, in bounded time."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

MAX_DEPTH = 6
MAX_FOLDERS = 2_000
MAX_FILES = 2_000
MAX_TIME_S = 5.0
MAX_FILE_BYTES = 1_000_000

_ENDINGS = (".py", ".ipynb")
_LEFT_OUT = frozenset({"env", "venv", "tests", "node_modules", "site-packages", "build", "dist"})
_MARKER = b"@task"


def task_files(folder: Path, clock: Callable[[], float], notes: list[str], without: Path | None = None) -> list[Path]:
    """The Python files and notebooks beneath a folder that mention `@task`, sorted.

    Hidden and private folders, virtual environments and folders of tests and installed packages are left out, as
    Inspect leaves them out; links to folders are not followed.

    Args:
        folder: Where to look.
        clock: Seconds, for the bound on time.
        notes: Gets a line when a bound was met and something may be missing.
        without: A folder to leave out.
    """
    until = clock() + MAX_TIME_S
    found: list[Path] = []
    for folders, (path, folder_names, file_names) in enumerate(os.walk(folder)):
        here = Path(path)
        depth = len(here.relative_to(folder).parts)
        folder_names[:] = sorted(
            name for name in folder_names if depth < MAX_DEPTH and _may_enter(here / name, without)
        )
        for name in sorted(file_names):
            if len(found) == MAX_FILES or clock() > until or folders == MAX_FOLDERS:
                notes.append(f"{folder} holds too much to look at all of it: name a folder or file of it")
                return sorted(found)
            if name.endswith(_ENDINGS) and not name.startswith(("_", ".")) and _mentions_tasks(here / name):
                found.append(here / name)
    return sorted(found)


def _may_enter(folder: Path, without: Path | None) -> bool:
    name = folder.name
    if name.startswith(("_", ".")) or name in _LEFT_OUT or (folder / "pyvenv.cfg").exists():
        return False
    return without is None or folder.resolve() != without


def _mentions_tasks(path: Path) -> bool:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return False
        return status.st_size > MAX_FILE_BYTES or _MARKER in path.read_bytes()
    except OSError:
        return False


def unreadable(path: Path) -> str | None:
    """Why a file cannot be looked into for tasks, in one line; `None` where it can."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return "it is not a regular file"
        if status.st_size > MAX_FILE_BYTES:
            return f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB"
        with open(path, "rb"):
            return None
    except OSError as error:
        return error.strerror or str(error)
