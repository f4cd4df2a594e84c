"""What is around the places: the palette, help, jump mode, themes, moved keys, the bell, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from . import messages
from .base_app import BaseApp
from .input.keymap import KeysRead
from .themes import ANSI, THEME_WORDS, forced_theme
from .widgets.header import PLACES

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from ..evals.run.run_list import KnownRun
    from ..profiles.library import LoadedProfile
    from .dialogs.palette.fuzzy import Item
    from .state.store import SampleRef

NOTICES_AT_ONCE = 4
_THEME, _BELL = "theme ", "bell"  # keys of actions that have no binding


class AroundApp(BaseApp):
    """Works on whatever place is shown, and knows of none in particular."""

    _keys_path: Path | None = None  # the file with the keys that the user has moved
    _moved_keys: dict[str, str] = {}  # noqa: RUF012 - replaced as a whole, never changed

    # Keys

    def _read_keys(self) -> None:
        """Read the user's keys, beside the first paint; few have any."""
        if (path := self._keys_path) is not None and path.exists():
            from .input.bindings import known_keys
            from .input.keymap_file import read_keys

            def read() -> None:
                self.post_message(KeysRead(*read_keys(path, known_keys())))

            self._work(read, "keys")

    def on_keys_read(self, message: KeysRead) -> None:
        """Take over what can be, and say what cannot."""
        self._moved_keys = dict(message.keymap)
        if palette := message.keymap.get("app.palette"):
            # Where the footer looks for it; Textual has one application in a process.
            setattr(self, "COMMAND_PALETTE_BINDING", palette.split(",")[0])  # noqa: B010
        self.set_keymap(message.keymap)
        for problem in message.problems[:NOTICES_AT_ONCE]:
            self._tell(problem, "warning")
        if (more := len(message.problems) - NOTICES_AT_ONCE) > 0:
            self._tell(f"… and {more} more: `proctor keys` tells them all", "warning")

    def key_of(self, binding_id: str) -> str:
        """The first key of one of the application's own bindings, as it is shown."""
        from .input.active_bindings import bindings_with_id, shown_key

        binding = next(one for one in bindings_with_id(type(self)) if one.id == binding_id)
        return shown_key(self, binding.with_key(self._keys_of(binding_id, binding.key)[0]))

    def _keys_of(self, binding_id: str, default: str) -> list[str]:
        return [key.strip() for key in self._moved_keys.get(binding_id, default).split(",")]

    # The palette

    def action_command_palette(self) -> None:
        """Find anything that has a name or can be done; the same key closes it again."""
        from .dialogs.palette.providers import action_shelf, state_shelves
        from .dialogs.palette.screen import PaletteScreen
        from .input.active_bindings import offered_elsewhere, offered_here

        screen, store = self.screen, self.store
        if isinstance(screen, PaletteScreen):
            screen.action_cancel()
        if screen.is_modal:
            return
        if store.shown.value is not None:
            cells = store.shown.value.status.cells
            logs = tuple(store.shown.value.run_dir / cell.log for cell in cells if cell.log is not None)
            self.post_message(messages.SamplesRequested(logs, if_room=True))
        here = [one for one in offered_here(screen) if one.node is not self]
        general = [one for one in offered_here(screen) if one.node is self and one.binding.id != "app.palette"]
        elsewhere = offered_elsewhere(screen, self._moved_keys)
        actions = [
            action_shelf(here, "here"),
            action_shelf(general, "everywhere", self._keyless()),
            action_shelf(elsewhere, "another pane", at_once=False),
        ]
        self.push_screen(PaletteScreen(actions, lambda: state_shelves(self.store)), self._take_item)

    def _keyless(self) -> list[Item]:
        from .dialogs.palette.fuzzy import Item

        bell = "off" if self._rings else "on"
        return [
            *(Item("action", _THEME + name, f"Theme: {name}", words) for name, words in THEME_WORDS.items()),
            Item("action", _BELL, f"Bell: {bell}", "at the end of a run, while another window has the focus"),
        ]

    def _take_item(self, item: Item | None) -> None:
        """Do the obvious thing with what was found."""
        if item is None:
            return
        match item.kind:
            case "run":
                self.post_message(messages.RunOpened(cast("KnownRun", item.thing)))
            case "profile":
                self.post_message(messages.ProfileOpened(cast("LoadedProfile", item.thing)))
            case "model" | "task":
                self.show_in(f"{item.kind}s", item.key)
            case "sample":
                self.show_in("results", cast("SampleRef", item.thing))
            case _ if item.key.startswith(_THEME):
                self._use_theme(item.key.removeprefix(_THEME))
            case _ if item.key == _BELL:
                self.memory.put("bell", not self._rings)
                self._tell(f"Bell {'on' if self._rings else 'off'}")
            case _:
                self.call_later(self._do, item.thing)

    async def _do(self, offered: Any) -> None:
        """Do what a key would, where it would do it."""
        if offered.pane is not None:
            self.screen.set_focus(offered.pane)
        await self.run_action(offered.binding.action, offered.node)

    def show_in(self, place: str, thing: object) -> None:
        """Go to a place and put the cursor on something."""
        from .screens.base import BaseScreen

        async def go() -> None:
            await self.switch_mode(place)
            if isinstance(self.screen, BaseScreen):
                self.screen.reveal(thing)

        self.call_later(go)

    # Help, and jumping

    def action_show_help_panel(self) -> None:
        """Say what the place is for, and what the keys do."""
        from .dialogs.help import HelpScreen
        from .input.active_bindings import offered_elsewhere, offered_here

        screen = self.screen
        place = getattr(screen, "PLACE", "")
        title = PLACES.get(place, self.title)
        here = offered_here(screen)
        elsewhere = offered_elsewhere(screen, self._moved_keys)
        groups = (
            (title, [one for one in here if one.node is not self]),
            ("In the other panes", elsewhere),
            ("Everywhere", [one for one in here if one.node is self]),
        )
        sections = [
            (head, [(" ".join(one.keys), one.does) for one in sorted(group, key=lambda one: not one.binding.show)])
            for head, group in groups
        ]
        closing = self._keys_of("app.help", "question_mark")
        self.push_screen(HelpScreen(title, screen.HELP or "", sections, closing_keys=closing))

    def action_jump(self) -> None:
        """Show a letter on every pane."""
        from .input.jump import JumpScreen

        below: Screen[Any] = self.screen

        def jump(pane: Widget | None) -> None:
            if pane is not None and pane.is_attached and pane.focusable:
                below.set_focus(pane)

        self.push_screen(JumpScreen(below), jump)

    # The screen, themes, the bell, pictures

    def action_draw_again(self) -> None:
        """Send the whole screen, also what the terminal is believed to show."""
        from .terminal.driver import ResilientDriver

        if isinstance(self._driver, ResilientDriver):
            self._driver.forget()
        self.screen.refresh()

    def action_choose_theme(self) -> None:
        """Choose the colours."""
        from .dialogs.picker import ChooseScreen
        from .widgets.table.table import Column, Row, TableCell

        columns = (Column("theme", "theme", 14), Column("says", "", 0))
        rows = [Row(name, (TableCell(name), TableCell(words, "dim"))) for name, words in THEME_WORDS.items()]

        def take(name: str | None) -> None:
            if name is not None:
                self._use_theme(name)

        self.push_screen(ChooseScreen("Theme", columns, rows, at=self.theme), take)

    def _use_theme(self, name: str) -> None:
        """Take a theme and remember it; NO_COLOR is obeyed before."""
        self.memory.put("theme", name)
        if "NO_COLOR" in self._environ:
            self._tell("NO_COLOR is set, so there are no colours: the theme counts once it is not", "warning")
            return
        self.theme = name
        if name != ANSI and forced_theme(self._environ) is not None:
            self._tell("This terminal says that it has few colours: the next start is in ansi again", "warning")

    @property
    def _rings(self) -> bool:
        return self.memory.get("bell", True)

    def _ring(self) -> None:
        """Ring, where the user is in another window and has not switched it off."""
        if self._rings and not self.app_focus:
            self.bell()

    def action_save_picture(self) -> None:
        """Save the screen as an SVG file."""
        self._tell(f"Saved {self.save_screenshot()}")
