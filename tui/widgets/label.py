"""Words that are drawn again only when they have changed."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static


class Label(Static):
    """A `Static` that does not draw the same words again. Where its styles give it its size, others lay nothing out."""

    def update(self, content: VisualType = "", *, layout: bool = False) -> None:
        """Show other content, where it is other; with `layout`, in as many lines as it takes."""
        shown = self.content
        if not (isinstance(content, Content) and isinstance(shown, Content) and content.is_same(shown)):
            super().update(content, layout=layout)
