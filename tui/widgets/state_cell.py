"""The state of a cell or a run as tables show it: glyph, word and tone."""

from __future__ import annotations

from ...evals.views.run_states import GLYPHS
from .table.table import TableCell

_TONES = {"dim": "dim", "cyan": "accent", "yellow": "warn", "green": "good", "red": "bad"}


def state_cell(state: str, *, word: bool = True) -> TableCell:
    """`● running`, or the glyph alone, in the state's tone."""
    glyph, colour = GLYPHS[state]
    return TableCell(f"{glyph} {state}" if word else glyph, _TONES[colour])
