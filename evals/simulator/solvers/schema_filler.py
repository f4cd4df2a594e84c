"""Arguments and documents that conform to a JSON schema, filled from what the conversation says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[\"'“‘`]([^\"'”’`\n]{1,200})[\"'”’`]")
_DEEPEST = 8


def fill(schema: Mapping[str, Any], text: str, answer: str = "") -> Any:
    """A value that conforms to a schema (types, enumerations, required properties, bounds of numbers).

    Args:
        schema: The schema, or a part of it.
        text: Where numbers and quoted words are taken from.
        answer: What goes into a string for which nothing is quoted.
    """
    return _Filler(schema, text, answer).value(schema, "", 0)


class _Filler:
    def __init__(self, root: Mapping[str, Any], text: str, answer: str) -> None:
        self._root = root
        self._numbers = _NUMBER.findall(text)
        self._words = _QUOTED.findall(text)
        self._answer = answer or (" ".join(text.split()[-6:]) or "practice")

    def value(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._one_of(schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((entry for entry in cast("list[str]", kind) if entry != "null"), "null")
        match kind:
            case "integer":
                return int(self._number(schema))
            case "number":
                return self._number(schema)
            case "boolean":
                return True
            case "null":
                return None
            case "array":
                count = max(int(schema.get("minItems", 1)), 1) if depth < _DEEPEST else 0
                return [self.value(schema.get("items") or {"type": "string"}, name, depth + 1) for _ in range(count)]
            case "object":
                return self._object(schema, depth)
            case None if "properties" in schema:
                return self._object(schema, depth)
            case _:
                return self._string(schema)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties") or {}
        required: Sequence[str] = schema.get("required") or list(properties)
        return {
            name: self.value(properties.get(name, {"type": "string"}), name, depth + 1)
            for name in required
            if depth < _DEEPEST
        }

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(_DEEPEST):
            reference = schema.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/"):
                target: Any = self._root
                for step in reference[2:].split("/"):
                    target = target.get(step, {})
                schema = target
                continue
            options = schema.get("anyOf") or schema.get("oneOf")
            if options:
                schema = next((option for option in options if option.get("type") != "null"), options[0])
                continue
            break
        return schema

    def _one_of(self, options: Sequence[Any]) -> Any:
        return next((option for option in options if str(option) in self._words), options[0])

    def _number(self, schema: Mapping[str, Any]) -> float:
        value = float(self._numbers.pop(0)) if self._numbers else 1.0
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is not None:
            value = max(value, float(low))
        return value if high is None else min(value, float(high))

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = self._words.pop(0) if self._words else self._answer
        text = text.ljust(int(schema.get("minLength", 0)), "x")
        return text[: int(schema["maxLength"])] if "maxLength" in schema else text
