"""A profile never holds a token: finding what looks like one, in text and in keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .data import leaves
from .schema_lookup import key_name
from .validation import Problem

REMEDY = "a profile never holds a token, keep it in the environment (HF_TOKEN) or in `hf auth login`"

# The shapes that providers give their keys. Random characters hold a digit or a capital, or are long; words joined by
# hyphens, which dataset and model names are made of, are neither.
_TOKEN = re.compile(
    r"""
    (?<![A-Za-z0-9])
    (?: (?:hf|hf_oauth|api_org|gsk|xai|r8|nvapi|fw|csk|tgp_v1) [_-] (?= [a-z]* [A-Z0-9]) [A-Za-z0-9]{12,}
      | (?:hf|hf_oauth|api_org) _ [A-Za-z0-9]{16,}
      | sk- (?= [a-z-]* [A-Z0-9]) [A-Za-z0-9_-]{16,}
      | sk- [A-Za-z0-9]{16,}
      | AIza [A-Za-z0-9_-]{30,}
    )
    | ://[^/\s:@]*:[^/\s@]+@        # a password in an address
    | \bBearer\s+[A-Za-z0-9._~+/-]{16,}
    """,
    re.VERBOSE,
)
_TOKEN_KEY = re.compile(
    r"(?:.*[_-])?(?:api[_-]?key|secret[_-]key|access[_-]key|client[_-]secret)"
    r"|(?:hf|api|auth|access|bearer)[_-]token|token|authorization",
    re.IGNORECASE,
)


def looks_like_token(text: str) -> bool:
    """Whether a text holds something in the shape of a token."""
    return _TOKEN.search(text) is not None


def without_tokens(text: str) -> str:
    """A text with `[secret]` in the place of everything in the shape of a token."""
    return _TOKEN.sub("[secret]", text)


def names_token(key: str | int) -> bool:
    """Whether a key is the name of something secret."""
    return isinstance(key, str) and _TOKEN_KEY.fullmatch(key) is not None


def token_lines(text: str) -> tuple[int, ...]:
    """The lines, from 1, that hold something in the shape of a token, comments included."""
    return tuple(number for number, line in enumerate(text.split("\n"), 1) if looks_like_token(line))


def token_problems(data: Mapping[str, Any]) -> tuple[Problem, ...]:
    """The places in the data of a profile that hold a token, or are named as if they did. No value is repeated."""
    return tuple(
        Problem(path, f"{key_name(path)} looks like a token: {REMEDY}")
        for path, value in leaves(data)
        if isinstance(value, str) and value and (names_token(path[-1]) or looks_like_token(value))
    )
