"""The transcript of a sample, as it is read: data only. `logs_sample.py` makes it from an Inspect log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

PartKind = Literal[
    "system", "user", "assistant", "reasoning", "tool_call", "tool_result", "score", "served_by", "error", "info"
]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a message."""

    data: str  # base64
    media_type: str  # "image/jpeg"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was said, thought, called or judged, in order. Text is as it was written: not cleaned."""

    kind: PartKind
    text: str
    title: str = ""  # who or what: a tool's name, a scorer's with its score, "grader", …
    pictures: tuple[Picture, ...] = ()
    call: int | None = None  # of "served_by": which of the transcript's calls this is about


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One model call."""

    model: str
    role: str | None  # "grader", …
    served_by: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    latency_s: float | None
    retries: int
    error: str | None
    request: str | None  # raw JSON, where the log has it; pictures and what is very long are cut
    response: str | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """One sample of one log."""

    task: str
    model: str  # the full Inspect model name
    sample_id: str | int
    epoch: int
    target: str
    score: float | None
    score_text: str  # as the scorer gave it: "C", "0.5", …
    parts: tuple[Part, ...]
    calls: tuple[CallFacts, ...]
    total_time_s: float | None
    working_time_s: float | None = None  # without the waits for retries and limits
    grader: str | None = None  # the models that scorers asked
    self_graded: bool = False  # the model under test was one of them
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
