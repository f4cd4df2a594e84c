"""The outline of a transcript: turns with their tools, lanes, errors and scores; it follows the cursor."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ....profiles.base.text import clean_line

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Entry

DEEPEST = 6


@dataclass(slots=True)
class Item:
    """One line of the outline."""

    at: int  # the position of its entry
    depth: int
    text: str
    end: str = ""  # at the right
    tone: str = ""


def outline_items(entries: Sequence[Entry]) -> list[Item]:
    """The lines of the outline."""
    items: list[Item] = []
    depths: dict[int, int] = {-1: 0}  # by entry: the depth of what stands in its lane
    last: dict[int, Item] = {}  # by lane: the turn that its next tool calls belong to
    for at, entry in enumerate(entries):
        depth = depths[entry.parent]
        depths[at] = depth
        if entry.kind == "model":
            name = f"turn {entry.turn}" if entry.turn else clean_line(entry.label)
            item = Item(at, depth, name, tone="bad" if entry.failed else "")
            last[entry.parent] = item
            items.append(item)
        elif entry.kind == "tool":
            turn = last.get(entry.parent)
            if turn is None:
                turn = last[entry.parent] = Item(at, depth, clean_line(entry.label))
                items.append(turn)
            else:
                turn.text = turn.text if turn.text.endswith("…") else _with_tool(turn.text, clean_line(entry.label))
            if entry.failed:
                turn.end = "✗"
            depths[at] = depth + 1
        elif entry.kind == "span" or entry.below:
            text = clean_line(f"{entry.label} {entry.title}")
            items.append(Item(at, depth, text, str(entry.below or ""), "bad" if entry.failed else "dim"))
            depths[at] = depth + 1
        elif entry.kind == "score":
            items.append(Item(at, depth, clean_line(f"{entry.label} {entry.title}"), tone=entry.tone))
        elif entry.kind == "error" or entry.failed:
            items.append(Item(at, depth, clean_line(f"{entry.label} {entry.title}"), tone="bad"))
    return items


def _with_tool(text: str, tool: str) -> str:
    """A turn with one tool more; the same one again is counted no further."""
    if tool in text.split(" ")[2:]:
        return text
    return f"{text} {tool}" if len(text) < 60 else f"{text} …"


class OutlineView(ScrollView, can_focus=True, inherit_bindings=False):
    """The outline of one document. The line of the entry that is read is marked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "outline--current",
        "outline--dim",
        "outline--bad",
        "outline--good",
    }
    DEFAULT_CSS = """
    OutlineView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        color: $foreground;
        & > .outline--current { color: $block-cursor-blurred-foreground; background: $block-cursor-blurred-background; }
        &:focus > .outline--current { color: $block-cursor-foreground; background: $block-cursor-background; }
        & > .outline--dim { color: $foreground-muted; }
        & > .outline--bad { color: $text-error; }
        & > .outline--good { color: $text-success; }
        &:ansi > .outline--dim { color: ansi_default; text-style: dim; }
        &:ansi > .outline--current { color: ansi_default; background: ansi_default; text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="outline.up", tooltip="One line up"),
        Binding("down,j", "move(1)", "down", show=False, id="outline.down", tooltip="One line down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="outline.page_up", tooltip="One page up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="outline.page_down", tooltip="One page down"),
        Binding("home,g", "end(0)", "first", show=False, id="outline.first", tooltip="The first line"),
        Binding("end,G", "end(-1)", "last", show=False, id="outline.last", tooltip="The last line"),
        Binding("enter", "choose", "read", id="outline.choose", tooltip="Read from here"),
    ]

    class Picked(Message):
        """Somebody wants to read from an entry on."""

        def __init__(self, at: int, *, is_final: bool) -> None:
            super().__init__()
            self.at = at
            self.is_final = is_final  # with Enter; the cursor's moves only bring it into view

    def __init__(self, *, id: str | None = None) -> None:
        """Make an outline of nothing."""
        super().__init__(id=id)
        self._items: list[Item] = []
        self._starts: list[int] = []
        self._current = -1

    def show(self, entries: Sequence[Entry]) -> None:
        """Show the outline of these entries."""
        self._items = outline_items(entries)
        self._starts = [item.at for item in self._items]
        self._current = -1
        self.virtual_size = Size(self.size.width, len(self._items))
        self.scroll_to(y=0, animate=False, force=True)
        self.refresh()

    @property
    def items(self) -> Sequence[Item]:
        """Its lines."""
        return self._items

    @property
    def current(self) -> Item | None:
        """The line that is marked."""
        return self._items[self._current] if 0 <= self._current < len(self._items) else None

    def follow(self, at: int) -> None:
        """Mark the line that an entry belongs to."""
        self._mark(bisect_right(self._starts, at) - 1)

    def action_move(self, by: int) -> None:
        """Mark another line."""
        self._pick(self._current + by)

    def action_page(self, by: int) -> None:
        """Mark a line a page further."""
        self._pick(self._current + by * max(self.size.height - 1, 1))

    def action_end(self, at: int) -> None:
        """Mark the first line or the last."""
        self._pick(at % max(len(self._items), 1))

    def action_choose(self) -> None:
        """Read from the marked line on."""
        if (item := self.current) is not None:
            self.post_message(self.Picked(item.at, is_final=True))

    def on_click(self, event: events.Click) -> None:
        """Read from the line that was clicked."""
        number = event.y + self.scroll_offset.y
        if number < len(self._items):
            self._mark(number)
            self.action_choose()

    def _pick(self, number: int) -> None:
        if self._items:
            self._mark(max(min(number, len(self._items) - 1), 0))
            self.post_message(self.Picked(self._items[self._current].at, is_final=False))

    def _mark(self, number: int) -> None:
        if number == self._current:
            return
        before, self._current = self._current, number
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if number >= 0 and not top <= number < top + height:
            self.scroll_to(y=max(number - height // 3, 0), animate=False, force=True)
        for line in (before, number):
            row = line - self.scroll_offset.y
            if line >= 0 and 0 <= row < height:
                self.refresh(Region(0, row, self.size.width, 1))

    def on_resize(self) -> None:
        """Fit the new width."""
        self.virtual_size = Size(self.size.width, len(self._items))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        number, width = y + self.scroll_offset.y, self.size.width
        base = self.rich_style
        if number >= len(self._items):
            return Strip.blank(width, base)
        item = self._items[number]
        style = base + self._part(item.tone) if item.tone else base
        if number == self._current:
            style = base + self._part("current")
        room = width - (cell_len(item.end) + 2 if item.end else 1)
        text = f"{'  ' * min(item.depth, DEEPEST)}{item.text}"
        if cell_len(text) > room:
            text = set_cell_size(text, max(room - 1, 0)) + "…"
        text = set_cell_size(text, max(room, 0))
        return Strip([Segment(f"{text} {item.end}", style)]).adjust_cell_length(width, style)

    def _part(self, name: str) -> Style:
        if f"outline--{name}" not in self.COMPONENT_CLASSES:
            return Style()
        return self.get_component_rich_style(f"outline--{name}", partial=True)
