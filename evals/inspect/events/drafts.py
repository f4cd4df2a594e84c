"""Pieces of an entry's body as renderers write them, and how they become blocks: resolved, clean, highlighted, cut."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from pydantic import BaseModel
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename  # pyright: ignore[reportUnknownVariableType]
from pygments.token import Comment, Generic, Keyword, Literal, Name, Number, String, Token
from pygments.util import ClassNotFound

from ....profiles.base.text import clean_line
from ..logs.transcript import LONGEST_TITLE, Block, Picture, shown_text

BLOCK_CHARS = 2_000_000  # of one block
HIGHLIGHTED_CHARS = 20_000
ONE_LINE = 100  # characters of JSON that stands on one line
PROTOCOLS = ("attachment://", "tc://")
DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,")
_LONG_DATA = re.compile(r"(data:[\w.+-]+/[\w.+-]+;base64,)[A-Za-z0-9+/=]{64,}")

Resolve = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece of a body: text as it is in the log, perhaps a reference to an attachment."""

    text: str
    label: str = ""
    tone: str = ""
    fold: int = 0
    language: str = ""  # of Pygments: "bash", "python", "json", "diff"
    picture: Picture | None = None


def finish(draft: Draft, resolve: Resolve) -> Block:
    """The block of a draft."""
    text = resolve(draft.text)
    left_out = max(len(text) - BLOCK_CHARS, 0)
    text = shown_text(text[:BLOCK_CHARS])
    spans = highlight(text, draft.language) if draft.language else ()
    name = picture_name(draft.picture) if draft.picture else ""
    return Block(text, draft.label, draft.tone, draft.fold, spans, name, left_out)


def picture_name(picture: Picture) -> str:
    """A name that is the same whenever the log is read."""
    return hashlib.sha1(picture.data.encode(), usedforsecurity=False).hexdigest()[:16]


def title_line(text: str) -> str:
    """The first line of a text that says something, clean and cut."""
    head = text[: LONGEST_TITLE * 8].lstrip()
    return clean_line(head.partition("\n")[0], LONGEST_TITLE)


def resolver(attachments: Mapping[str, str]) -> Resolve:
    """What stands for a text in the log, as Inspect resolves it."""

    def resolve(text: str) -> str:
        for protocol in PROTOCOLS:
            if text.startswith(protocol):
                return attachments.get(text[len(protocol) :], text)
        return text

    return resolve


def plain(value: Any, resolve: Resolve) -> Any:
    """A value as JSON holds it, with attachments in their places."""
    if isinstance(value, str):
        return resolve(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, BaseModel):
        return plain(value.model_dump(exclude_none=True), resolve)
    if isinstance(value, Mapping):
        return {str(key): plain(one, resolve) for key, one in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one, resolve) for one in cast("Iterable[Any]", value)]
    return str(value)


def json_text(value: Any, resolve: Resolve) -> str:
    """A value as JSON: on one line where that is short, else indented; embedded files are left out."""
    made = plain(value, resolve)
    line = json.dumps(made, ensure_ascii=False)
    text = line if len(line) <= ONE_LINE else json.dumps(made, indent=2, ensure_ascii=False)
    return _LONG_DATA.sub(r"\1…", text)


def json_line(value: Any, resolve: Resolve) -> str:
    """A value on one line: a text as it is, anything else as JSON."""
    made = plain(value, resolve)
    return made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)


def json_draft(value: Any, resolve: Resolve, label: str = "", *, fold: int = 10, tone: str = "") -> Draft:
    """A value as a JSON block; a text as a text."""
    made = plain(value, resolve)
    if isinstance(made, str):
        return text_draft(made, label, fold=fold, tone=tone)
    return Draft(json_text(made, resolve), label, tone, fold, "json")


def text_draft(text: str, label: str = "", *, fold: int = 10, tone: str = "") -> Draft:
    """A text that a tool or a person gave: JSON and diffs in it are recognised."""
    head = text[:200].lstrip()
    if head.startswith(("diff --git ", "--- ", "*** Begin Patch")):
        return Draft(text, label, tone, fold, "diff")
    if head.startswith(("{", "[")) and len(text) <= HIGHLIGHTED_CHARS * 10:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return Draft(text, label, tone, fold)
        if isinstance(value, (dict, list)) and value:
            return Draft(json_text(value, str), label, tone, fold, "json")
    return Draft(text, label, tone, fold)


def table_text(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns under their heads, the first to the left and the others to the right."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def edit_draft(old: str, new: str, label: str) -> Draft:
    """An edit as a diff."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    text = "\n".join(line for line in lines if not line.startswith(("--- ", "+++ ")))
    return Draft(text or "no change", label, fold=16, language="diff")


# Highlighting

_TOKENS: tuple[tuple[Any, str], ...] = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (Generic.Inserted, "added"),
    (Generic.Deleted, "removed"),
    (Generic.Subheading, "comment"),
    (Generic.Heading, "comment"),
    (Name.Tag, "name"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Builtin, "keyword"),
    (Name.Variable, "name"),
    (Number, "number"),
    (String, "string"),
    (Literal, "string"),
)


def highlight(text: str, language: str) -> tuple[tuple[int, int, str], ...]:
    """The parts of a text that are not plain, of its first `HIGHLIGHTED_CHARS`."""
    lexer = _lexer(language)
    if lexer is None:
        return ()
    spans: list[tuple[int, int, str]] = []
    for at, token, piece in lexer.get_tokens_unprocessed(text[:HIGHLIGHTED_CHARS]):
        style = _style(token)
        if not style or not piece.strip():
            continue
        if spans and spans[-1][1] == at and spans[-1][2] == style:
            spans[-1] = (spans[-1][0], at + len(piece), style)
        else:
            spans.append((at, at + len(piece), style))
    return tuple(spans)


@lru_cache(maxsize=256)
def _style(token: Any) -> str:
    return next((style for kind, style in _TOKENS if token in kind and token is not Token), "")


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(language) if "." in language else get_lexer_by_name(language)
    except ClassNotFound:
        return None


# What a tool was called with

_SCRIPTS = ("cmd", "command", "commands", "script", "bash_command", "keystrokes", "input")
_CODE = ("code", "python_code", "source")
_OLD_NEW = (("old_str", "new_str"), ("old_string", "new_string"), ("old_text", "new_text"), ("old", "new"))
_SHELLS = ("bash", "shell", "terminal", "exec", "ssh", "sh")


def argument_drafts(function: str, arguments: Mapping[str, Any], resolve: Resolve) -> Iterator[Draft]:
    """What a tool was called with: code as code, an edit as a diff, the rest as short JSON."""
    made: dict[str, Any] = {name: plain(value, resolve) for name, value in arguments.items()}
    left = dict(made)
    for old, new in _OLD_NEW:
        if isinstance(made.get(old), str) and isinstance(made.get(new), str):
            yield from _few(_without(left, old, new), resolve)
            left = {}
            yield edit_draft(made[old], made[new], "edit")
    code: list[Draft] = []
    for name, value in list(left.items()):
        if isinstance(value, str) and (language := _language(function, name, made)):
            code.append(Draft(value, "edit" if language == "diff" else "code", fold=16, language=language))
            del left[name]
        elif isinstance(value, str) and ("\n" in value or len(value) > ONE_LINE):
            code.append(text_draft(value, name[:8], fold=10))
            del left[name]
    yield from _few(left, resolve)
    yield from code


def _few(arguments: Mapping[str, Any], resolve: Resolve) -> Iterator[Draft]:
    if arguments:
        yield Draft(json_text(arguments, resolve), "args", fold=10, language="json")


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _language(function: str, name: str, arguments: Mapping[str, Any]) -> str:
    low = function.lower()
    if name in ("patch", "diff"):
        return "diff"
    if name in _CODE or (name in _SCRIPTS and "python" in low):
        return "python" if "python" in low or name == "python_code" or not _is_shell(low) else "bash"
    if name in _SCRIPTS and (_is_shell(low) or name in ("cmd", "bash_command")):
        return "bash"
    if name in ("file_text", "content", "contents"):
        path = arguments.get("path") or arguments.get("file") or arguments.get("filename") or ""
        return str(path).rsplit("/", 1)[-1] if "." in str(path) else ""
    return ""


def _is_shell(function: str) -> bool:
    return any(word in function for word in _SHELLS)


def argument_title(arguments: Mapping[str, Any], resolve: Resolve) -> str:
    """What a tool was called with, on one line."""
    if len(arguments) == 1:
        return title_line(json_line(next(iter(arguments.values())), resolve))
    return title_line(
        ", ".join(f"{name}={json_line(value, resolve)[:LONGEST_TITLE]}" for name, value in arguments.items())
    )
