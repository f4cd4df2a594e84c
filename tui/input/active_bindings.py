"""What can be done on a screen now, and by which keys: what the palette and the help show is always true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.app import App


@dataclass(frozen=True, slots=True)
class AvailableAction:
    """One thing that can be done.

    Args:
        node: Whose binding it is.
        binding: The binding; its `action` is looked up at `node`.
        keys: Its keys as they are shown, the first that counts first.
        pane: The widget that must have the focus for it; `None` where the focus is right already.
    """

    node: DOMNode
    binding: Binding
    keys: tuple[str, ...]
    pane: Widget | None = None

    @property
    def does(self) -> str:
        """What it does, in words."""
        return self.binding.tooltip or self.binding.description


def offered_here(screen: Screen[Any]) -> list[AvailableAction]:
    """What the keys do now, the focused widget's first, then its surroundings' and the application's."""
    found: dict[tuple[DOMNode, str], tuple[Binding, list[str]]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.enabled and binding.id is not None:
            _, keys = found.setdefault((active.node, binding.id), (binding, []))
            keys.append(shown_key(screen.app, binding))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return [AvailableAction(node, binding, tuple(keys)) for (node, _), (binding, keys) in found.items()]


def offered_elsewhere(screen: Screen[Any], keymap: Mapping[str, str]) -> list[AvailableAction]:
    """What the other panes of the screen offer as soon as they have the focus.

    Args:
        screen: The screen.
        keymap: The keys that the user has moved, by binding id.
    """
    focused = screen.focused
    seen = set(focused.ancestors_with_self if focused is not None else (screen, screen.app))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    known = {one.binding.id for one in offered_here(screen)}
    found: list[AvailableAction] = []
    for pane in screen.focus_chain:
        taken: set[str] = set()  # by what stands nearer to the focus
        for node in pane.ancestors_with_self:
            if node in seen:
                break
            seen.add(node)
            for binding in bindings_with_id(type(node)):
                keys = [key.strip() for key in keymap.get(binding.id or "", binding.key).split(",")]
                free = [key for key in keys if key not in taken]
                taken.update(free)
                _, name, parameters = parse(binding.action)
                if free and binding.id not in known and node.check_action(name, parameters):
                    known.add(binding.id)
                    shown = tuple(shown_key(pane.app, binding.with_key(key)) for key in free)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
                    found.append(AvailableAction(node, binding, shown, pane))
    return found


def bindings_with_id(kind: type[DOMNode]) -> Iterator[Binding]:
    """The bindings of a class and of its bases that have an id, each id once."""
    seen: set[str] = set()
    for base in kind.__mro__:
        declared: Iterable[object] = base.__dict__.get("BINDINGS", ())
        for binding in declared:
            if isinstance(binding, Binding) and binding.id is not None and binding.id not in seen:
                seen.add(binding.id)
                yield binding


def shown_key(app: App[Any], binding: Binding) -> str:
    """A key as it is shown."""
    return binding.key_display or app.get_key_display(binding)
