"""Text of models, servers and files that would take the terminal over, in every place that shows any."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest
from made_app import MadeApp, each_screen, painted, settled
from made_state import failures, made_state
from proctor.tui.clean import clean
from proctor.tui.messages import RunFailedToStart

HOSTILE = (
    "\x1b[2J\x1b]52;c;aGFjaw==\x07\x1bP+q\x1b\\[bold red]markup[/] [@click=app.quit]x[/] [/] \u202egnp.exe\u202c "
    "zero\u200bwidth \x9b31m \x85 \ud800lone \U000e0041tag e\u0301\u0301\u0301 \r\n\t\x00 end"
)
LONG = "m" * 1_000_000
PATIENCE_S = 60.0  # for thirty screens; one that reads a megabyte letter by letter takes longer
RAW = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e0fff]")


def hostile(text: str) -> str:
    """The text, and what nobody wants to see obeyed."""
    return f"{text} {HOSTILE}"


def endless(text: str) -> str:
    """The text in a line without an end."""
    return f"{text}{LONG}"


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
                app.store.put(failures=failures(say))
                app.post_message(RunFailedToStart(failures(say)["runs"]))
                await settled(pilot)
                assert_tame(app, f"{screen} with errors")
                app.clear_notifications()
                app.store.put(failures={})
        return seen

    seen = asyncio.run(look())
    assert time.monotonic() - began_s < PATIENCE_S
    assert size == (40, 12) or any(("␛[2J␛]52;c;aGFjaw==␇" if say is hostile else "mmmmmm") in word for word in seen)
