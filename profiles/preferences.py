"""What a user prefers, in `preferences.toml` of the configuration folder.

confirm = "always"   # or "never": start what may cost money without asking
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import platformdirs

from .base.errors import UsageError

FILE = "preferences.toml"
_CONFIRM = ("always", "never")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user prefers; the defaults where there is no file."""

    confirm: Literal["always", "never"] = "always"  # whether starting what may cost money asks first


def preferences_path() -> Path:
    """The file."""
    return platformdirs.user_config_path("proctor") / FILE


def read_preferences(path: Path | None = None) -> Preferences:
    """Read the file.

    Args:
        path: The file; the user's own when left out.

    Raises:
        UsageError: It cannot be read, or says what has no meaning: nothing is then taken for granted.
    """
    path = preferences_path() if path is None else path
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "correct it, or remove it") from error
    known = [field.name for field in fields(Preferences)]
    for key in data:
        if key not in known:
            raise UsageError(f'{path}: unknown key "{key}"', f"the keys there are {', '.join(known)}")
    confirm = data.get("confirm", "always")
    if confirm not in _CONFIRM:
        raise UsageError(f"{path}: confirm is {confirm!r}", 'it must be "always" or "never"')
    return Preferences(confirm)
