"""Reasons in one short line: an exception or a server may bring a megabyte, or text that no encoding holds."""

from __future__ import annotations

MAX_CHARS = 500


def reason_line(text: str) -> str:
    """The first line of a text that says anything, on one line, cut and encodable; empty where there is none."""
    head = next((line for line in text[: MAX_CHARS * 40].splitlines() if line.strip()), "")
    line = " ".join(head.split()).encode("utf-8", "replace").decode("utf-8")
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"
