"""Where the keys of a TOML text stand. `tomllib` does not say; an error that names the line is an error soon mended."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
      (?P<string> \"{3}(?:\\[\s\S]|[^\\])*?\"{3,5} | '{3}[\s\S]*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<mark> [\[\]{}=,.] )
    | (?P<bare> [^\s\[\]{}=,.\#"']+ )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Header:
    """A `[table]` or an element of `[[tables]]`, whose path ends in its index."""

    path: Path
    line: int  # from 1
    is_array: bool


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every table, key and array element.

    Args:
        text: Valid TOML, as `tomllib` has accepted it.

    Returns:
        Line numbers by path. Elements of arrays, `[[tables]]` among them, have their index from 0 in the path.
    """
    return _Scanner(text).scan()


def headers(text: str) -> list[Header]:
    """The headers of valid TOML, in their order."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.headers


def last_lines(text: str, starts: Sequence[int]) -> list[int]:
    """The last line, from 1, that is neither blank nor a comment, of each part of a text.

    Args:
        text: Valid TOML.
        starts: The lines at which the second and further parts begin.

    Returns:
        One for each part, the first included; 0, or a line before its beginning, for a part without any.
    """
    ends = [0] * (len(starts) + 1)
    part = 0
    for line, end in _Scanner(text).spans():
        while part < len(starts) and line >= starts[part]:
            part += 1
        ends[part] = end
    return ends


def nearest_line(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of a path, or else of the innermost table or array around it that has one."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []  # kind, text, line
        line = 1
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup or ""
            if kind != "comment":
                self._tokens.append((kind, match.group(), line))
            line += match.group().count("\n")
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._table_counts: dict[Path, int] = {}  # [[tables]] met so far
        self.headers: list[Header] = []

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_newlines():
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def spans(self) -> list[tuple[int, int]]:
        """The first and the last line of everything that is neither blank nor a comment."""
        return [(line, line + text.count("\n")) for kind, text, line in self._tokens if kind != "newline"]

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _skip_newlines(self) -> bool:
        while self._peek() == "\n":
            self._at += 1
        return self._at < len(self._tokens)

    def _mark(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)

    def _key(self, end: str) -> tuple[list[str], int]:
        """The parts of a dotted key and its line; the mark that ends it is passed."""
        parts: list[str] = []
        line = self._tokens[self._at][2]
        while self._at < len(self._tokens) and self._peek() != end:
            kind, text, _ = self._tokens[self._at]
            if kind == "bare":
                parts.append(text)
            elif kind == "string":
                parts.append(tomllib.loads(f"v = {text}")["v"])
            self._at += 1
        self._at += 1
        return parts, line

    def _header(self) -> Path:
        line_of_header = self._tokens[self._at][2]
        self._at += 1
        is_array = self._peek() == "["
        self._at += is_array
        parts, line = self._key("]")
        self._at += is_array
        path: Path = ()
        for i, part in enumerate(parts):
            path = (*path, part)
            if is_array and i == len(parts) - 1:
                self._table_counts[path] = self._table_counts.get(path, 0) + 1
            self._mark(path, line)
            if path in self._table_counts:
                path = (*path, self._table_counts[path] - 1)
                self._mark(path, line)
        self.headers.append(Header(path, line_of_header, is_array))
        return path

    def _pair(self, table: Path) -> None:
        parts, line = self._key("=")
        path = table
        for part in parts:
            path = (*path, part)
            self._mark(path, line)
        self._value(path)

    def _value(self, path: Path) -> None:
        match self._peek():
            case "[":
                self._at += 1
                index = 0
                while self._skip_newlines() and self._peek() != "]":
                    if self._peek() == ",":
                        index += 1
                        self._at += 1
                        continue
                    self._mark((*path, index), self._tokens[self._at][2])
                    self._value((*path, index))
                self._at += 1
            case "{":
                self._at += 1
                while self._skip_newlines() and self._peek() != "}":
                    if self._peek() == ",":
                        self._at += 1
                    else:
                        self._pair(path)
                self._at += 1
            case _:
                while self._at < len(self._tokens) and self._peek() not in {"\n", ",", "]", "}"}:
                    self._at += 1
