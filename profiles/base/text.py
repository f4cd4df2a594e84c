"""Text from models, servers and files, made safe to show: control characters become visible, lines are cut.

Models, servers and files may hold escape sequences, control and bidirectional characters. Each becomes a visible
stand-in.
"""

from __future__ import annotations

import re

from .secrets import sweep

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff"
    "\ud800-\udfff]"  # lone surrogates cannot be encoded
)


_MARKS_KEPT = 4
_MARK = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_FLOOD = re.compile(f"([{_MARK}]{{{_MARKS_KEPT}}})([{_MARK}]+)")


def _counted(match: re.Match[str]) -> str:
    return f"{match[1]}<{len(match[2])} marks>"


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"<{code:02X}>" if code < 0x100 else f"<U+{code:04X}>"


def clean(text: str) -> str:
    """The text without secrets, and with everything a terminal might obey made visible; tabs and newlines stay.

    Of marks that are stacked upon one character no more than any language takes are kept, and the others are counted.
    """
    return _FLOOD.sub(_counted, _UNSAFE.sub(_visible, sweep(text)))


MAX_REASON_CHARS = 500


def reason_line(text: str) -> str:
    """The first line of a text that says anything, on one line, cut and encodable; empty where there is none."""
    head = next((line for line in text[: MAX_REASON_CHARS * 40].splitlines() if line.strip()), "")
    line = " ".join(head.split()).encode("utf-8", "replace").decode("utf-8")
    return line if len(line) <= MAX_REASON_CHARS else line[: MAX_REASON_CHARS - 1] + "…"


LONGEST_LINE = 4096  # characters: more than a screen holds, and what wrapping it costs is not felt


def clean_line(text: str, width: int | None = None) -> str:
    """The text as one clean line, cut to `width` characters (at most `LONGEST_LINE`) with an ellipsis if longer."""
    most = LONGEST_LINE if width is None else min(width, LONGEST_LINE)
    line = clean(" ".join(text[: 2 * LONGEST_LINE].split()))
    if len(line) > most or len(text) > 2 * LONGEST_LINE:
        return line[: max(most - 1, 0)] + "…"
    return line
