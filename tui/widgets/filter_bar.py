"""The line above a table in which one types what to see."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static


class FilterBar(Horizontal):
    """Hidden until `open`; says what is being typed with every change.

    Its screen binds `/` to `open`. Enter keeps the filter, Escape takes it away; both give the focus back.
    """

    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        display: none;
        & > .filter-bar--sign { width: 2; color: $foreground; text-style: bold; }
        & > Input { width: 1fr; }
        & > Input:ansi > .input--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
        & > Input:nocolor > .input--cursor { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear", id="filter.clear", tooltip="Take the filter away and go back"),
        Binding("enter,down", "keep", "Keep", id="filter.keep", tooltip="Keep the filter and go back", priority=True),
    ]

    class Filtered(Message):
        """The filter is another one now; empty lets everything through."""

        def __init__(self, bar: FilterBar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

        @property
        def control(self) -> FilterBar:
            """The bar."""
            return self.bar

    _input = query_one(Input)

    def __init__(self, *, placeholder: str = "", id: str | None = None, classes: str | None = None) -> None:
        """Make a hidden, empty bar.

        Args:
            placeholder: What stands there while nothing is typed: what can be typed.
            id: The widget's id.
            classes: The widget's classes.
        """
        super().__init__(id=id, classes=classes)
        self._placeholder = placeholder
        self._came_from: Widget | None = None

    def compose(self) -> ComposeResult:
        """The sign and the input."""
        yield Static("/", classes="filter-bar--sign", markup=False)
        field = Input(placeholder=self._placeholder, compact=True, select_on_focus=False)
        field.cursor_blink = False
        yield field

    @property
    def text(self) -> str:
        """The filter; empty lets everything through."""
        return self._input.value

    @text.setter
    def text(self, words: str) -> None:
        """Put a filter in (one that was remembered, say) without taking the focus; `Filtered` follows."""
        self._input.value = words
        self.display = bool(words)

    def open(self) -> None:
        """Show the bar and type into it."""
        if not self._input.has_focus:
            self._came_from = self.screen.focused
        self.display = True
        self.screen.set_focus(self._input)  # at once: `focus` waits for a refresh, and keys typed until then go astray

    def action_clear(self) -> None:
        """Take the filter away, hide, and give the focus back."""
        self.text = ""
        self._give_back()

    def action_keep(self) -> None:
        """Keep the filter and give the focus back; an empty bar hides."""
        self.display = bool(self.text)
        self._give_back()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is being typed."""
        event.stop()
        self.post_message(self.Filtered(self, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter has its own action."""
        event.stop()

    def _give_back(self) -> None:
        back, self._came_from = self._came_from, None
        if back is not None and back.is_attached and back.focusable:
            back.focus()
        elif self._input.has_focus:
            self.screen.focus_next()
