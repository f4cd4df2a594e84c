"""The state of a cell or a run as tables show it: glyph, word and tone."""

from __future__ import annotations

from ..run_words import GLYPHS
from .line_table import Cell

_TONES = {"dim": "dim", "cyan": "accent", "yellow": "warn", "green": "good", "red": "bad"}


def state_cell(state: str, *, word: bool = True) -> Cell:
    """`● running`, or the glyph alone, in the state's tone."""
    glyph, colour = GLYPHS[state]
    return Cell(f"{glyph} {state}" if word else glyph, _TONES[colour])
