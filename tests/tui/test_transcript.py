"""The walk of the README through an agent's transcript, with the keys it names.

With `PROCTOR_SCREENSHOTS=FOLDER` its picture is saved there as SVG.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from proctor.evals.results.reader.client import Reader
from proctor.tui.screens.results.side_by_side import SideBySidePane
from proctor.tui.widgets.transcript.view import TranscriptView
from rich.style import Style
from support.agent_log import write_agent_log
from support.transcripts import TranscriptApp, read_log, screen_lines
from textual.pilot import Pilot

SAMPLE = "django-11099"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as running:
        yield running


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_agent_log(tmp_path_factory.mktemp("agent"))


class Walk:
    """The application, and what is seen of it."""

    def __init__(self, app: TranscriptApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def seen(self) -> str:
        return "\n".join(screen_lines(self.app))

    @property
    def entry(self) -> str:
        entry = self.app.pane.view.entry
        return f"{entry.label} {entry.title}".strip() if entry is not None else ""

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def picture(self, name: str) -> None:
        if folder := os.environ.get("PROCTOR_SCREENSHOTS"):
            self.app.save_screenshot(f"{name}.svg", folder)

    async def until(self, fact: Callable[[], object]) -> None:
        for _ in range(2000):
            if fact():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"it never came:\n{self.seen}")


@asynccontextmanager
async def walking(reader: Reader, log: Path, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Walk]:
    app = TranscriptApp(read_log(reader, log, SAMPLE))
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: "UsernameValidator" in walk.seen or size[1] < 16)
        yield walk


def test_an_agent_is_read_with_the_keys(reader: Reader, log: Path) -> None:
    async def drive() -> None:
        async with walking(reader, log) as walk:
            assert "attempt 1" in walk.seen and "sandbox went away" in walk.seen
            assert "Outline" in walk.seen and "turn 6 bash" in walk.seen and "✗" in walk.seen
            await walk.press("right_square_bracket")
            await walk.until(lambda: "I will run the failing test first." in walk.seen)
            walk.picture("transcript-agent")
            assert "turn 1 of 7" in walk.seen and "3.1k → 212 tok · $0.0120 · 4.2s" in walk.seen
            await walk.press("t")
            assert walk.entry == "bash python -m pytest tests/validators -x" and "exit 1" in walk.seen
            await walk.until(lambda: "206 lines more" in walk.seen)
            await walk.press("enter")
            await walk.until(lambda: "E   line 20 of it" in walk.seen)
            await walk.press("enter")
            await walk.until(lambda: "206 lines more" in walk.seen)
            await walk.press("exclamation_mark")
            assert walk.entry == "bash sleep 900"
            await walk.until(lambda: "no answer within 180 s" in walk.seen)
            await walk.press("exclamation_mark")  # from the last to the first
            assert walk.entry == "attempt 1 sandbox went away"
            await walk.press("a", "a")
            assert walk.entry == "agent reader"
            await walk.press("colon", *"4", "enter")
            await walk.until(lambda: "The anchors are wrong." in walk.seen)
            await walk.press("t")
            await walk.until(lambda: "+regex = r'\\A[\\w.]+\\Z'" in walk.seen)

    asyncio.run(drive())


def test_folding_kinds_and_search(reader: Reader, log: Path) -> None:
    async def drive() -> None:
        async with walking(reader, log) as walk:
            await walk.press("f")
            assert "all folded" in walk.seen and "UsernameValidator" not in walk.seen
            await walk.press("f")
            await walk.until(lambda: "all unfolded" in walk.seen)
            await walk.press("f", "k", "o")
            await walk.press("escape")
            assert "only model calls" in walk.seen and "bash  python" not in walk.seen
            await walk.press("k", "a", "escape")
            await walk.press("slash", *"line 200 of", "enter")
            await walk.until(lambda: "match 1 of 2" in walk.seen)
            await walk.until(lambda: "E   line 200 of it" in walk.seen)  # unfolded for it
            await walk.press("n")
            assert "match 2 of 2" in walk.seen
            await walk.press("escape")
            assert "match" not in walk.seen

    asyncio.run(drive())


def test_the_tabs_of_a_sample(reader: Reader, log: Path) -> None:
    async def drive() -> None:
        async with walking(reader, log) as walk:
            for key, title, words in (
                ("s", "store", "validators.py"),
                ("u", "usage and limits", "not set"),
                ("m", "metadata", "django/django"),
                ("J", "the sample as JSON", "allows a trailing newline"),
                ("w", "raw model calls", "not in the log"),
            ):
                await walk.press(key)
                await walk.until(lambda title=title, words=words: title in walk.seen and words in walk.seen)  # type: ignore[misc]
            await walk.press("escape")
            await walk.until(lambda: "turn 6 bash" in walk.seen)

    asyncio.run(drive())


def test_where_there_is_little_room_the_outline_is_a_key_away(reader: Reader, log: Path) -> None:
    async def drive() -> None:
        async with walking(reader, log, (80, 24)) as walk:
            assert "Outline" not in walk.seen
            await walk.press("o")
            assert "Outline" in walk.seen
            await walk.press("G", "enter")
            assert "Outline" not in walk.seen and walk.entry == "score judge style 0.5"

    asyncio.run(drive())


def test_two_models_are_read_side_by_side(reader: Reader, log: Path, tmp_path: Path) -> None:
    async def drive() -> None:
        other = write_agent_log(tmp_path, "I will run the slow test first.")
        async with walking(reader, log) as walk:
            beside = walk.app.query_one(SideBySidePane)
            walk.app.pane.display, beside.display = False, True
            walk.app.store.beside.set((read_log(reader, log, SAMPLE), read_log(reader, other, SAMPLE)))
            await walk.pilot.pause()
            beside.left.focus()
            await walk.press("right_square_bracket")
            await walk.until(lambda: "failing test" in walk.seen and "slow test" in walk.seen)
            assert beside.right.cursor == beside.left.cursor and beside.right.cursor_row == beside.left.cursor_row
            differs = beside.left._painter.style("differs")
            await walk.until(lambda: marked(beside.left, differs) == {"failing"})
            assert marked(beside.right, differs) == {"slow"}
            await walk.press("right", "t")
            assert beside.right.has_focus and beside.left.cursor == beside.right.cursor

    asyncio.run(drive())


def marked(view: TranscriptView, style: Style) -> set[str]:
    """The words that are drawn in a style."""
    strips = [view.render_line(y) for y in range(view.size.height)]
    return {segment.text.strip() for strip in strips for segment in strip if segment.style == style} - {""}


def test_a_note_and_an_edited_score_are_written_to_the_log(reader: Reader, tmp_path: Path) -> None:
    async def drive() -> None:
        log = write_agent_log(tmp_path)
        async with walking(reader, log) as walk:
            walk.app.again = lambda: read_log(reader, log, SAMPLE)
            await walk.press("n", "enter", *"look again", "enter")
            await walk.until(lambda: "note: look again" in walk.seen)
            await walk.press("n", "end", "enter", *"broken sandbox", "enter")
            await walk.until(lambda: "invalidated by" in walk.seen and "broken sandbox" in walk.seen)
            await walk.press("n", "end", "enter")
            await walk.until(lambda: "invalidated by" not in walk.seen)

    asyncio.run(drive())


@pytest.mark.parametrize("size", [(160, 50), (80, 24), (40, 12)])
def test_every_line_can_be_reached_by_going_down(reader: Reader, log: Path, size: tuple[int, int]) -> None:
    async def drive() -> None:
        async with walking(reader, log, size) as walk:
            seen: set[str] = set()
            for _ in range(120):
                seen |= set(re.findall(r"[\w.]+", walk.seen))
                await walk.press("pagedown")
                if walk.app.pane.view.is_at_end:
                    break
            await walk.press("G")
            await walk.until(lambda: "Fair." in walk.seen)
            assert {"pytest", "Which", "browser", "still"} <= seen | set(re.findall(r"[\w.]+", walk.seen))

    asyncio.run(drive())
