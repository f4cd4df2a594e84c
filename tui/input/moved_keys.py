"""The keys that the user has moved, and how keys are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .active_bindings import bindings_with_id, shown_key

if TYPE_CHECKING:
    from textual.app import App


class MovedKeys:
    """What the user's file moves, by binding id."""

    def __init__(self) -> None:
        self.keymap: Mapping[str, str] = {}

    def of(self, binding_id: str, usual: str) -> list[str]:
        """The keys of a binding.

        Args:
            binding_id: The binding.
            usual: Its keys without the user's file, separated by commas.
        """
        return [key.strip() for key in self.keymap.get(binding_id, usual).split(",")]

    def shown(self, app: App[Any], binding_id: str) -> str:
        """The first key of one of the application's own bindings, as it is shown."""
        binding = next(one for one in bindings_with_id(type(app)) if one.id == binding_id)
        return shown_key(app, binding.with_key(self.of(binding_id, binding.key)[0]))
