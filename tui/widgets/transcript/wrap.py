"""Where the lines of a text begin and end."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len


def wrap(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where the lines of a clean text begin and end: at most `width` cells and as many characters each.

    It breaks at spaces where there are any, and takes time in proportion to what is asked for, not to the text.
    """
    width = max(width, 2)
    start = 0
    while True:
        newline = text.find("\n", start, start + width + 1)
        if newline >= 0 and cell_len(text[start:newline]) <= width:
            yield start, newline
            start = newline + 1
            continue
        if len(text) - start <= width and newline < 0 and cell_len(text[start:]) <= width:
            yield start, len(text)
            return
        end = start + _fitting(text[start : start + width], width)
        space = text.rfind(" ", start + 1, end + 1)
        if space > start and text[end : end + 1] not in ("", "\n"):
            yield start, space
            start = space + 1
        else:
            yield start, end
            start = end


def _fitting(piece: str, width: int) -> int:
    """How many characters of the piece fit; at least one."""
    if cell_len(piece) <= width:
        return len(piece)
    low, high = 1, len(piece)
    while low < high:
        middle = (low + high + 1) // 2
        if cell_len(piece[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low
