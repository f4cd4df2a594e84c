"""The router's own words for a failure, and what a person can do about it.

`error` in a body is a string for the router's own failures and an object for routing and upstream failures
(facts: hugging-face, "Errors"); gateways in between answer with web pages or plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from .endpoints import TOKEN_SETTINGS_URL

_MESSAGE_KEYS = ("message", "error", "detail", "error_description", "msg", "title")
_MAX_CHARS = 400
_CREDIT_URL = "https://huggingface.co/settings/billing"


@dataclass(frozen=True, slots=True)
class RouterError:
    """One refused request: the status, the words of whoever refused it, and its code where it gave one."""

    status: int
    message: str
    code: str | None = None

    @property
    def remedy(self) -> str:
        """What to do about it, in one line."""
        return remedy_for(self.status, self.message, self.code)

    def __str__(self) -> str:
        return f"{self.message} ({self.status})"


def router_error(status: int, body: bytes | str | Mapping[str, object] | None) -> RouterError:
    """Read a refusal.

    Args:
        status: The HTTP status.
        body: The body as it came, or parsed.
    """
    parsed = _parse(body)
    message = error_text(parsed)
    return RouterError(status, message or _status_phrase(status), _code(parsed))


def error_text(body: object) -> str:
    """The words of a failure in one line, whatever shape they came in; empty where there are none."""
    found = _words(_parse(body), depth=0)
    line = " ".join(found.split())
    return line if len(line) <= _MAX_CHARS else line[: _MAX_CHARS - 1] + "…"


def remedy_for(status: int, message: str, code: str | None = None) -> str:
    """What a person can do about a refusal, in one line; empty where nothing is known to help."""
    if status == 401:
        return f"check the token (`hf auth whoami`), or make a new one at {TOKEN_SETTINGS_URL} and run `hf auth login`"
    if status == 402:
        return f"buy credit at {_CREDIT_URL}, or wait some minutes and resume: bookings of a burst are settled late"
    if status == 403:
        return f"give the token the permission inference.serverless.write at {TOKEN_SETTINGS_URL}"
    if status in {400, 404, 410} and _names_the_model(status, message, code):
        return "pick another provider or model: `proctor models` lists what is live"
    if status == 404:
        return "check the address and the model's id: `proctor models` lists what is live"
    if status in {408, 504}:
        return "it took too long to answer: try again, or pick another provider"
    if status == 413:
        return "send less: shorter prompts or smaller images"
    if status in {400, 422}:
        return "check the generation settings: this provider does not accept the request"
    if status == 429:
        return "lower max_connections or cells_at_once, wait, or pick another provider"
    if status >= 500:
        return "the fault is on the server's side: try again later, or pick another provider"
    return ""


def _names_the_model(status: int, message: str, code: str | None) -> bool:
    if status == 410 or (code or "").startswith("model_not_"):
        return True
    return (
        re.search(r"model\b.*\b(not (supported|found)|does not exist|deprecated|no longer)", message, re.I) is not None
    )


def _status_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return f"status {status}"


def _parse(body: object) -> object:
    """JSON as Python values, a web page as its title, anything else as it is."""
    if isinstance(body, bytes):
        body = body.decode("utf-8", errors="replace")
    if not isinstance(body, str):
        return body
    text = body.strip()
    if text.startswith(("{", "[", '"')):
        try:
            return cast("object", json.loads(text))
        except (ValueError, RecursionError):
            return text
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.I | re.S)
        return title.group(1) if title else "a web page instead of an answer"
    return text


def _words(value: object, depth: int) -> str:
    """The first text that stands where failures put theirs."""
    if isinstance(value, str):
        return value
    if depth > 4:
        return ""
    if isinstance(value, Mapping):
        table = cast("Mapping[object, object]", value)
        for key in ("error", *_MESSAGE_KEYS):
            if words := _words(table.get(key), depth + 1):
                return words
    if isinstance(value, list):
        return "; ".join(words for item in cast("list[object]", value)[:3] if (words := _words(item, depth + 1)))
    return ""


def _code(value: object) -> str | None:
    """The machine-readable code of an error object."""
    if not isinstance(value, Mapping):
        return None
    table = cast("Mapping[object, object]", value)
    inner = table.get("error")
    source = cast("Mapping[object, object]", inner) if isinstance(inner, Mapping) else table
    code = source.get("code")
    return code if isinstance(code, str) and code else None
