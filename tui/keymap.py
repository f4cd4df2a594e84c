"""The keys that hold everywhere. Every binding has an id, so that a keymap can move it."""

from __future__ import annotations

from textual.binding import Binding

from .widgets.bars import PLACES

PLACE_BINDINGS: list[Binding] = [
    Binding(str(number), f"place('{key}')", title, id=f"place.{key}", tooltip=f"Go to {title}", show=False)
    for number, (key, title) in enumerate(PLACES.items(), 1)
]
