"""Words that are drawn again only when they have changed."""

from __future__ import annotations

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static


class Words(Static):
    """A `Static` that may be updated as often as one likes: the same content is neither laid out nor written again."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show other content, where it is other."""
        shown = self.content
        if not (isinstance(content, Content) and isinstance(shown, Content) and content.is_same(shown)):
            super().update(content, layout=layout)
