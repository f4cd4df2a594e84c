"""A log of an agent: a sub-agent, tools that fail, an edit, a picture, scores of two scorers, a failed attempt."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from inspect_ai.event import (
    ApprovalEvent,
    Event,
    InfoEvent,
    ModelEvent,
    SandboxEvent,
    ScoreEvent,
    SpanBeginEvent,
    SpanEndEvent,
    StoreEvent,
    ToolEvent,
)
from inspect_ai.log import EvalRetryError
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.scorer import Score
from inspect_ai.tool import ToolCall, ToolCallError
from PIL import Image

from .made_logs import made_sample, write_log

BEGAN = datetime(2026, 1, 1, 14, 2, 11, tzinfo=UTC)
MODEL = "openai/gpt-x"
FIX = {"path": "validators.py", "old_str": "regex = r'^[\\w.]+$'", "new_str": "regex = r'\\A[\\w.]+\\Z'"}


class _Agent:
    """Events one after the other, each some seconds after the one before."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.said: list[ChatMessage] = [
            ChatMessageSystem(content="You repair code."),
            ChatMessageUser(content="Fix it."),
        ]
        self.at_s = 0.0

    def add(self, event: Any, span: str | None, took_s: float = 0.0) -> None:
        event.timestamp = BEGAN + timedelta(seconds=self.at_s)
        event.span_id = span
        self.at_s += took_s
        if took_s:
            event.completed, event.working_time = BEGAN + timedelta(seconds=self.at_s), took_s * 0.75
        self.events.append(event)

    def begin(self, name: str, kind: str, parent: str | None) -> None:
        self.add(SpanBeginEvent(id=name, name=name, type=kind, parent_id=parent), name)

    def end(self, name: str) -> None:
        self.add(SpanEndEvent(id=name), name)

    def turn(self, text: str, span: str, calls: list[ToolCall], thought: str = "") -> None:
        content: list[Any] = [ContentReasoning(reasoning=thought)] if thought else []
        answer = ChatMessageAssistant(content=[*content, ContentText(text=text)], tool_calls=calls or None)
        usage = ModelUsage(input_tokens=3100, output_tokens=212, total_tokens=3312, total_cost=0.012)
        output = ModelOutput(model=MODEL, choices=[{"message": answer, "stop_reason": "stop"}], usage=usage)  # type: ignore[list-item]
        call = ModelEvent(
            model=MODEL, input=list(self.said), tools=[], tool_choice="auto", config=GenerateConfig(), output=output
        )
        self.add(call, span, 4.2)
        self.said.append(answer)

    def tool(self, call: ToolCall, result: Any, span: str, error: str = "", exit_code: int | None = None) -> None:
        self.begin(f"{call.function} {call.id}", "tool", span)
        self.events[-1].name = call.function  # type: ignore[union-attr]
        if exit_code is not None:
            command = str(next(iter(call.arguments.values())))
            self.add(
                SandboxEvent(action="exec", cmd=command, result=exit_code, output=str(result)),
                f"{call.function} {call.id}",
            )
        self.end(f"{call.function} {call.id}")
        failed = ToolCallError(type="timeout", message=error) if error else None
        event = ToolEvent(id=call.id, function=call.function, arguments=call.arguments, result=result, error=failed)
        self.add(event, span, 2.3)
        self.said.append(ChatMessageTool(content=str(result), tool_call_id=call.id, function=call.function))


def agent_events(first: str) -> list[Event]:
    """What the agent did; `first` is what it says first."""
    agent = _Agent()
    agent.begin("react", "agent", None)
    test = ToolCall(id="1", function="bash", arguments={"cmd": "python -m pytest tests/validators -x"})
    agent.turn(first, "react", [test], "A trailing newline may pass the pattern.")
    failure = "FAILED tests/validators/tests.py::test_newline\n" + "\n".join(f"E   line {n} of it" for n in range(213))
    agent.tool(test, failure, "react", exit_code=1)
    read = ToolCall(id="2", function="reader", arguments={"input": "Which pattern?"})
    agent.turn("Let me ask the reader for the pattern.", "react", [read])
    agent.begin("reader", "agent", "react")
    agent.add(InfoEvent(source="planner", data={"files": 3}), "reader")
    agent.turn("It is in validators.py.", "reader", [])
    agent.end("reader")
    agent.tool(read, "It is in validators.py.", "react")
    edit = ToolCall(id="3", function="text_editor", arguments=FIX)
    agent.turn("The anchors are wrong.", "react", [edit])
    agent.add(
        ApprovalEvent(message="May I?", call=edit, approver="human", decision="approve", explanation="ok"), "react"
    )
    agent.tool(edit, "edited", "react")
    agent.add(StoreEvent(changes=[{"op": "add", "path": "/edited", "value": "validators.py"}]), "react")  # type: ignore[list-item]
    look = ToolCall(id="4", function="browser", arguments={"url": "http://127.0.0.1/coverage"})
    agent.turn("I look at the coverage.", "react", [look])
    data = io.BytesIO()
    Image.new("RGB", (48, 16), (40, 160, 90)).save(data, "PNG")
    picture = ContentImage(image="data:image/png;base64," + base64.b64encode(data.getvalue()).decode())
    agent.tool(look, [picture], "react")
    slow = ToolCall(id="5", function="bash", arguments={"cmd": "sleep 900"})
    agent.turn("And once more.", "react", [slow])
    agent.tool(slow, "", "react", error="no answer within 180 s")
    agent.turn("All tests pass now.", "react", [])
    agent.end("react")
    agent.begin("scorers", "scorers", None)
    agent.add(ScoreEvent(score=Score(value="I", explanation="One test still fails."), scorer="tests"), "scorers")
    agent.add(ScoreEvent(score=Score(value={"style": 0.5}, explanation="Fair."), scorer="judge"), "scorers")
    agent.end("scorers")
    return agent.events


def write_agent_log(folder: Path, first: str = "I will run the failing test first.") -> Path:
    """The agent's log, with one sample."""
    retry = EvalRetryError(message="sandbox went away", traceback="Traceback …", traceback_ansi="Traceback …")
    sample = made_sample(
        agent_events(first),
        id="django-11099",
        uuid="QvZ8m3",
        input="UsernameValidator allows a trailing newline.",
        target="tests pass",
        scores={
            "tests": Score(value="I", explanation="One test still fails."),
            "judge": Score(value={"style": 0.5}, explanation="Fair."),
        },
        store={"edited": "validators.py"},
        metadata={"repo": "django/django"},
        error_retries=[retry],
        model_usage={MODEL: ModelUsage(input_tokens=21700, output_tokens=1484, total_tokens=23184, total_cost=0.084)},
        started_at=BEGAN.isoformat(),
        total_time=44.0,
        working_time=33.0,
    )
    return write_log(folder, sample)
