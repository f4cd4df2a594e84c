"""Reading one sample of an Inspect log into a `Transcript`. Runs in the reader, where Inspect is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_ai.event import Event, InfoEvent, ModelEvent, SpanBeginEvent
from inspect_ai.log import EvalSample, headline_metric, read_eval_log, read_eval_log_sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
    ContentAudio,
    ContentDocument,
    ContentImage,
    ContentReasoning,
    ContentText,
    ContentVideo,
)
from inspect_ai.scorer import Score, Value

from ....profiles.base.errors import LogError
from ..unfinished_log import whole_log
from .log_reader import GRADER, first_line, headline_score
from .score_values import to_number
from .transcript import CallFacts, Part, PartKind, Picture, Transcript

RAW_CHARS = 200_000  # of one raw request or answer
ALL_RAW_CHARS = 4_000_000  # of one sample's: every call repeats what was said before it
SHORT_ARGUMENTS = 100  # characters of a call that stands on one line
SHOWN_CHARS = 4_000  # of a traceback, and of a sample's metadata
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,")
_LONG_DATA = re.compile(r"(data:[\w.+-]+/[\w.+-]+;base64,)[A-Za-z0-9+/=]{64,}")
_ROLES: Mapping[str, PartKind] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool_result"}


def read_transcript(path: Path, sample_id: str | int, epoch: int) -> Transcript:
    """Read one sample of one log.

    Not from inside a running event loop.

    Raises:
        LogError: The log is missing or damaged, or it has no such sample.
    """
    if not path.is_file():
        raise LogError(f"the log {path.name} is missing")
    location = str(whole_log(path.absolute()))
    try:
        header = read_eval_log(location, header_only=True)
        sample = read_eval_log_sample(location, sample_id, epoch, resolve_attachments="full")
    except IndexError:
        raise LogError(f"the log {path.name} has no sample {sample_id}, epoch {epoch}") from None
    except Exception as error:  # what a broken archive, broken JSON and an unknown shape raise has no common base
        why = first_line(str(error)) or type(error).__name__
        raise LogError(
            f"sample {sample_id} of {path.name} cannot be read ({why})", "`inspect log recover` may save it"
        ) from error
    found = headline_metric(header)
    scored_by = None if found is None else (found.score.scorer, found.score.name)
    _, value = headline_score(sample.scores, scored_by)
    calls, by_message = _calls(sample.events)
    graders = sorted({call.model for call in calls if call.role == GRADER})
    return Transcript(
        task=header.eval.task,
        model=header.eval.model,
        sample_id=sample.id,
        epoch=sample.epoch,
        target=sample.target if isinstance(sample.target, str) else "\n".join(sample.target),
        score=None if sample.error else to_number(value),
        score_text=_words(value),
        parts=tuple(_parts(sample, by_message)),
        calls=calls,
        total_time_s=sample.total_time,
        working_time_s=sample.working_time,
        grader=", ".join(graders) or None,
        self_graded=header.eval.model in graders,
        error=sample.error.message if sample.error else None,
        metadata=json.loads(json.dumps(sample.metadata, default=str)),
    )


def _parts(sample: EvalSample, calls: Mapping[str, tuple[int, str | None]]) -> Iterator[Part]:
    if not sample.messages:
        yield from _input(sample)
    for message in sample.messages:
        yield from _message(message)
        if message.id is not None and message.id in calls:
            number, served_by = calls[message.id]
            yield Part("served_by", served_by or "", call=number)
    for retry in sample.error_retries or ():
        yield Part("error", retry.message, title="tried again after")
    if sample.error:
        yield Part("error", sample.error.message)
        if sample.error.traceback:
            yield Part("info", _last_trace(sample.error.traceback), title="where")
    if sample.limit:
        yield Part("info", f"{sample.limit.type}: {sample.limit.limit:g}", title="stopped by a limit")
    for scorer, score in (sample.scores or {}).items():
        yield from _score(scorer, score, sample.output.completion)
    if sample.metadata:
        yield Part("info", _cut_words(json.dumps(sample.metadata, ensure_ascii=False, default=str)), title="sample")


def _input(sample: EvalSample) -> Iterator[Part]:
    """What was to be asked, of a sample that broke before its first message."""
    if isinstance(sample.input, str):
        yield Part("user", sample.input)
    else:
        for message in sample.input:
            yield from _message(message)


def _message(message: ChatMessage) -> Iterator[Part]:
    kind = _ROLES[message.role]
    title = (message.function or "") if isinstance(message, ChatMessageTool) else ""
    text, pictures = "", list[Picture]()
    for content in [ContentText(text=message.content)] if isinstance(message.content, str) else message.content:
        if isinstance(content, ContentReasoning):
            if thought := content.summary if content.redacted else content.reasoning:
                yield Part("reasoning", thought)
            continue
        if isinstance(content, ContentImage) and (match := _DATA_URL.match(content.image)):
            pictures.append(Picture(content.image[match.end() :], match.group(1)))
            continue
        text = f"{text}\n{_said(content)}" if text else _said(content)
    called = isinstance(message, ChatMessageAssistant) and message.tool_calls
    if text or pictures or not called:
        yield Part(kind, text, title, tuple(pictures))
    if isinstance(message, ChatMessageAssistant):
        for call in message.tool_calls or ():
            yield Part("tool_call", _arguments(call.arguments), call.function)
            if call.parse_error:
                yield Part("error", call.parse_error, call.function)
    if isinstance(message, ChatMessageTool) and message.error:
        yield Part("error", message.error.message, title)


def _arguments(arguments: Mapping[str, Any]) -> str:
    """What a tool was called with: on one line where that is short, else one by one, with their own lines."""
    line = json.dumps(arguments, ensure_ascii=False, default=str)
    if len(line) <= SHORT_ARGUMENTS and "\\n" not in line:
        return line
    said: list[str] = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
        said.append(f"{name}:\n{text}" if "\n" in text else f"{name}: {text}")
    return "\n" + "\n".join(said)


def _last_trace(trace: str) -> str:
    """The end of a traceback: of the exception that was raised last."""
    return _cut_words(trace.rpartition("Traceback (most recent call last):\n")[2].rstrip(), from_end=True)


def _cut_words(text: str, *, from_end: bool = False) -> str:
    if len(text) <= SHOWN_CHARS:
        return text
    return f"…{text[-SHOWN_CHARS:]}" if from_end else f"{text[:SHOWN_CHARS]}…"


def _said(content: Content) -> str:
    """A piece of a message as text; what is neither text nor picture is named."""
    if isinstance(content, ContentText):
        return content.text
    if isinstance(content, ContentImage):
        return f"[picture: {_short(content.image)}]"
    if isinstance(content, ContentAudio):
        return f"[sound, {content.format}: {_short(content.audio)}]"
    if isinstance(content, ContentVideo):
        return f"[video, {content.format}: {_short(content.video)}]"
    if isinstance(content, ContentDocument):
        return f"[document {content.filename}: {_short(content.document)}]"
    return f"[{content.type}: {json.dumps(content.model_dump(exclude_none=True), ensure_ascii=False, default=str)}]"


def _short(address: str) -> str:
    return "in the log" if address.startswith("data:") or len(address) > 500 else address


def _score(scorer: str, score: Score, completion: str) -> Iterator[Part]:
    words = _words(score.value)
    completion = completion.strip().casefold()  # some scorers compare, and give back, lower case
    if score.answer is not None and score.answer.strip().casefold() != completion:
        yield Part("info", score.answer, title="answer taken")
    explanation = score.explanation or ""
    if explanation.strip().casefold() == completion:
        explanation = ""  # scorers that compare text give the answer once more
    yield Part("score", explanation, title=f"{scorer}: {words}")


def _words(value: Value | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _calls(events: Sequence[Event]) -> tuple[tuple[CallFacts, ...], dict[str, tuple[int, str | None]]]:
    """All model calls, and which of them brought the message of an id."""
    room = ALL_RAW_CHARS
    calls: list[CallFacts] = []
    by_message: dict[str, tuple[int, str | None]] = {}
    for number, (event, role, served_by) in enumerate(served_calls(events)):
        request = _raw(event.call.request if event.call else None, room)
        response = _raw(event.call.response if event.call else None, room)
        room = max(room - len(request or "") - len(response or ""), 0)
        usage = event.output.usage
        cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0) if usage else 0
        calls.append(
            CallFacts(
                model=event.model,
                role=role,
                served_by=served_by,
                input_tokens=usage.input_tokens + cached if usage else 0,
                output_tokens=usage.output_tokens if usage else 0,
                cost_usd=usage.total_cost if usage else None,
                latency_s=event.output.time if event.output.time is not None else event.working_time,
                retries=event.retries or 0,
                error=event.error or event.output.error,
                request=request,
                response=response,
            )
        )
        if event.output.choices and event.output.message.id:
            by_message[event.output.message.id] = (number, served_by)
    return tuple(calls), by_message


def served_calls(events: Sequence[Event]) -> list[tuple[ModelEvent, str | None, str | None]]:
    """All model calls, each with the role it was made in and who served it.

    Who served is noted while the answer arrives: after its call's event, in the same span. A call inside a scorer is
    a grader's, also where no model has that role and the model under test grades itself.
    """
    scoring = _scorer_spans(events)
    found: list[ModelEvent] = []
    served: dict[int, str] = {}
    for event in events:
        if isinstance(event, ModelEvent):
            found.append(event)
        elif isinstance(event, InfoEvent) and isinstance(event.data, dict) and "served_by" in event.data:
            number = next((n for n in reversed(range(len(found))) if found[n].span_id == event.span_id), None)
            if number is not None:
                served[number] = str(event.data["served_by"])
    return [
        (event, event.role or (GRADER if event.span_id in scoring else None), served.get(number))
        for number, event in enumerate(found)
    ]


def _scorer_spans(events: Sequence[Event]) -> set[str]:
    """The spans of scorers with all spans in them."""
    found: set[str] = set()
    for event in events:
        if isinstance(event, SpanBeginEvent) and (event.type == "scorer" or event.parent_id in found):
            found.add(event.id)
    return found


def _raw(body: Mapping[str, Any] | None, room: int) -> str | None:
    """A request or an answer as indented JSON, with embedded files left out."""
    if body is None:
        return None
    text = json.dumps(body, indent=2, ensure_ascii=False, default=str)
    text = _LONG_DATA.sub(r"\1…", text)
    kept = min(RAW_CHARS, room)
    return text if len(text) <= kept else f"{text[:kept]}\n… {len(text) - kept} more characters are in the log"
