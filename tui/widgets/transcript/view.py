"""A transcript as lines: only those that are seen are drawn, and long ones are wrapped as they come near."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from ....profiles.base.text import clean_line
from ...terminal.pictures.half_block import HalfCells, draw_half_cells
from .text import Block, Line, wrap_blocks

GUTTER = 8  # cells for the label
_AT_ONCE = 2_000  # lines that are wrapped in one go while nobody waits for them
_PAUSE_S = 0.02
_MOST_MATCHES = 10_000
_PICTURE_COLUMNS = 72
_PICTURE_LINES = 20


class TranscriptView(ScrollView, can_focus=True, inherit_bindings=False):
    """Blocks of clean text with their labels, to be scrolled and searched. It shows what it is given, no more."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcript-view--label",
        "transcript-view--good",
        "transcript-view--bad",
        "transcript-view--dim",
        "transcript-view--accent",
        "transcript-view--match",
        "transcript-view--current",
    }
    DEFAULT_CSS = """
    TranscriptView {
        height: 1fr;
        min-height: 2;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        color: $foreground;
        & > .transcript-view--label { color: $text-accent; text-style: bold; }
        & > .transcript-view--good { color: $text-success; }
        & > .transcript-view--bad { color: $text-error; }
        & > .transcript-view--dim { color: $foreground-muted; }
        & > .transcript-view--accent { color: $text-accent; }
        & > .transcript-view--match { text-style: underline; }
        & > .transcript-view--current { text-style: reverse; }
        &:ansi > .transcript-view--dim { color: ansi_default; text-style: dim; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "line(-1)", "up", show=False, id="transcript.up", tooltip="One line up"),
        Binding("down,j", "line(1)", "down", show=False, id="transcript.down", tooltip="One line down"),
        Binding("pageup,b", "page(-1)", "page up", show=False, id="transcript.page_up", tooltip="One page up"),
        Binding("pagedown,space", "page(1)", "page down", show=False, id="transcript.page_down", tooltip="A page down"),
        Binding("home,g", "top", "top", show=False, id="transcript.top", tooltip="To the beginning"),
        Binding("end,G", "bottom", "end", show=False, id="transcript.bottom", tooltip="To the end"),
    ]

    class Searched(Message):
        """The matches of the search are others now, or another of them is the current one."""

        def __init__(self, current: int, count: int) -> None:
            super().__init__()
            self.current = current  # from 1; 0 where there is none
            self.count = count

    def __init__(self, *, id: str | None = None) -> None:
        """Make a view with nothing in it."""
        super().__init__(id=id)
        self._blocks: tuple[Block, ...] = ()
        self._lines: list[Line] = []
        self._coming: Iterator[Line] = iter(())
        self._wrapped_width = -1
        self._timer: Timer | None = None
        self._pictures: dict[int, HalfCells] = {}
        self._query = ""
        self._matches: list[tuple[int, int, int]] = []  # block, start, end
        self._current = -1
        self._rich: dict[str, Style] = {}

    def show(self, blocks: Sequence[Block]) -> None:
        """Show these blocks from their beginning; the search goes on in them."""
        self._blocks = tuple(blocks)
        self._pictures = {}
        self._lines, self._coming = [], iter(())  # hidden, it has no width to wrap for until it is seen again
        self._wrapped_width = -1
        self._find()
        self.scroll_to(y=0, animate=False, force=True)
        self._wrap_anew()
        if any(block.picture for block in blocks):
            self._draw_pictures(self._blocks)

    @property
    def line_count(self) -> int:
        """How many lines have been wrapped so far."""
        return len(self._lines)

    @property
    def pictures_above(self) -> int:
        """How many pictures have been scrolled past."""
        top = self.scroll_offset.y
        block = self._lines[top].block if top < len(self._lines) else 0
        return sum(one.picture is not None for one in self._blocks[:block])

    def search(self, query: str) -> None:
        """Mark every place where the words stand, in any case, and go to the next one from here."""
        if query != self._query:
            self._query = query
            self._find()
            if self._matches:
                self._go_to(self._next_from_here())
            self.refresh()
            self._tell()

    def step_match(self, by: int) -> None:
        """Go to the next match, or the one before; from the last to the first."""
        if self._matches:
            self._go_to((self._current + by) % len(self._matches))
            self._tell()

    def action_line(self, lines: int) -> None:
        """Scroll by lines."""
        self._scroll(self.scroll_offset.y + lines)

    def action_page(self, pages: int) -> None:
        """Scroll by pages."""
        self._scroll(self.scroll_offset.y + pages * max(self.size.height - 1, 1))

    def action_top(self) -> None:
        """Go to the beginning."""
        self._scroll(0)

    def action_bottom(self) -> None:
        """Go to the end, whatever it takes to get there."""
        self._pull(None)
        self._scroll(len(self._lines))

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._wrap_anew()

    def notify_style_update(self) -> None:
        """Forget the colours of another theme."""
        super().notify_style_update()
        self._rich.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the widget."""
        width = self.size.width
        base = self._style("")
        index = self.scroll_offset.y + y
        if index >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[index]
        block = self._blocks[line.block]
        if line.picture_line is not None:
            if line.picture_line < 0:
                return Strip.blank(width, base)
            drawn = self._pictures[line.block].lines
            return Strip([Segment(" " * GUTTER, base), *drawn[line.picture_line]]).adjust_cell_length(width, base)
        first = line.start == 0
        label = f"{block.label:{GUTTER}}" if first else " " * GUTTER
        segments = [Segment(label, self._style("label")), *self._marked(block, line)]
        return Strip(segments).adjust_cell_length(width, base)

    def _marked(self, block: Block, line: Line) -> Iterator[Segment]:
        """A line's text, cut where matches begin and end."""
        style = self._style(block.tone)
        at = line.start
        first = bisect_right(self._matches, (line.block, line.start, -1))
        for number in range(max(first - 1, 0), len(self._matches)):
            where, start, end = self._matches[number]
            if where > line.block or (where == line.block and start >= line.end):
                break
            start, end = max(start, line.start), min(end, line.end)
            if where < line.block or end <= start:
                continue
            if start > at:
                yield Segment(block.text[at:start], style)
            mark = self._style("current" if number == self._current else "match")
            yield Segment(block.text[start:end], style + mark)
            at = end
        yield Segment(block.text[at : line.end], style)

    def _style(self, name: str) -> Style:
        style = self._rich.get(name)
        if style is None:
            if name in ("match", "current"):
                style = self.get_component_rich_style(f"transcript-view--{name}", partial=True)
            elif f"transcript-view--{name}" in self.COMPONENT_CLASSES:
                style = self.rich_style + self.get_component_rich_style(f"transcript-view--{name}", partial=True)
            else:
                style = self.rich_style
            self._rich[name] = style
        return style

    # Wrapping

    @property
    def _text_width(self) -> int:
        return max(self.scrollable_content_region.width - GUTTER - 1, 10)

    def _wrap_anew(self) -> None:
        width = self._text_width
        if width == self._wrapped_width or not self.size.width:
            return
        anchor = self._lines[self.scroll_offset.y] if self.scroll_offset.y < len(self._lines) else None
        self._wrapped_width = width
        heights = [
            self._pictures[number].height if number in self._pictures else 0 for number in range(len(self._blocks))
        ]
        self._lines = []
        self._coming = wrap_blocks(self._blocks, width, heights)
        self._pull(_AT_ONCE)
        if anchor is not None and self.scroll_offset.y:
            self._scroll(self._line_of(anchor.block, anchor.start))
        self.refresh()

    def _pull(self, count: int | None) -> None:
        """Wrap so many lines more, and the others bit by bit."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        before = len(self._lines)
        self._lines.extend(islice(self._coming, count))
        self.virtual_size = Size(self.size.width, len(self._lines))
        if count is not None and len(self._lines) - before == count:
            self._timer = self.set_timer(_PAUSE_S, lambda: self._pull(_AT_ONCE))

    def _line_of(self, block: int, offset: int) -> int:
        """The line in which a place of a block's text stands."""
        while (not self._lines or (self._lines[-1].block, self._lines[-1].end) < (block, offset)) and (
            more := list(islice(self._coming, _AT_ONCE))
        ):
            self._lines.extend(more)
        self.virtual_size = Size(self.size.width, len(self._lines))
        at = bisect_right(self._lines, (block, offset), key=lambda line: (line.block, line.start)) - 1
        while at > 0 and self._lines[at].picture_line is not None:
            at -= 1
        return max(at, 0)

    def _scroll(self, y: int) -> None:
        self.scroll_to(y=max(min(y, len(self._lines) - self.size.height), 0), animate=False, force=True)

    # Searching

    def _find(self) -> None:
        self._matches, self._current = [], -1
        if self._query:
            pattern = re.compile(re.escape(clean_line(self._query)), re.IGNORECASE)
            found = (
                (number, match.start(), match.end())
                for number, block in enumerate(self._blocks)
                for match in pattern.finditer(block.text)
            )
            self._matches = list(islice(found, _MOST_MATCHES))

    def _next_from_here(self) -> int:
        if self.scroll_offset.y >= len(self._lines):
            return 0
        here = self._lines[self.scroll_offset.y]
        at = bisect_right(self._matches, (here.block, here.start, -1))
        return at % len(self._matches)

    def _go_to(self, number: int) -> None:
        self._current = number
        block, start, _ = self._matches[number]
        line = self._line_of(block, start)
        top = self.scroll_offset.y
        if not top <= line < top + self.size.height:
            self._scroll(line - self.size.height // 3)
        self.refresh()

    def _tell(self) -> None:
        self.post_message(self.Searched(self._current + 1, len(self._matches)))

    # Pictures

    @work(thread=True, exclusive=True, group="pictures")
    def _draw_pictures(self, blocks: tuple[Block, ...]) -> None:
        columns = min(_PICTURE_COLUMNS, self._text_width)
        drawn = {
            number: draw_half_cells(block.picture, columns, _PICTURE_LINES)
            for number, block in enumerate(blocks)
            if block.picture is not None
        }
        self.app.call_from_thread(self._take_pictures, blocks, drawn)  # pyright: ignore[reportUnknownMemberType]

    def _take_pictures(self, blocks: tuple[Block, ...], drawn: dict[int, HalfCells]) -> None:
        if blocks is self._blocks:
            self._pictures = drawn
            self._wrapped_width = -1
            self._wrap_anew()
