"""What the tasks of a profile refer to: names stay as they are, files are found from the profile that names them."""

from __future__ import annotations

import os
from pathlib import Path

from .schema import Profile, TaskEntry

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


def named_as_in(base: Profile, base_path: Path, profile: Profile, path: Path) -> Profile:
    """A profile whose tasks are named as those of the profile that it was made from, where they are the same.

    Args:
        base: What it was made from.
        base_path: The file of that.
        profile: The profile.
        path: The file that it is for.
    """
    known = {task_reference(entry, base_path): entry.task for entry in base.tasks}
    names: dict[str, str] = {}
    for entry in profile.tasks:
        reference = task_reference(entry, path)
        if reference in known:
            names[entry.task] = _moved(known[reference], base_path, path)
    tasks = [entry.model_copy(update={"task": names.get(entry.task, entry.task)}) for entry in profile.tasks]
    models = [
        item.model_copy(update={"tasks": [names.get(task, task) for task in item.tasks]}) if item.tasks else item
        for item in profile.models
    ]
    return profile.model_copy(update={"tasks": tasks, "models": models})


def _moved(task: str, base_path: Path, path: Path) -> str:
    """A task as it is to be named in another folder: a relative path stays one."""
    found = task_path(task, base_path)
    folder = os.path.abspath(path.parent)
    file = os.path.expanduser(task.rpartition("@")[0] or task)
    if found is None or os.path.isabs(file) or folder == os.path.abspath(base_path.parent):
        return task
    relative = Path(os.path.relpath(found[0], folder)).as_posix()
    relative = relative if relative.startswith("../") else f"./{relative}"
    return f"{relative}@{found[1]}" if found[1] else relative
