"""The transcript of a sample as data: entries in their order, and the blocks that each holds. No Inspect in here.

`Transcript` is light: the heads of all entries. Their blocks are read when they come near the screen. In the reader
`sample_reader.py` makes both from a log; `encode` and `decode` carry entries through JSON as short rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ....profiles.base.errors import UsageError
from ....profiles.base.text import clean, clean_line

PartKind = Literal[
    "system", "user", "assistant", "reasoning", "tool_call", "tool_result", "score", "served_by", "error", "info"
]
TAB = "    "
LONGEST_TITLE = 300  # characters of an entry's title
TABS: Mapping[str, str] = {  # what can be read of a sample, beside its transcript
    "transcript": "transcript",
    "store": "store",
    "metadata": "metadata",
    "usage": "usage and limits",
    "json": "the sample as JSON",
    "calls": "raw model calls",
}
KINDS: Mapping[str, str] = {  # what entries can be filtered by
    "model": "model calls",
    "tool": "tool calls",
    "sandbox": "sandbox",
    "oversight": "approvals and reviews",
    "score": "scores and edits",
    "error": "errors and limits",
    "input": "messages and input",
    "state": "state and store changes",
    "info": "info and loggers",
    "span": "spans",
    "other": "other events",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a message."""

    data: str  # base64
    media_type: str  # "image/jpeg"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was said in a running sample. Text is as it was written: not cleaned."""

    kind: PartKind
    text: str
    title: str = ""  # who or what: a tool's name, …


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of a model call, or of several."""

    input_tokens: int = 0  # cached ones included
    output_tokens: int = 0
    cached_tokens: int = 0  # of the input, read from a cache
    reasoning_tokens: int = 0  # of the output
    cost_usd: float | None = None  # `None`: the price is unknown

    def __add__(self, other: Usage) -> Usage:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an entry's body. Text is clean: `shown_text`."""

    text: str
    label: str = ""  # "user", "thinks", "result", …
    tone: str = ""  # "", "dim", "good", "bad", "accent"
    fold: int = 0  # lines that are seen before the entry is unfolded; 0: all, negative: the last ones
    spans: tuple[tuple[int, int, str], ...] = ()  # start, end, and one of `STYLES`
    picture: str = ""  # a name to ask for it by
    left_out: int = 0  # characters that are in the log and not here


STYLES = ("keyword", "string", "number", "name", "comment", "added", "removed")  # what a span of a block can be


@dataclass(frozen=True, slots=True)
class Entry:
    """The head of one thing that happened. `parent` and `below` make lanes: an entry's lane follows it."""

    kind: str  # of `KINDS`
    label: str  # who or what, shortly: "model", a tool's name, a span's type
    title: str = ""  # one clean line
    notes: tuple[str, ...] = ()  # what is worth a word: "exit 1", "3 retries"
    tone: str = ""
    parent: int = -1  # the position of the entry whose lane this one is in
    depth: int = 0
    below: int = 0  # how many entries follow in its lane, at any depth
    at_s: float | None = None  # since the sample began
    clock: float | None = None  # Unix time
    duration_s: float | None = None
    waited_s: float | None = None  # of the duration: for retries, limits, connections
    turn: int = 0  # number of a model call outside of scoring
    usage: Usage | None = None
    closed: bool = False  # its lane is folded at first
    lines: int = 1  # about how many lines its body takes, before anyone has seen it
    event: str = ""  # the event's own id

    @property
    def failed(self) -> bool:
        """Whether it is an error or ended with one. A wrong answer is none, nor a command that says no."""
        return self.tone == "bad" and self.kind not in ("score", "sandbox")


@dataclass(frozen=True, slots=True)
class Transcript:
    """One sample of one log: whose it is, what came of it, and the heads of all that happened."""

    task: str
    model: str  # the full Inspect model name
    sample_id: str | int
    epoch: int
    target: str = ""
    score: float | None = None  # of the headline metric's scorer
    score_text: str = ""  # as the scorer gave it: "C", "0.5", …
    scores: tuple[tuple[str, str], ...] = ()  # all of them: name and value
    entries: tuple[Entry, ...] = ()
    total_time_s: float | None = None
    working_time_s: float | None = None  # without the waits for retries and limits
    calls: int = 0  # of the model under test
    usage: Usage | None = None  # of these calls
    served_by: tuple[str, ...] = ()
    grader: str | None = None  # the models that scorers asked
    grader_usage: Usage | None = None
    self_graded: bool = False  # the model under test was one of them
    error: str | None = None
    limit: str | None = None  # which one stopped it
    invalidated: str | None = None  # by whom and why
    from_messages: bool = False  # the log has no events: these are the sample's messages
    notes: tuple[str, ...] = ()  # what people noted of this sample, with author and time
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Where the words of a search stand, as far as it has gone."""

    matches: tuple[tuple[int, int], ...]  # position of an entry, and how often they stand in it
    next: int  # the entry to go on with; the number of entries where all are searched


def shown_text(text: str) -> str:
    """A text as it is shown: clean, with spaces for tabs."""
    return clean(text.replace("\r\n", "\n")).replace("\t", TAB).strip("\n")


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: `words`, `re:pattern`, and before either `in:label` for one kind of block."""

    pattern: re.Pattern[str]
    label: str = ""

    def spans_in(self, block: Block) -> list[tuple[int, int]]:
        """Where it stands in a block."""
        if self.label and not block.label.startswith(self.label):
            return []
        return [match.span() for match in self.pattern.finditer(block.text) if match.end() > match.start()]

    def spans_in_title(self, entry: Entry) -> list[tuple[int, int]]:
        """Where it stands in an entry's title."""
        if self.label and not (entry.label.startswith(self.label) or entry.kind.startswith(self.label)):
            return []
        return [match.span() for match in self.pattern.finditer(entry.title) if match.end() > match.start()]

    def count(self, entry: Entry, blocks: Iterable[Block]) -> int:
        """How often it stands in an entry."""
        return len(self.spans_in_title(entry)) + sum(len(self.spans_in(block)) for block in blocks)


def parse_query(text: str) -> Query | None:
    """What somebody typed to search for; `None` where that is nothing.

    Raises:
        UsageError: The pattern is none.
    """
    label, words = "", text
    if match := re.match(r"in:(\S+)\s+", text):
        label, words = match.group(1), text[match.end() :]
    if not words.strip():
        return None
    if not words.startswith("re:"):
        return Query(re.compile(re.escape(clean(words)), re.IGNORECASE), label)
    if len(words) == 3:
        return None
    try:
        return Query(re.compile(words[3:], re.IGNORECASE | re.MULTILINE), label)
    except re.error as error:
        raise UsageError(f"{words[3:]!r} is no pattern: {error}") from None


def search_entries(
    query: Query,
    entries: Sequence[Entry],
    blocks_of: Callable[[int], Iterable[Block]],
    start: int,
    go_on: Callable[[], bool],
) -> Found:
    """Search entry by entry, as long as `go_on` says so."""
    matches: list[tuple[int, int]] = []
    for at in range(start, len(entries)):
        if at > start and not go_on():
            return Found(tuple(matches), at)
        if count := query.count(entries[at], blocks_of(at)):
            matches.append((at, count))
    return Found(tuple(matches), len(entries))


def encode_entry(entry: Entry) -> list[Any]:
    """An entry as a row of JSON values."""
    usage = entry.usage
    return [
        entry.kind,
        entry.label,
        entry.title,
        entry.notes,
        entry.tone,
        entry.parent,
        entry.depth,
        entry.below,
        entry.at_s,
        entry.clock,
        entry.duration_s,
        entry.waited_s,
        entry.turn,
        usage
        and [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens, usage.cost_usd],
        entry.closed,
        entry.lines,
        entry.event,
    ]


def decode_entry(row: Sequence[Any]) -> Entry:
    """The entry of a row."""
    values = list(row)
    values[3] = tuple(values[3])
    values[13] = values[13] and Usage(*values[13])
    return Entry(*values)


def encode_block(block: Block) -> list[Any]:
    """A block as a row of JSON values."""
    return [block.text, block.label, block.tone, block.fold, block.spans, block.picture, block.left_out]


def decode_block(row: Sequence[Any]) -> Block:
    """The block of a row."""
    text, label, tone, fold, spans, picture, left_out = row
    return clean_block(
        Block(text, label, tone, fold, tuple((start, end, style) for start, end, style in spans), picture, left_out)
    )


def clean_block(block: Block) -> Block:
    """The block as it may be shown, whoever made it: nothing in it is left to obey."""
    text, label = shown_text(block.text), clean_line(block.label)
    if text == block.text and label == block.label:
        return block
    return Block(text, label, block.tone, block.fold, (), block.picture, block.left_out)


def encode_transcript(transcript: Transcript) -> dict[str, Any]:
    """A transcript as JSON values."""
    names = [name for name in Transcript.__slots__ if name != "entries"]
    values = {name: getattr(transcript, name) for name in names}
    return {**values, "entries": [encode_entry(entry) for entry in transcript.entries]}


def decode_transcript(values: Mapping[str, Any]) -> Transcript:
    """The transcript of JSON values."""
    made = dict(values)
    made["entries"] = tuple(decode_entry(row) for row in values["entries"])
    made["scores"] = tuple((name, value) for name, value in values["scores"])
    for name in ("served_by", "notes", "tags"):
        made[name] = tuple(values[name])
    for name in ("usage", "grader_usage"):
        made[name] = made[name] and Usage(**made[name])
    return Transcript(**made)
