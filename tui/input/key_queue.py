"""What is typed, in its order: each key goes to what has the focus when the one before has had its effect.

Textual gives a key to the widget that has the focus when it comes in, and runs what is bound to it when it has come up
to the application. Keys that come at once (a paste, tmux, a slow line) would all go to the first of these widgets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App
    from textual.events import Key, Paste
    from textual.message_pump import MessagePump

PATIENCE_S = 2.0  # what takes longer does not hold up what is typed next


class KeyQueue:
    """Holds keys and pastes back until the effect of the one before has come to rest.

    Args:
        app: The application that is typed to.
        deliver: Gives a key to what has the focus.
    """

    def __init__(self, app: App[Any], deliver: Callable[[Key | Paste], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._held: deque[Key | Paste] = deque()
        self._number = 0  # of keys delivered
        self._at_rest = True

    async def take(self, event: Key | Paste) -> None:
        """Deliver a key, at once or after those before it."""
        if self._at_rest:
            await self._begin(event)
        else:
            self._held.append(event)
            self._app.set_timer(PATIENCE_S, partial(self._end, self._number))

    async def _begin(self, event: Key | Paste) -> None:
        self._number += 1
        self._at_rest = False
        target = self._app.focused or self._app.screen
        await self._deliver(event)
        way = target.ancestors_with_self
        # Up with the key, which ends in its action; again with the messages that the action has caused; then the
        # screen that is there now, which may have to be composed.
        self._follow([*way, *way], partial(self._see_the_screen, self._number))

    def _follow(self, way: Sequence[MessagePump], then: Callable[[], None]) -> None:
        """Pass the queue of each, behind what is in it and behind what that puts there."""
        if way:
            first, *rest = way
            _behind(first, lambda: _behind(first, lambda: self._follow(rest, then)))
        else:
            then()

    def _see_the_screen(self, number: int) -> None:
        _behind(self._app.screen, lambda: self._app.call_later(self._end, number))

    async def _end(self, number: int) -> None:
        if number == self._number:
            self._at_rest = True
            if self._held and self._app.screen_stack:  # none once it has been left
                await self._begin(self._held.popleft())


def _behind(pump: MessagePump, callback: Callable[[], object]) -> None:
    """Call back behind what is in a queue now; at once where the queue has ended."""
    if not pump.call_later(callback):
        callback()
