"""An entry as lines of the screen: its head, the pieces of its texts, what is folded. No widget in here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple

from ....profiles.base.format import format_clock, format_count, format_latency, format_usd
from .wrap import wrap

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import Block, Entry
    from .folds import Level

GUTTER = 9  # cells for the cursor, the time, or a block's label
DEEPEST = 8  # lanes that are indented further than the one around them
_SHORT_S = 100.0  # below it times have decimals

What = Literal["gap", "head", "text", "note", "picture"]


class Line(NamedTuple):
    """One line of an entry."""

    what: What
    block: int = -1
    start: int = 0
    end: int = 0  # of a picture: nothing; of a note: how many lines it stands for


def indent_of(entry: Entry, width: int) -> int:
    """How far an entry is indented; less where there is little room."""
    step = 2 if width >= 80 else 1
    return step * min(entry.depth, DEEPEST)


def entry_lines(
    entry: Entry,
    blocks: Sequence[Block],
    level: Level,
    width: int,
    picture_lines: Mapping[str, int],
) -> list[Line]:
    """All lines of an entry.

    Args:
        entry: Its head.
        blocks: Its body.
        level: How far it is unfolded.
        width: Of a line of text, in cells.
        picture_lines: How many lines each picture takes, as far as they are drawn.
    """
    lines = [Line("gap"), Line("head")] if entry.turn and level else [Line("head")]
    if level:
        for number, block in enumerate(blocks):
            lines.extend(_block_lines(number, block, level, width))
            if block.picture:
                lines.extend(Line("picture", number, at) for at in range(picture_lines.get(block.picture, 0)))
    return lines


def guessed_height(entry: Entry, level: Level) -> int:
    """About how many lines an entry takes whose body is not here yet."""
    return 1 if not level else 1 + bool(entry.turn) + entry.lines


def _block_lines(number: int, block: Block, level: Level, width: int) -> Iterator[Line]:
    text, fold = block.text, block.fold
    if not fold or level == 2:
        yield from (Line("text", number, start, end) for start, end in wrap(text, width))
        if block.left_out:
            yield Line("note", number, len(text), 0)
        return
    if fold > 0:
        first = list(islice(wrap(text, width), fold + 2))
        if len(first) <= fold + 1 and not block.left_out:
            yield from (Line("text", number, start, end) for start, end in first)
            return
        yield from (Line("text", number, start, end) for start, end in first[:fold])
        at = first[fold - 1][1]
        yield Line("note", number, at, text.count("\n", at + 1) + 1)
        return
    begin = _last_lines(text, -fold)
    if begin:
        yield Line("note", number, 0, text.count("\n", 0, begin))
    last = deque(wrap(text[begin:], width), maxlen=-fold * 2)
    yield from (Line("text", number, begin + start, begin + end) for start, end in last)


def _last_lines(text: str, count: int) -> int:
    """Where the last lines of a text begin."""
    at = len(text)
    for _ in range(count):
        at = text.rfind("\n", 0, at)
        if at < 0:
            return 0
    return at + 1


def note_text(block: Block, line: Line) -> str:
    """What stands for the lines that are folded, or not here."""
    if not line.end:
        return f"… {format_count(block.left_out)} more characters are in the log"
    chars = len(block.text) - line.start + block.left_out if line.start else 0
    size = f", {format_count(chars)} characters" if chars else ""
    where = "more" if line.start else "before"
    return f"… {line.end:,} {'line' if line.end == 1 else 'lines'} {where}{size}"


def offset_text(at_s: float | None, total_s: float) -> str:
    """When something happened since the sample began: 4.2s, 04:12, 1:04:12; nothing where that is unknown."""
    if at_s is None:
        return ""
    return f"{at_s:.1f}s" if total_s < _SHORT_S else format_clock(at_s)


def facts_text(entry: Entry) -> str:
    """What stands at the right of a head: notes, tokens, money, how long it took."""
    parts = list(entry.notes)
    usage = entry.usage
    if usage is not None and (usage.input_tokens or usage.output_tokens):
        parts.append(f"{format_count(usage.input_tokens)} → {format_count(usage.output_tokens)} tok")
        if usage.cost_usd is not None:
            parts.append(format_usd(usage.cost_usd))
    if entry.duration_s is not None:
        parts.append(format_latency(entry.duration_s * 1000))
    return " · ".join(parts)


def row_of(lines: Sequence[Line], place: tuple[int, int]) -> int | None:
    """The line of an entry in which a place of one of its texts stands: number of the block, and position."""
    block, start = place
    found = [
        row
        for row, line in enumerate(lines)
        if line.what == "text" and line.block == block and line.start <= start <= line.end
    ]
    return found[-1] if found else None
