"""Pictures out of half cells: two pixels above each other in every cell, on any terminal with colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

from .graphics import PictureError, open_picture, textual_image

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Picture

_DIM = "dim"


@dataclass(frozen=True, slots=True)
class HalfCells:
    """A picture's lines."""

    lines: tuple[tuple[Segment, ...], ...]

    @property
    def height(self) -> int:
        """How many lines it takes."""
        return len(self.lines)


def draw_half_cells(picture: Picture, columns: int, lines: int) -> HalfCells:
    """Draw a picture into at most so many cells; what cannot be drawn becomes words that say why."""
    console = Console(width=columns, height=lines, color_system="truecolor")
    try:
        image = open_picture(picture, (columns, lines * 2))
        width, height = image.size
        drawn = textual_image().HalfcellImage(image, width=width, height=(height + 1) // 2)
        segments = list(drawn.__rich_console__(console, console.options))
    except PictureError as error:
        return HalfCells(((Segment(f"[{error}]", console.get_style(_DIM)),),))
    return HalfCells(tuple(tuple(line) for line in Segment.split_lines(segments) if line))
