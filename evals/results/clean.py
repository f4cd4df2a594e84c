"""Making visible what a reader's terminal or browser might obey, whoever wrote it.

Models, servers and files may hold escape sequences, control and bidirectional characters. Each becomes a visible
stand-in.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff"
    "\ud800-\udfff]"  # lone surrogates cannot be encoded
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"<{code:02X}>" if code < 0x100 else f"<U+{code:04X}>"


def clean(text: str) -> str:
    """The text with everything a terminal might obey made visible; tabs and newlines stay."""
    return _UNSAFE.sub(_visible, text)
