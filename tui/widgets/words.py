"""Words in a place of a fixed size, drawn again only when they have changed."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static


class Words(Static):
    """A `Static` whose styles give it its size: other words do not lay the screen out again, the same are not drawn."""

    def update(self, content: VisualType = "", *, layout: bool = False) -> None:
        """Show other content, where it is other."""
        shown = self.content
        if not (isinstance(content, Content) and isinstance(shown, Content) and content.is_same(shown)):
            super().update(content, layout=layout)
