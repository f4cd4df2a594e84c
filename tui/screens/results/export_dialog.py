"""Saving a scoreboard or a comparison to a file, from the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...dialogs.prompt import AskScreen, Objection

if TYPE_CHECKING:
    from textual.message import Message

    from ..base import BaseScreen


def ask_to_export(screen: BaseScreen, what: str, stem: str, requested: Callable[[Path], Message]) -> None:
    """Ask for a file and post a request with it; one that is there is replaced when that is insisted on.

    Args:
        screen: Whose question it is.
        what: What is saved, in words.
        stem: What the file is called unless another name is typed.
        requested: Makes the message.
    """
    from ....evals.views.render import FORMATS, check_export

    def path_of(text: str) -> Path:
        return Path(text).expanduser()

    def check(text: str) -> Objection | None:
        path = path_of(text)
        try:
            if why := check_export(path):
                return Objection(why)
            return Objection(f"{path} is there already; it would be replaced", insist=True) if path.exists() else None
        except (OSError, ValueError) as error:  # a name that no file can have
            return Objection(str(error))

    def answered(text: str | None) -> None:
        if text is not None:
            screen.post_message(requested(path_of(text)))

    endings = ", ".join(f"{ending} for {name}" for ending, name in FORMATS.items())
    screen.app.push_screen(  # pyright: ignore[reportUnknownMemberType]
        AskScreen(
            f"Save {what} as",
            text=free_name(stem, ".md"),
            explains=f"In {Path.cwd()}. The ending says the format: {endings}.",
            check=check,
        ),
        answered,
    )


def free_name(stem: str, ending: str) -> str:
    """A file name that is not taken in the working folder."""
    name, number = f"{stem}{ending}", 2
    while Path(name).exists():
        name, number = f"{stem}-{number}{ending}", number + 1
    return name
