"""Text of models, servers and files that would take the terminal over, in every place that shows any."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hostile_text import RAW, SHOWN, endless, hostile
from made_app import MadeApp, each_screen, painted, settled
from made_state import failures, made_state
from proctor.profiles.base.text import clean
from support.stores import fail, mend

PATIENCE_S = 60.0  # for thirty screens; one that reads a megabyte letter by letter takes longer


def assert_tame(app: MadeApp, where: str) -> None:
    for runs in painted(app):
        line = "".join(text for text, _ in runs)
        assert clean(line) == line, f"{where}: {line!r}"
        assert not RAW.search(line), f"{where}: {line!r}"
        line.encode()
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            assert not segment.control
            assert segment.style is None or not segment.style.link
            assert "app.quit" not in str(segment.style.meta if segment.style else ""), f"{where}: markup is obeyed"


@pytest.mark.parametrize(("say", "size"), [(hostile, (120, 36)), (hostile, (40, 12)), (endless, (120, 36))])
def test_it_is_shown_and_not_obeyed(say: Any, size: tuple[int, int]) -> None:
    began_s = time.monotonic()

    async def look() -> set[str]:
        app = MadeApp(source="hub", environ={})
        state = made_state(say, samples=5)
        seen: set[str] = set()
        async with app.run_test(size=size, notifications=True) as pilot:
            async for screen in each_screen(pilot, state):
                assert_tame(app, screen)
                seen |= {word for runs in painted(app) for text, _ in runs for word in text.split()}
                fail(app.store, failures(say))
                app.host.notify(str(failures(say)["runs"]), "error")
                await settled(pilot)
                assert_tame(app, f"{screen} with errors")
                app.clear_notifications()
                mend(app.store)
        return seen

    seen = asyncio.run(look())
    assert time.monotonic() - began_s < PATIENCE_S
    assert size == (40, 12) or any((SHOWN if say is hostile else "mmmmmm") in word for word in seen)
