"""The way from a widget to what the application knows and does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

    from ..controllers.workbench import Workbench


class _WithWorkbench(Protocol):
    workbench: Workbench


def workbench(node: DOMNode) -> Workbench:
    """The workbench of a widget's or a screen's application."""
    return cast("_WithWorkbench", node.app).workbench  # pyright: ignore[reportUnknownMemberType]


def application(node: DOMNode) -> App[Any]:
    """The application of a widget or a screen."""
    return cast("App[Any]", node.app)  # pyright: ignore[reportUnknownMemberType]
