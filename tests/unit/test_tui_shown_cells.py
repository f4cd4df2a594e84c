"""Only the cells that change are sent, and the terminal shows what it would if everything were."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from proctor.tui.terminal.frame_diff import ShownCells
from pyte import Screen, Stream
from terminal import as_seen

COLUMNS, ROWS = SIZE = 40, 8
STYLES = [
    "", "1", "4", "7", "2;31", "38;2;224;224;224;48;2;18;18;18", "38;2;141;141;141;48;2;18;18;18", "48;2;18;18;18",
    "1;38;2;221;237;249;48;2;1;120;212", "4;38;2;141;141;141;48;2;18;18;18", "31", "91;44", "38;5;200;48;5;17", "39;49",
]  # fmt: skip
CERTAIN = ["word", "  ", "1 234", "●", "✓ ok", "─┤", "▐", "naïve", "≈", "░█"]
UNCERTAIN = ["中文", "e\u0301", "👍", "\u05d0\u05d1", "한"]


class Far:
    """A terminal that is sent everything, and one that is sent what changes."""

    def __init__(self) -> None:
        self.whole, self.changed = Screen(*SIZE), Screen(*SIZE)
        self._streams = Stream(self.whole), Stream(self.changed)
        self._shown = ShownCells()
        for screen in (self.whole, self.changed):
            screen.reset_mode(7, private=True)  # no wrapping: Textual switches it off

    def write(self, data: str) -> str:
        """Send a frame to both; what the second was sent."""
        changes = self._shown.changes(data, SIZE)
        for stream, sent in zip(self._streams, (data.replace("\n", "\r\n"), changes), strict=True):
            stream.feed(sent)
        return changes

    def differing(self) -> list[tuple[int, int]]:
        """Where one can see a difference."""
        places = [(y, x) for y in range(ROWS) for x in range(COLUMNS)]
        return [(y, x) for y, x in places if as_seen(self.whole.buffer[y][x]) != as_seen(self.changed.buffer[y][x])]


def run(text: str, style: str = "") -> str:
    """A run of text, as Textual writes it."""
    return f"\x1b[{style}m{text}\x1b[0m" if style else text


def frame(*pieces: tuple[int, int, str]) -> str:
    """Pieces at their lines and places, from 1."""
    return "\n".join(f"\x1b[{y};{x}H{text}" for y, x, text in pieces) + "\x1b[1;1H"


def some_text(draw: random.Random, columns: int, words: list[str]) -> str:
    """Runs of words in styles, in as many columns at most; no more where some are wide."""
    made = ""
    while columns > 0 and draw.random() < 0.9:
        word = draw.choice(words)[: columns // 2]
        columns -= 2 * len(word) + 1
        made += run(word or " ", draw.choice(STYLES))
    return made


def frames(draw: random.Random, words: list[str]) -> Iterator[str]:
    """Whole screens, lines, and parts of lines, some of them again."""
    before: list[str] = []
    for _ in range(40):
        first = draw.randrange(1, ROWS + 1)
        lines = range(first, draw.randrange(first, ROWS + 1) + 1)
        pieces = [(y, x, some_text(draw, COLUMNS + 1 - x, words)) for y in lines for x in [draw.randrange(1, 30)]]
        before.append(frame(*pieces))
        yield draw.choice(before[-4:])


@pytest.mark.parametrize("words", [CERTAIN, [*CERTAIN, *UNCERTAIN]], ids=["one cell each", "any"])
def test_the_terminal_shows_what_it_would_if_everything_were_sent(words: list[str]) -> None:
    for seed in range(10):
        far = Far()
        for number, data in enumerate(frames(random.Random(seed), words)):
            far.write(data)
            assert not far.differing(), f"seed {seed}, frame {number}"


def test_what_is_there_already_is_not_sent() -> None:
    far = Far()
    row = run("▸ openai/gpt-oss-120b    0.25", "1;38;2;224;224;224;48;2;18;18;18")
    assert "▸ openai/gpt-oss-120b    0.25" in far.write(frame((2, 1, row)))
    assert far.write(frame((2, 1, row))) == ""
    assert far.write(frame((2, 1, row.replace("0.25", "0.26")))) == "\x1b[2;29H6\x1b[1;1H"


def test_a_style_is_turned_on_once_for_all_that_has_it() -> None:
    far = Far()
    far.write(frame((1, 1, run("x" * COLUMNS, "48;2;18;18;18"))))
    grey, green = "38;2;141;141;141;48;2;18;18;18", "38;2;138;212;161;48;2;18;18;18"
    pieces = [(y, 3, run("[ ]", grey) + run("  ● live", green)) for y in range(2, 6)]
    sent = far.write(frame(*pieces))
    assert (sent.count("141;141;141"), sent.count("138;212;161")) == (1, 1)
    assert not far.differing()


@pytest.mark.parametrize("word", UNCERTAIN)
def test_text_that_may_take_other_cells_goes_out_as_it_came(word: str) -> None:
    far = Far()
    line = run(f"so {word} it is", "31")
    beside = 1, 30, run("beside", "32")
    first = far.write(frame((1, 1, line), beside))
    assert line in first
    assert line in far.write(frame((1, 1, line))), "every time"
    assert "beside" in far.write(frame(beside)), "it may have been shifted"
    assert far.write(frame(beside)) == ""


@pytest.mark.parametrize(
    "other",
    ["\x1b[?1049h", "\x1b[2;1H\x1bP0;1;0q#0~\x1b\\", "\x1b[2J", "plain", "\x9b2J"],
)
def test_nothing_is_taken_for_known_after_what_is_no_frame(other: str) -> None:
    shown = ShownCells()
    data = frame((1, 1, run("a line", "31")))
    first = shown.changes(data, SIZE)
    assert shown.changes(data, SIZE) == ""
    assert shown.changes(other, SIZE) == f"\x1b[0m{other}", "in no style of what was before"
    assert shown.changes(data, SIZE) == first


PICTURE = '\x1bP0;0;0q"1;1;20;12#0~-#0~\x1b\\'


def test_a_picture_goes_out_whole_and_once_after_the_text_that_it_covers() -> None:
    shown = ShownCells()
    data = frame(*((y, 3, f"    \x1b[2;3H{PICTURE}\x1b[{y};7Hright of {y}") for y in (2, 3)))
    first = shown.changes(data, SIZE)
    assert first.count("\x1bP") == 1
    assert first.endswith(f"\x1b[2;3H{PICTURE}\x1b[1;1H")
    assert "\x1b[2;3H    right of 2" in first and "\x1b[3;3H    right of 3" in first
    assert shown.changes(data, SIZE) == "", "it is there already"
    blank = frame((2, 3, "    "))
    assert "    " in shown.changes(blank, SIZE), "what is under a picture is not known"
    assert shown.changes(data, SIZE).count(PICTURE) == 1, "something was written over it"
    shown.forget()
    assert shown.changes(data, SIZE) == "\x1b[0m" + first.removeprefix("\x1b[0m")


@pytest.mark.parametrize(
    "escape",
    ["\x1b]52;c;aGFjaw==\x07", "\x9b2J", "\x1b_Ga=p\x1b\\", "\x1bPtmux;x\x1b\\", "\x1b[6n", "\x1b]0;x\x1b\\", "\x1bc"],
)
def test_no_frame_lets_an_escape_sequence_through_that_somebody_wrote(escape: str) -> None:
    sent = ShownCells().changes(frame((1, 1, run(f"so {escape} it is", "31"))), SIZE)
    words = "".join(character for character in escape if character.isprintable())
    assert f"so {words} it is" in sent


@pytest.mark.parametrize("other", ["\x07", "\x1b]22;default\x07", "\x1b]52;c;aGFjaw==\x1b\\"])
def test_what_changes_no_cell_goes_by(other: str) -> None:
    shown = ShownCells()
    data = frame((1, 1, run("a line", "31")))
    shown.changes(data, SIZE)
    assert shown.changes(other, SIZE) == other
    assert shown.changes(data, SIZE) == ""


def test_a_terminal_of_another_size_is_sent_everything() -> None:
    shown = ShownCells()
    data = frame((1, 1, run("a line", "31")))
    first = shown.changes(data, SIZE)
    assert shown.changes(data, (COLUMNS + 1, ROWS)) == first
    too_long = frame((1, COLUMNS - 2, "beyond"))
    assert shown.changes(too_long, (COLUMNS + 1, ROWS)).startswith(f"\x1b[0m{too_long}")
    assert "a line" in shown.changes(data, (COLUMNS + 1, ROWS)), "the last cell is what was beyond it"
    shown.forget()
    assert shown.changes(data, (COLUMNS + 1, ROWS)) == first
