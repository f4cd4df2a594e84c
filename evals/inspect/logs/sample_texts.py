"""The texts of a sample, which the index of its log leaves out. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SampleTexts:
    """What the index of a log leaves out of a sample. Text is as it was written: not cleaned, not cut."""

    served_by: str | None
    input: str  # the text of what was asked
    target: str
    output: str | None
    answer: str | None
    explanation: str | None
    error: str | None
    limit: str | None
    started_at: str | None
    completed_at: str | None
    message_count: int | None
    sample_id: str | None
    scores: Mapping[str, Any] = field(default_factory=dict[str, Any])
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
