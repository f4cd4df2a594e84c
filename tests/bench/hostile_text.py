"""Text that would take a terminal over, as a model, a server or a file may say it, and how to tell that it did."""

from __future__ import annotations

import re

HOSTILE = (
    "\x1b[2J\x1b]52;c;aGFjaw==\x07\x1bP+q\x1b\\[bold red]markup[/] [@click=app.quit]x[/] [/] \u202egnp.exe\u202c "
    "zero\u200bwidth \x9b31m \x85 \ud800lone \U000e0041tag e\u0301\u0301\u0301 \r\n\t\x00 end"
)
SHOWN = "␛[2J␛]52;c;aGFjaw==␇"  # how it begins, once it has been cleaned
LONG = "m" * 1_000_000
RAW = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e0fff]")
# What Proctor's own output moves the cursor by, colours with, and asks a terminal or switches in it.
_OWN = re.compile(
    r"\x1b\[(?:[\d;]*[A-DGHKm]|\?[\d;]+[hl]|\?\d+\$p|[<>]\d*u)|\x1b\]22;\w+\x07|\x1bD|[\r\n\b]"
)  # fmt: skip


def hostile(text: str) -> str:
    """The text, and what nobody wants to see obeyed."""
    return f"{text} {HOSTILE}"


def endless(text: str) -> str:
    """The text in a line without an end."""
    return f"{text}{LONG}"


def obeyed(written: bytes) -> list[str]:
    """What a terminal was sent and might obey, and is none of Proctor's own; each with what is around it."""
    left = _OWN.sub("", written.decode())
    return [left[max(found.start() - 30, 0) : found.end() + 30] for found in RAW.finditer(left)]
