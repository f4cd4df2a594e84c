"""Pictures on terminals that have graphics: what is asked of them, what arrives, and what is left on the screen."""

from __future__ import annotations

import base64
import io
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from made_run import make_run
from picture_terminal import PictureTerminal
from PIL import Image
from terminal import ESCAPE, PAGE_DOWN
from textual_image._sixel import image_to_sixels

DRAW = "\x0c"
PATIENT = """
from proctor.tui.terminal.pictures import graphics as pictures
pictures.textual_image()  # as drawing a transcript does
from textual_image import _terminal
read, pictures._ANSWER_S = _terminal.read, 10  # a busy machine answers later than a terminal
_terminal.read = lambda file, count, timeout: read(file, count, 10)
from proctor.tui.cli.main import main
main()
"""
SIZE = 300, 200


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.radial_gradient("L").resize(SIZE).convert("RGB")


@pytest.fixture(scope="module")
def logs(bench: Any, picture: Image.Image) -> str:
    data = io.BytesIO()
    picture.save(data, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    make_run(bench.home / "seen-logs", "20251123-210000-seen", "A run that sees", samples=2, picture=url)
    return "seen-logs"


@pytest.fixture(scope="module")
def terminals(bench: Any, logs: str) -> Iterator[dict[str, PictureTerminal]]:
    """The application in a transcript, on terminals of several kinds."""

    def on(graphics: str, has_size: bool = True, **environment: str) -> PictureTerminal:
        command = sys.executable, "-c", PATIENT, "--log-dir", logs
        return PictureTerminal(graphics, command, {**bench.environment, **environment}, bench.home, has_size)

    with (
        on("sixel") as sixel,
        on("kitty") as kitty,
        on("sixel", has_size=False) as without_size,
        on("kitty", COLORTERM="") as few_colours,
    ):
        opened = {"sixel": sixel, "kitty": kitty, "without size": without_size, "few colours": few_colours}
        for keys, words in (("", "A run that sees"), ("g\r", "n=2"), ("\r", "#2"), ("\r", "▀▀▀")):
            for terminal in opened.values():
                terminal.send(keys)
            for terminal in opened.values():
                terminal.until(words)
                terminal.quiet(0.1)
        yield opened


def to_picture(terminal: PictureTerminal, graphics: str) -> None:
    """Open the picture on its own."""
    terminal.send("i")
    terminal.until(f"drawn with {graphics}")
    if graphics != "half cells":
        terminal.until(lambda: any(map(any, terminal.marks())))
    terminal.quiet()


@pytest.fixture(params=["sixel", "kitty"])
def terminal(request: pytest.FixtureRequest, terminals: dict[str, PictureTerminal]) -> PictureTerminal:
    return terminals[request.param]


def test_in_a_transcript_nothing_is_left_of_it_where_it_was(terminals: dict[str, PictureTerminal]) -> None:
    terminal = terminals["few colours"]
    before = terminal.cells()
    for there, back, word in ((PAGE_DOWN, "g", "Line 20"), ("?", ESCAPE, "esc close")):
        terminal.send(there)
        terminal.until(word)
        terminal.send(back)
        terminal.until(lambda word=word: word not in terminal.display())
        terminal.quiet()
        assert terminal.cells() == before


def test_it_arrives_as_it_is_and_goes_without_a_trace(terminal: PictureTerminal, picture: Image.Image) -> None:
    before = terminal.cells()
    to_picture(terminal, terminal.graphics)
    columns, lines = shape_of_what_stands_alone(terminal)
    if terminal.graphics == "sixel":
        assert set(terminal.pictures) == {image_to_sixels(picture.resize((columns * 10, lines * 20)))}
    else:
        arrived = pngs_of(terminal.pictures)[-1]
        assert arrived.tobytes() == picture.resize(arrived.size).tobytes()
        assert re.search(rf"a=p,i=\d+,c={columns},r={lines},U=1", terminal.pictures[-1])
    terminal.send(ESCAPE)
    terminal.until("▀▀▀")
    terminal.quiet()
    assert terminal.cells() == before


def test_on_its_own_it_is_silent_and_drawn_again_where_it_was_lost(terminal: PictureTerminal) -> None:
    to_picture(terminal, terminal.graphics)
    assert terminal.written.count(b"\x1b[c") == 1, "it is asked once"
    assert terminal.bytes_within(2, at_most=0) == 0
    before, marks = terminal.cells(), terminal.marks()
    terminal.wipe()
    terminal.send(DRAW)
    terminal.until("drawn with")
    terminal.quiet()
    assert terminal.cells() == before
    for terminal.cell, size in (((9, 18), (80, 24)), ((10, 20), (120, 36))):
        terminal.resize(*size)
        terminal.until(lambda: stands_alone(terminal))
        terminal.quiet()
        shape_of_what_stands_alone(terminal)
    assert terminal.marks() == marks


def test_where_its_colours_would_not_arrive_as_they_are_it_is_half_cells(terminals: dict[str, PictureTerminal]) -> None:
    to_picture(terminals["few colours"], "half cells")
    assert terminals["few colours"].pictures == []


def test_cells_are_as_large_as_the_terminal_says_where_only_it_knows(
    terminals: dict[str, PictureTerminal], picture: Image.Image
) -> None:
    terminal = terminals["without size"]
    to_picture(terminal, "sixel")
    columns, lines = shape_of_what_stands_alone(terminal)
    assert set(terminal.pictures) == {image_to_sixels(picture.resize((columns * 9, lines * 18)))}


def shape_of_what_stands_alone(terminal: PictureTerminal) -> tuple[int, int]:
    """The columns and lines of a picture that is a whole rectangle, with nothing else but the title and the keys."""
    marks, cells = terminal.marks(), terminal.cells()
    lines = [y for y, line in enumerate(marks) if any(line)]
    columns = [x for x, is_mark in enumerate(marks[lines[0]]) if is_mark]
    for y, line in enumerate(cells):
        if y in lines:
            assert [x for x, is_mark in enumerate(marks[y]) if is_mark] == columns
            assert {cell.data for cell, is_mark in zip(line, marks[y], strict=True) if not is_mark} == {" "}
        else:
            assert any(cell.data != " " for cell in line) == (y in (0, len(cells) - 1))
    assert len(columns) == columns[-1] + 1 - columns[0] and len(lines) == lines[-1] + 1 - lines[0]
    return len(columns), len(lines)


def stands_alone(terminal: PictureTerminal) -> bool:
    """Whether the screen is drawn whole."""
    try:
        shape_of_what_stands_alone(terminal)
    except (AssertionError, IndexError):
        return False
    return True


def pngs_of(strings: list[str]) -> list[Image.Image]:
    """What was sent by kitty's protocol."""
    found, data = list[Image.Image](), ""
    for string in strings:
        if part := re.fullmatch(r"\x1b_Gi=\d+,m=([01]),f=100,q=2;([A-Za-z0-9+/=]+)\x1b\\", string):
            data += part[2]
            if part[1] == "0":
                found.append(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))
                data = ""
    return found
