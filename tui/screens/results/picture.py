"""One picture as large as the terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from ....profiles.base.text import clean_line
from ...terminal.pictures.graphics import Graphics, PictureError, open_picture, picture_widget
from ...widgets.footer import KeyLine

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Picture


class PictureScreen(ModalScreen[None]):
    """The pictures of a transcript, one at a time.

    Args:
        pictures: All of them; at least one.
        at: Which one is shown first.
        graphics: What the terminal has.
    """

    DEFAULT_CSS = """
    PictureScreen {
        background: $background;
        & > .picture--title { dock: top; height: 1; padding: 0 1; text-style: bold; }
        & > Container { align: center middle; }
        & > Container > * { width: auto; height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,i,q", "dismiss", "back", id="picture.back", tooltip="Back to the transcript"),
        Binding("right_square_bracket,right", "step(1)", "next", id="picture.next", tooltip="The next picture"),
        Binding(
            "left_square_bracket,left", "step(-1)", show=False, id="picture.previous", tooltip="The picture before"
        ),
    ]

    title_line = query_one(".picture--title", Static)
    frame = query_one(Container)

    def __init__(self, pictures: Sequence[Picture], at: int, graphics: Graphics) -> None:
        super().__init__()
        self._pictures = pictures
        self._at = at
        self._graphics: Graphics = graphics

    def compose(self) -> ComposeResult:
        """The title and the place of the picture."""
        yield Static(markup=False, classes="picture--title")
        yield Container()
        yield KeyLine(palette=False)

    def on_mount(self) -> None:
        """Show the first, once what is around it stands: a picture is dear to send, and would be with each layout."""
        self.call_after_refresh(self._show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer another picture only where there is one."""
        return len(self._pictures) > 1 if action == "step" else super().check_action(action, parameters)

    async def action_step(self, by: int) -> None:
        """Show another; after the last one the first."""
        self._at = (self._at + by) % len(self._pictures)
        await self._show()

    async def _show(self) -> None:
        picture = self._pictures[self._at]
        words = f"picture {self._at + 1} of {len(self._pictures)} · {picture.media_type}"
        shown: Widget
        try:
            image = open_picture(picture)
        except PictureError as error:
            shown = Static(clean_line(str(error)), markup=False)
        else:
            words += f" · {image.width}×{image.height} pixels, drawn with {self._graphics}"
            shown = picture_widget(image, self._graphics)
        self.title_line.update(Content(clean_line(words)), layout=False)
        await self.frame.remove_children()
        await self.frame.mount(shown)
