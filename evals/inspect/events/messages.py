"""Chat messages as drafts: every kind of content, what tools were called, metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

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
    ContentToolUse,
    ContentVideo,
)
from inspect_ai.tool import ToolCall

from ..logs.transcript import Picture
from .drafts import DATA_URL, Draft, Resolve, argument_drafts, argument_title, json_draft, plain, text_draft

LABELS = {"system": "system", "user": "user", "assistant": "model", "tool": "result"}
FOLDS = {"system": 3, "user": 10, "assistant": 200, "tool": 8}


def message_drafts(message: ChatMessage, resolve: Resolve, *, calls: bool = True, fold: int = 0) -> Iterator[Draft]:
    """A message with all that it holds.

    Args:
        message: The message.
        resolve: Of attachments.
        calls: Whether the tools it calls are named with their arguments.
        fold: How many lines of text are seen before it is unfolded; by its role if 0.
    """
    label = LABELS.get(message.role, message.role)
    yield from content_drafts(message.content, resolve, label, fold or FOLDS.get(message.role, 10))
    if isinstance(message, ChatMessageAssistant) and calls:
        for call in message.tool_calls or ():
            yield from call_drafts(call, resolve)
    if isinstance(message, ChatMessageTool) and message.error:
        yield Draft(f"{message.error.type}: {message.error.message}", "error", "bad", 8)
    if message.metadata:
        yield json_draft(message.metadata, resolve, "metadata", fold=4, tone="dim")


def call_drafts(call: ToolCall, resolve: Resolve) -> Iterator[Draft]:
    """A call of a tool: its name with short arguments, else its arguments below."""
    parts = list(argument_drafts(call.function, call.arguments, resolve))
    title = argument_title(call.arguments, resolve)
    short = len(parts) == 1 and "\n" not in parts[0].text and len(parts[0].text) <= 100
    yield Draft(f"{call.function}  {title}" if short else call.function, "calls", "accent")
    if not short:
        yield from parts
    if call.parse_error:
        yield Draft(call.parse_error, "error", "bad", 8)


def content_drafts(content: str | Sequence[Content], resolve: Resolve, label: str, fold: int) -> Iterator[Draft]:
    """Text, reasoning, pictures, sounds, films, documents, what a provider did by itself."""
    if isinstance(content, str):
        text = resolve(content)
        if text:
            yield (text_draft if label == "result" else _prose)(text, label, fold=fold)
        return
    for one in content:
        yield from _content(one, resolve, label, fold)
        if isinstance(one, ContentText) and label != "result":
            label = ""  # further pieces of the same message need no name


def _prose(text: str, label: str = "", *, fold: int) -> Draft:
    return Draft(text, label, "", fold)


def _content(one: Content, resolve: Resolve, label: str, fold: int) -> Iterator[Draft]:
    if isinstance(one, ContentText):
        text = resolve(one.text)
        if text or one.citations:
            yield (text_draft if label == "result" else _prose)(text, label, fold=fold)
        if one.refusal:
            yield Draft("the provider marks this as a refusal", "refusal", "bad")
        for citation in one.citations or ():
            yield Draft(_citation(plain(citation, resolve)), "cites", "dim", 2)
    elif isinstance(one, ContentReasoning):
        yield from _reasoning(one, resolve)
    elif isinstance(one, ContentImage):
        yield picture_draft(resolve(one.image), label)
    elif isinstance(one, ContentAudio):
        yield Draft(f"[sound, {one.format}: {_place(resolve(one.audio))}]", label, "dim")
    elif isinstance(one, ContentVideo):
        yield Draft(f"[video, {one.format}: {_place(resolve(one.video))}]", label, "dim")
    elif isinstance(one, ContentDocument):
        kind = f", {one.mime_type}" if one.mime_type else ""
        yield Draft(f"[document {one.filename}{kind}: {_place(resolve(one.document))}]", label, "dim")
    elif isinstance(one, ContentToolUse):
        yield Draft(f"{one.name}  ({one.tool_type}{f', {one.context}' if one.context else ''})", "server", "accent")
        yield text_draft(resolve(one.arguments), "args", fold=6)
        if one.result:
            yield text_draft(resolve(one.result), "result", fold=8)
        if one.error:
            yield Draft(one.error, "error", "bad", 8)
    else:
        yield json_draft(plain(one, resolve), resolve, str(getattr(one, "type", "content"))[:8], fold=6)


def _reasoning(one: ContentReasoning, resolve: Resolve) -> Iterator[Draft]:
    text = "" if one.redacted else resolve(one.reasoning)
    if text:
        yield Draft(text, "thinks", "dim", 6)
    if one.summary and one.summary != text:
        yield Draft(resolve(one.summary), "thinks" if not text else "summary", "dim", 6)
    if one.redacted and not one.summary:
        yield Draft("(redacted by the provider)", "thinks", "dim")


def picture_draft(address: str, label: str = "") -> Draft:
    """A picture that is in the log, else where it is."""
    if match := DATA_URL.match(address):
        picture = Picture(address[match.end() :], match.group(1))
        size = len(picture.data) * 3 // 4
        return Draft(f"[picture, {picture.media_type}, {_bytes(size)}]", label, "dim", picture=picture)
    return Draft(f"[picture: {_place(address)}]", label, "dim")


def _place(address: str) -> str:
    if match := DATA_URL.match(address):
        return f"{_bytes((len(address) - match.end()) * 3 // 4)} in the log"
    return "in the log" if len(address) > 500 else address


def _bytes(size: int) -> str:
    for unit, name in ((1_000_000, "MB"), (1_000, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _citation(values: dict[str, Any]) -> str:
    said = " · ".join(str(values[key]) for key in ("title", "url") if values.get(key))
    cited = values.get("cited_text")
    more = json.dumps(cited, ensure_ascii=False) if cited else ""
    left = {
        key: value for key, value in values.items() if key not in ("type", "title", "url", "cited_text", "internal")
    }
    return "  ".join(filter(None, (said, more, json.dumps(left, ensure_ascii=False) if left else "")))
