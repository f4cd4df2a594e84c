"""`proctor view`, and `proctor PATH`: a run, a log or a folder of logs in the application."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ...profiles.base.errors import UsageError
from .application import open_app

_LOGS = (".eval", ".json")
_PROFILE = ".toml"


@click.command()
@click.argument("path")
def command(path: str) -> int:
    """Open PATH in the application: a run, a log, a folder of logs, or a profile."""
    if "://" in path:
        raise UsageError(f"{path}: addresses cannot be opened yet", "copy the logs into a folder, and open that")
    found = Path(os.path.abspath(os.path.expanduser(path)))
    if not found.exists():
        raise UsageError(f"there is no {path}", "`proctor runs` lists the runs")
    if found.suffix == _PROFILE and found.is_file() and found.name != "run.toml":
        return open_app(practice=False, profile=str(found), log_dir=None)
    if found.is_file() and found.suffix not in _LOGS and found.name != "run.toml":
        raise UsageError(f"{path} is no Inspect log", "logs end in .eval or .json")
    return open_app(practice=False, profile=None, log_dir=str(_log_root(found)))


def _log_root(path: Path) -> Path:
    """The folder whose runs are listed, so that what was named is among them."""
    folder = path if path.is_dir() else path.parent
    return folder.parent if (folder / "run.toml").is_file() else folder
