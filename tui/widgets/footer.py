"""The keys that can be pressed now, in the line at the bottom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from ..input.active_bindings import shown_key
from .table.layout import changed_width

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

_MORE = " …"  # there are keys that find no room: help has them all


@dataclass(frozen=True, slots=True)
class _Key:
    key: str
    shown: str
    words: str
    tooltip: str
    enabled: bool

    @property
    def width(self) -> int:
        return cell_len(f" {self.shown} {self.words} ")


class KeyLine(Widget):
    """Draws the bindings of its screen that are to be shown, each a key and a word that can be clicked.

    Textual's own footer makes a widget of each: with every change of what can be done, a dozen are styled and mounted.

    Args:
        palette: Keep the key of the command palette at the right end.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--words", "key-line--off"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; color: $footer-foreground; background: $footer-background;
        & > .key-line--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
        & > .key-line--words { color: $footer-description-foreground; background: $footer-description-background; }
        & > .key-line--off { color: $footer-description-foreground; text-style: dim; }
    }
    """

    def __init__(self, *, palette: bool = True) -> None:
        super().__init__()
        self._has_palette = palette
        self._keys: tuple[_Key, ...] = ()
        self._palette: _Key | None = None
        self._places: list[tuple[range, _Key]] = []  # the cells of each key that is drawn
        self._drawn: Strip | None = None

    def on_mount(self) -> None:
        """Show the keys as they are once the screen is whole, and as they change."""
        self.screen.bindings_updated_signal.subscribe(self, self._update)  # pyright: ignore[reportUnknownMemberType]
        self.call_after_refresh(self._update, self.screen)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    def on_resize(self) -> None:
        """Fit the new width."""
        self._drawn = None
        self.refresh()

    def notify_style_update(self) -> None:
        """Draw in other colours."""
        super().notify_style_update()
        self._drawn = None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say more of the key under the pointer."""
        key = self._key_at(event.x)
        self.tooltip = key.tooltip if key is not None else None

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        event.stop()
        if (key := self._key_at(event.x)) is not None and key.enabled:
            self.app.simulate_key(key.key)  # pyright: ignore[reportUnknownMemberType]

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        if self._drawn is None:
            self._drawn = self._draw()
        return self._drawn

    def _update(self, screen: Screen[Any]) -> None:
        if not self.app.app_focus or screen is not self.screen:  # pyright: ignore[reportUnknownMemberType]
            return
        active = screen.active_bindings
        self._keys = tuple(self._shown(active.values()))
        palette = active.get(self.app.COMMAND_PALETTE_BINDING) if self._has_palette else None  # pyright: ignore[reportUnknownMemberType]
        self._palette = self._key(palette) if palette is not None else None
        if (before := self._drawn) is None:
            self.refresh()
            return
        self._drawn = self._draw()
        if width := changed_width(before, self._drawn):
            self.refresh(Region(0, 0, width, 1))

    def _shown(self, active: Iterable[ActiveBinding]) -> Iterable[_Key]:
        """Each action once, by the first of its keys."""
        seen: set[str] = set()
        for one in active:
            if one.binding.show and one.binding.action not in seen:
                seen.add(one.binding.action)
                yield self._key(one)

    def _key(self, active: ActiveBinding) -> _Key:
        binding = active.binding
        shown = shown_key(self.app, binding)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        return _Key(binding.key, shown, binding.description, active.tooltip or binding.description, active.enabled)

    def _key_at(self, x: int) -> _Key | None:
        return next((key for cells, key in self._places if x in cells), None)

    def _draw(self) -> Strip:
        width, base = self.size.width, self.rich_style
        room = width - (self._palette.width if self._palette is not None else 0)
        segments: list[Segment] = []
        self._places, x = [], 0
        for number, key in enumerate(self._keys, 1):
            if x + key.width > room - (len(_MORE) if number < len(self._keys) else 0):
                segments.append(Segment(_MORE[: max(room - x, 0)], base))
                break
            segments += self._segments(key, x)
            x += key.width
        strip = Strip(segments).adjust_cell_length(max(room, 0), base)
        if self._palette is not None:
            strip = Strip([*strip, *self._segments(self._palette, room)])
        return strip.adjust_cell_length(width, base)

    def _segments(self, key: _Key, x: int) -> list[Segment]:
        self._places.append((range(x, x + key.width), key))
        names = ("key-line--key", "key-line--words") if key.enabled else ("key-line--off", "key-line--off")
        key_style, words_style = (self.rich_style + self.get_component_rich_style(name) for name in names)
        return [Segment(f" {key.shown} ", key_style), Segment(f"{key.words} ", words_style)]
