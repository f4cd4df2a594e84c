"""What the tasks of a profile refer to: names stay as they are, files are found from the profile that names them."""

from __future__ import annotations

import os
from pathlib import Path

from .schema import TaskEntry

_FILE_ENDINGS = (".py", ".ipynb")
_PATH_BEGINNINGS = ("/", "./", "../", "~/")
_NAME_BEGINNINGS = ("proctor/", "hf/", "inspect_evals/")


def task_reference(entry: TaskEntry, profile_path: Path) -> str:
    """What Inspect is to be asked for.

    A task is a path when it ends in .py or .ipynb (before `@task`), begins with `/`, `./`, `../` or `~/`, or is the
    name of a folder beside the profile. Everything else is a name: registry, `hf/…`, `inspect_evals/…`.

    Args:
        entry: The task, as the profile has it.
        profile_path: The profile's file. Paths are relative to its folder.

    Returns:
        The name unchanged, or the absolute path, with `@task` where there was one.
    """
    found = task_path(entry.task, profile_path)
    if found is None:
        return entry.task
    path, name = found
    return f"{path}@{name}" if name else str(path)


def task_path(task: str, profile_path: Path) -> tuple[Path, str] | None:
    """The absolute path of a task's file or folder and the name after `@`; `None` for a task that is no path."""
    file, _, name = task.rpartition("@")
    if not file.endswith(_FILE_ENDINGS):
        file, name = task, ""
    path = profile_path.parent / os.path.expanduser(file)
    is_path = file.endswith(_FILE_ENDINGS) or file.startswith(_PATH_BEGINNINGS) or file in {".", "..", "~"}
    if not is_path and (file.startswith(_NAME_BEGINNINGS) or not os.path.isdir(path)):
        return None
    return Path(os.path.abspath(path)), name
