"""Cleaning text at the exit to the terminal, whoever wrote it.

Models, servers and files may hold escape sequences, control and bidirectional characters. They are shown, never
obeyed: each becomes a visible stand-in.
"""

from __future__ import annotations

from ..evals.results.clean import clean

LONGEST_LINE = 4096  # characters: more than a screen holds, and what wrapping it costs is not felt


def clean_line(text: str, width: int | None = None) -> str:
    """The text as one clean line, cut to `width` characters (at most `LONGEST_LINE`) with an ellipsis if longer."""
    most = LONGEST_LINE if width is None else min(width, LONGEST_LINE)
    line = clean(" ".join(text[: 2 * LONGEST_LINE].split()))
    if len(line) > most or len(text) > 2 * LONGEST_LINE:
        return line[: max(most - 1, 0)] + "…"
    return line
