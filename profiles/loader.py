"""From the text of a profile to the profile, and back. No files here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from .base.errors import ProfileError
from .checks import check
from .data import MAX_DEPTH, fingerprint, leaves, of_table, too_deep
from .overrides import apply_overrides, parse_override
from .schema import Profile
from .schema_lookup import key_name
from .token_check import REMEDY, token_lines, token_problems
from .toml_text import key_lines
from .validation import Origins, Problem, of_validation

_TOML_TYPES = (str, int, float, date, time, dict, list)  # bool is an int, datetime a date
_POSITION = re.compile(r"(?P<says>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)


def read_text(text: str, label: str, path: Path, overrides: Sequence[str] = ()) -> Profile:
    """Read a profile from its TOML.

    Args:
        text: The TOML.
        label: The file in messages, as a person would write it.
        path: The file: paths of tasks are relative to its folder.
        overrides: `key=value` each, see `apply_overrides`.

    Raises:
        ProfileError: Anything that is wrong with it; `details` has it all.
    """
    if suspects := token_lines(text):
        details = tuple(f"{label}:{line}: this line looks like it holds a token: {REMEDY}" for line in suspects)
        raise ProfileError(details[0], details=details)
    data = _parse(text, label)
    _refuse_depth(data, label)
    parsed = [parse_override(override) for override in overrides]
    lines = key_lines(text)
    data = apply_overrides(data, overrides)
    _refuse_depth(data, label)
    if problems := token_problems(data):
        raise Origins(label, lines, {override.path: override.key for override in parsed}).error(problems)
    return _validate(data, Origins(label, lines, {override.path: override.label for override in parsed}), path)


def write_text(profile: Profile, label: str, path: Path, *, base: str | None = None) -> str:
    """The TOML of a profile that can be read again: what was set, without what is `None`.

    Args:
        profile: The profile.
        label: The file in messages, as a person would write it.
        path: The file that it is for: paths of tasks are relative to its folder.
        base: A text that it was made from: comments, order and layout of that are kept.

    Raises:
        ProfileError: It could not be read again, holds a token, or holds what TOML cannot.
    """
    data = of_table(profile)
    origins = Origins(label)
    _refuse_depth(data, label)
    if problems := token_problems(data):
        raise origins.error(problems)
    foreign = [
        Problem(path, f"{key_name(path)} is a {type(value).__name__}, for which TOML has no form")
        for path, value in leaves(data)
        if not isinstance(value, _TOML_TYPES)
    ]
    if foreign:
        raise origins.error(foreign)
    try:
        text = tomli_w.dumps(data)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ProfileError(f"{label}: the profile cannot be written as TOML: {error}") from error
    if fingerprint(of_table(_validate(tomllib.loads(text), origins, path))) != fingerprint(data):
        raise ProfileError(f"{label}: the profile cannot be written as TOML without loss")
    return text if base is None else _changed_in_place(base, data) or text


def _changed_in_place(base: str, data: dict[str, Any]) -> str | None:
    """The base with other data; `None` where that cannot be done in place."""
    from .toml_edit import rewrite  # takes 0.1 s to load

    try:
        text = rewrite(base, data, exact=frozenset({"args"}))
        text.encode()
    except (ValueError, RecursionError):
        return None
    return text


def _refuse_depth(data: dict[str, Any], label: str) -> None:
    if deep := too_deep(data):
        raise ProfileError(f"{label}: {deep[0]} is nested more than {MAX_DEPTH} levels deep")


def _validate(data: dict[str, Any], origins: Origins, path: Path) -> Profile:
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        raise origins.error(of_validation(error)) from None
    if problems := check(profile, path):
        raise origins.error(problems)
    return profile


def _parse(text: str, label: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(_syntax_message(str(error), text, label)) from None
    except (ValueError, RecursionError):
        reason = "a number has too many digits, or brackets are nested too deep"
        raise ProfileError(f"{label}: not valid TOML: {reason}") from None


def _syntax_message(says: str, text: str, label: str) -> str:
    match = _POSITION.fullmatch(says)
    reason = match["says"] if match else says
    at = ""
    if match:
        lines = text.split("\n")
        at = f":{match['line'] or len(lines)}:{match['column'] or len(lines[-1]) + 1}"
    return f"{label}{at}: not valid TOML: {reason[:1].lower()}{reason[1:]}"
