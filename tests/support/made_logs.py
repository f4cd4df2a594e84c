"""Logs of Inspect written by hand: samples with whatever events a test needs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai.event import Event, ModelEvent
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalPlan,
    EvalSample,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import ChatMessage, ChatMessageUser, GenerateConfig, ModelOutput

CREATED = "2026-01-01T00:00:00+00:00"


def model_event(answer: str, said: Sequence[ChatMessage] = (), **fields: Any) -> ModelEvent:
    """A model call."""
    values: dict[str, Any] = {
        "model": "openai/gpt-x",
        "input": list(said) or [ChatMessageUser(content="hello")],
        "tools": [],
        "tool_choice": "auto",
        "config": GenerateConfig(),
        "output": ModelOutput.from_content("openai/gpt-x", answer),
    }
    return ModelEvent(**{**values, **fields})


def made_sample(events: Sequence[Event] = (), **fields: Any) -> EvalSample:
    """A sample with events."""
    values: dict[str, Any] = {"id": 1, "epoch": 1, "input": "q", "target": "t", "events": list(events)}
    return EvalSample(**{**values, **fields})


def write_log(folder: Path, *samples: EvalSample, suffix: str = "eval") -> Path:
    """A log with these samples."""
    spec = EvalSpec(
        created=CREATED,
        task="made",
        model="openai/gpt-x",
        dataset=EvalDataset(name="d", samples=len(samples)),
        config=EvalConfig(epochs=1),
    )
    path = folder / f"2026-01-01T00-00-00+00-00_made_aaaaaaaaaaaaaaaaaaaaaa.{suffix}"
    log = EvalLog(status="success", eval=spec, plan=EvalPlan(), stats=EvalStats(), samples=list(samples))
    write_eval_log(log, str(path))
    return path


def change_sample(log: Path, change: Any) -> None:
    """Change the JSON of every sample of an `.eval` log."""
    with zipfile.ZipFile(log) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(log, "w") as archive:
        for name, data in members.items():
            if name.startswith("samples/"):
                sample = json.loads(data)
                change(sample)
                data = json.dumps(sample).encode()
            archive.writestr(name, data)
