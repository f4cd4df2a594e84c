"""What is done when a cursor rests: a pane that followed every step would cost more than the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.timer import Timer

REST_S = 0.1  # longer than a held key takes to repeat


class Debounced:
    """A call that waits until nothing has asked for it for a while.

    Args:
        node: The mounted widget or screen whose call it is.
        call: Runs on the event loop.
        after_s: How long it waits after it was asked for last.
    """

    def __init__(self, node: MessagePump, call: Callable[[], object], after_s: float = REST_S) -> None:
        self._node = node
        self._call = call
        self._after_s = after_s
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Wait from now on."""
        self.end()
        self._timer = self._node.set_timer(self._after_s, self._over)

    def end(self) -> None:
        """Wait no longer; it is not called."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        self._call()
