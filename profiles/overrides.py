"""`--set run.limit=5`: single values of a profile, changed for one run."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args, get_origin

from .base.errors import ProfileError
from .data import MAX_DEPTH
from .schema_lookup import is_table, key_name, step, type_at, unknown_key
from .token_check import REMEDY, looks_like_token, names_token
from .toml_text import Path
from .validation import cut

_FORM = "write it as key=value, like run.limit=5 or models.0.providers=groq,fastest"
_REMOVE = "none"
_INDEX = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Override:
    """One `--set`.

    Args:
        text: As it was written.
        path: The place, with list indices as numbers from 0.
        value: What stands there from now on; `None` takes it away.
    """

    text: str
    path: Path
    value: object | None

    @property
    def key(self) -> str:
        """The key alone, as it was written: where the value may be a token."""
        return cut(self.text[: self.text.index("=")].strip())

    @property
    def label(self) -> str:
        """The text, cut where it is too long for a message."""
        return cut(self.text)


def apply_overrides(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The data of a profile with single values changed, before it is validated.

    A value is read as TOML, and as plain text where it is not TOML. The schema has its say: where text is wanted, 5 and
    true are text; where a list of texts is wanted, `groq,fastest` is one. `none` takes a key away, unless it is one of
    the values that the key may have. Index n of a list with n entries adds one.

    Args:
        data: The data of a profile, which stays as it is.
        overrides: `key=value`, the key dotted as in TOML: `models.0.model=openai/gpt-oss-20b`.

    Raises:
        ProfileError: An override that cannot be read or leads nowhere.
    """
    changed = dict(data)
    for text in overrides:
        changed = _changed(changed, parse_override(text))
    return changed


def parse_override(text: str) -> Override:
    """Read one `key=value`.

    Raises:
        ProfileError: It has no such form, or names a key that the schema does not have.
    """
    if looks_like_token(text):
        raise ProfileError("--set holds what looks like a token", REMEDY)
    for at, character in enumerate(text):
        if character == "=" and (keys := _keys(text[:at])):
            if any(names_token(key) for key in keys):
                raise ProfileError(f"--set {cut(text[:at].strip())}: this looks like a token", REMEDY)
            path = _schema_path(text, keys)
            return Override(text, path, _value(text[at + 1 :].strip(), type_at(path)))
    raise ProfileError(f"--set {cut(text)}: no key and value", _FORM)


def _keys(dotted: str) -> list[str]:
    """The parts of a dotted TOML key; empty where it is none."""
    parsed: object = _toml(f"{dotted} = 0") if "\n" not in dotted else None
    keys: list[str] = []
    while isinstance(parsed, dict) and len(cast("dict[str, object]", parsed)) == 1:
        key, parsed = next(iter(cast("dict[str, object]", parsed).items()))
        keys.append(key)
    return keys if parsed == 0 and len(keys) <= MAX_DEPTH else []


def _schema_path(text: str, keys: list[str]) -> Path:
    path: Path = ()
    for key in keys:
        annotation = type_at(path)
        # Below the arguments of a task the data decide whether a number is an index or a key.
        is_index = get_origin(annotation) is list
        if is_index and not _INDEX.fullmatch(key):
            name = key_name(path)
            raise ProfileError(f'--set {cut(text)}: "{key}" is no index, {name} is a list: its first entry is 0')
        deeper: Path = (*path, int(key) if is_index else key)
        if is_table(annotation) and step(annotation, key) is None:
            raise ProfileError(f"--set {cut(text)}: {unknown_key(deeper)}")
        if type_at(deeper) is None:
            raise ProfileError(f"--set {cut(text)}: {key_name(path)} is a single value, there is nothing in it to set")
        path = deeper
    return path


def _toml(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):  # no TOML, a number of thousands of digits, thousands of brackets
        return None


def _value(raw: str, annotation: object | None) -> object | None:
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    if raw == _REMOVE and _REMOVE not in choices:
        return None
    parsed = _toml(f"v = {raw}")
    value = parsed["v"] if parsed is not None and len(parsed) == 1 else raw
    if _is_texts(annotation):
        return cast("list[object]", value) if isinstance(value, list) else _texts(raw, value)
    if (annotation is str or choices) and not isinstance(value, str):
        return raw
    return value


def _is_texts(annotation: object | None) -> bool:
    return get_origin(annotation) is list and step(annotation, 0) is str


def _texts(raw: str, value: object) -> list[str]:
    if isinstance(value, str) and value != raw:  # quoted: one text, commas and all
        return [value]
    return [part.strip() for part in raw.split(",") if part.strip()]


def _changed(here: object, override: Override, depth: int = 0) -> Any:
    """What stands at the first `depth` keys of the override's path, once it is applied; `None` for nothing."""
    if depth == len(override.path):
        return override.value
    key = override.path[depth]
    path = override.path[:depth]
    if here is None:
        here = [] if get_origin(type_at(path)) is list else {}
    if isinstance(here, list):
        entries = list(cast("list[object]", here))
        at = _index(override, depth, len(entries))
        below = _changed(entries[at] if at < len(entries) else None, override, depth + 1)
        entries[at : at + 1] = [] if below is None else [below]
        return entries
    if isinstance(here, dict) and isinstance(key, str):
        table = dict(cast("dict[str, object]", here))
        below = _changed(table.pop(key, None), override, depth + 1)
        return table if below is None else {**table, key: below}
    kind = "a table" if isinstance(here, dict) else "a single value"
    raise ProfileError(f"--set {override.label}: {key_name(path)} is {kind} in the file, so it has no {key}")


def _index(override: Override, depth: int, entries: int) -> int:
    key = str(override.path[depth])
    if not _INDEX.fullmatch(key) or int(key) > entries:
        says = f"there is no entry {key} in {override.path[depth - 1]}: it has {entries}, counted from 0"
        raise ProfileError(f"--set {override.label}: {says}")
    return int(key)
