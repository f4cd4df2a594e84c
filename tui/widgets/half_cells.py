"""Pictures out of half cells: two pixels above each other in every cell, on any terminal with colours."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from ...evals.results.transcript import Picture

MOST_PIXELS = 40_000_000  # a small file may hold a picture that fills the memory


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
    from PIL import Image

    try:
        data = base64.b64decode(picture.data, validate=True)
        with Image.open(io.BytesIO(data)) as image:
            size = image.size
            if size[0] * size[1] > MOST_PIXELS:
                return _words(f"[picture of {size[0]}×{size[1]} pixels: too large to be drawn]")
            image.draft("RGB", (columns * 2, lines * 4))
            small = image.convert("RGB")
            small.thumbnail((columns, lines * 2))
            pixels = small.tobytes()
            width, height = small.size
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return _words(f"[picture that cannot be drawn: {type(error).__name__}]")
    rows: list[tuple[Segment, ...]] = []
    for y in range(0, height, 2):
        row: list[Segment] = []
        for x in range(width):
            upper = _colour(pixels, (y * width + x) * 3)
            lower = _colour(pixels, ((y + 1) * width + x) * 3) if y + 1 < height else None
            row.append(Segment("▀", Style(color=upper, bgcolor=lower)))
        rows.append(tuple(row))
    return HalfCells(tuple(rows))


def _words(words: str) -> HalfCells:
    return HalfCells(((Segment(words, Style(dim=True)),),))


def _colour(pixels: bytes, at: int) -> Color:
    return Color.from_rgb(pixels[at], pixels[at + 1], pixels[at + 2])
