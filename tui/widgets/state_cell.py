"""The state of a cell or a run as tables show it: glyph, word and tone."""

from __future__ import annotations

from ...evals.views.run_states import glyph, state_tone
from .table.table import TableCell


def state_cell(state: str, *, word: bool = True) -> TableCell:
    """`● running`, or the glyph alone, in the state's tone."""
    return TableCell(f"{glyph(state)} {state}" if word else glyph(state), state_tone(state))
