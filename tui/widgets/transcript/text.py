"""A transcript as blocks of clean text, and blocks as the lines of a screen. No widget in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ....evals.results.labels import split_model
from ....profiles.base.format import format_count, format_latency, format_usd
from ....profiles.base.text import clean, clean_line

if TYPE_CHECKING:
    from ....evals.inspect.logs.transcript import CallFacts, Part, Picture, Transcript

TAB = "    "
_LABELS = {
    "system": ("system", "dim"),
    "user": ("user", ""),
    "assistant": ("model", ""),
    "reasoning": ("thinks", "dim"),
    "tool_call": ("calls", "accent"),
    "tool_result": ("result", ""),
    "served_by": ("", "dim"),
    "error": ("error", "bad"),
    "info": ("", "dim"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """Something with a label before it. `text` is clean; `tone` is one of a `LineTable`'s."""

    label: str
    text: str
    tone: str = ""
    picture: Picture | None = None  # drawn below the text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the screen: a piece of a block's text, a line of its picture, or nothing."""

    block: int
    start: int
    end: int
    picture_line: int | None = None


def said_blocks(transcript: Transcript) -> list[Block]:
    """What was said, thought, called and judged, with what every call was."""
    blocks: list[Block] = []
    told: set[int] = set()
    for part in transcript.parts:
        if part.kind == "score":
            blocks.extend(_grading(transcript.calls, told))
        blocks.extend(_part_blocks(part, transcript, told))
    blocks.extend(_grading(transcript.calls, told))
    return blocks


def raw_blocks(transcript: Transcript) -> list[Block]:
    """Every call to a model's API as it went over the wire."""
    blocks: list[Block] = []
    for number, call in enumerate(transcript.calls, 1):
        blocks.append(Block(f"call {number}", call_words(call), "accent"))
        for label, body in (("sent", call.request), ("came", call.response)):
            blocks.append(Block(label, _whole(body)) if body else Block(label, "not in the log", "dim"))
    return blocks or [Block("", "No model was called.", "dim")]


def plain_text(blocks: Iterable[Block]) -> str:
    """The blocks as clean text for the clipboard and a pager."""
    said: list[str] = []
    for block in blocks:
        text = block.text + ("\n[picture]" if block.picture else "")
        said.append(f"{block.label}: {text}" if block.label else text)
    return "\n\n".join(said) + "\n"


def call_words(call: CallFacts) -> str:
    """One call: `grader gpt-oss-120b:fastest · served by cerebras · 338 → 182 tokens · $0.0002 · 1.4s`."""
    model, route = split_model(call.model)
    name = model.rsplit("/", 1)[-1] + (f":{route}" if route else "")
    parts = [f"{call.role} {name}" if call.role else name]
    if call.served_by:
        parts.append(f"served by {call.served_by}")
    if call.input_tokens or call.output_tokens:
        parts.append(f"{format_count(call.input_tokens)} → {format_count(call.output_tokens)} tokens")
        parts.append(format_usd(call.cost_usd))
    if call.latency_s is not None:
        parts.append(format_latency(call.latency_s * 1000))
    if call.retries:
        parts.append(f"{call.retries} {'retry' if call.retries == 1 else 'retries'}")
    if call.error:
        parts.append(call.error)
    return clean_line(" · ".join(parts))


def _part_blocks(part: Part, transcript: Transcript, told: set[int]) -> Iterator[Block]:
    if part.kind == "served_by":
        if part.call is None:
            yield Block("", clean_line(f"served by {part.text}"), "dim")
        else:
            told.add(part.call)
            yield Block("", call_words(transcript.calls[part.call]), "dim")
        return
    if part.kind == "score":
        tone = "" if transcript.score is None else "good" if transcript.score >= 1 else "bad" * (transcript.score <= 0)
        yield Block("score", clean_line(part.title), tone)
        if part.text:
            yield Block("why", _whole(part.text))
        return
    label, tone = _LABELS[part.kind]
    text = _whole(part.text)
    if part.title:
        text = f"{clean_line(part.title)}{'' if part.kind == 'tool_call' else ':'} {text}"
    if part.kind == "assistant" and not text:
        text, tone = "(nothing)", "dim"
    first, *others = part.pictures or (None,)
    yield Block(label, text, tone, first)
    for picture in others:
        yield Block("", "", "", picture)


def _grading(calls: Sequence[CallFacts], told: set[int]) -> Iterator[Block]:
    """The calls that brought no message of the conversation: a grader's, and those that failed."""
    for number, call in enumerate(calls):
        if number not in told:
            told.add(number)
            label = "error" if call.error else "grader" if call.role == "grader" else ""
            words = call_words(call).removeprefix("grader " if label == "grader" else "")
            yield Block(label, words, "bad" if call.error else "dim")


def _whole(text: str) -> str:
    return clean(text.replace("\r\n", "\n")).replace("\t", TAB).strip("\n")


def wrap_blocks(blocks: Sequence[Block], width: int, picture_lines: Sequence[int]) -> Iterator[Line]:
    """The lines of blocks, made one after the other as they are asked for; an empty one before each labelled block.

    Args:
        blocks: What to show.
        width: Of a line, in cells.
        picture_lines: How many lines each block's picture takes.
    """
    for number, block in enumerate(blocks):
        if number and block.label:
            yield Line(number, 0, 0, picture_line=-1)
        if block.text or block.picture is None:
            for start, end in wrap(block.text, width):
                yield Line(number, start, end)
        for line in range(picture_lines[number]):
            yield Line(number, 0, 0, picture_line=line)


def wrap(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where the lines of a clean text begin and end: at most `width` cells and as many characters each.

    It breaks at spaces where there are any, and takes time in proportion to what is asked for, not to the text.
    """
    width = max(width, 2)
    start = 0
    while True:
        newline = text.find("\n", start, start + width + 1)
        if newline >= 0 and cell_len(text[start:newline]) <= width:
            yield start, newline
            start = newline + 1
            continue
        if len(text) - start <= width and newline < 0 and cell_len(text[start:]) <= width:
            yield start, len(text)
            return
        end = start + _fitting(text[start : start + width], width)
        space = text.rfind(" ", start + 1, end + 1)
        if space > start and text[end : end + 1] not in ("", "\n"):
            yield start, space
            start = space + 1
        else:
            yield start, end
            start = end


def _fitting(piece: str, width: int) -> int:
    """How many characters of the piece fit; at least one."""
    if cell_len(piece) <= width:
        return len(piece)
    low, high = 1, len(piece)
    while low < high:
        middle = (low + high + 1) // 2
        if cell_len(piece[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low
