"""TOML that is changed in place: comments, order and layout stay; only keys whose values differ are written anew.

The text is cut at its headers, each with the comment right above it. What stands below a header is changed by
`tomlkit` where it differs; tables of an array that come and go are put in and taken out as a whole.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable, Array, InlineTable

from .data import fingerprint
from .toml_text import Path, headers, last_lines

Data = dict[str, Any]
_NOTHING: tuple[object, ...] = (frozenset[object](), ())  # what `_mark` makes of empty tables and arrays


def rewrite(text: str, data: Mapping[str, Any], *, exact: frozenset[str] = frozenset()) -> str:
    """A TOML text with other data.

    Args:
        text: Valid TOML.
        data: What it is to say: tables, arrays and values.
        exact: Keys below which every value counts. Elsewhere a whole number stands for a float that equals it, and an
            empty table or array is as good as none.

    Raises:
        ValueError: It cannot be done in place.
    """
    there = tomllib.loads(text)
    if _same(there, dict(data), exact):
        return text
    has_returns = "\r\n" in text
    document = _Document(_ended(text.replace("\r\n", "\n")), exact)
    document.change((), there, _without_empty(dict(data), exact), exact=False)
    changed = document.text
    if not _same(tomllib.loads(changed), dict(data), exact):
        raise ValueError("the text cannot be changed in place")
    return changed.replace("\n", "\r\n") if has_returns else changed


def dump(data: Mapping[str, Any]) -> str:
    """The TOML of a table's keys, tables in them inline: fit to stand below a header."""
    return "".join(f"{tomlkit.key(key).as_string()} = {_item(value).as_string()}\n" for key, value in data.items())


@dataclass(slots=True, eq=False)
class _Segment:
    """A header with what stands below it; the first of a text has none."""

    path: Path
    is_array: bool
    lead: str  # comment lines right above the header
    header: str
    body: str  # up to the last key
    tail: str  # blank lines and comments behind that

    @property
    def text(self) -> str:
        return self.lead + self.header + self.body + self.tail


class _Document:
    def __init__(self, text: str, exact: frozenset[str]) -> None:
        self._exact = exact
        self._segments = _cut(text)
        self._first = self._segments[1] if len(self._segments) > 1 else None

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self._segments)

    def change(self, path: Path, old: Data, new: Data, *, exact: bool) -> None:
        """Have the table at a path say something else."""
        own = dict(new)
        for key in self._below(path):
            below: Path = (*path, key)
            strict = exact or key in self._exact
            before, after = old.get(key), new.get(key)
            if isinstance(before, dict) and isinstance(after, dict):
                self.change(below, cast("Data", before), cast("Data", after), exact=strict)
                del own[key]
            elif (tables := _tables(before)) and (wanted := _tables(after)):
                self._change_array(below, tables, wanted, exact=strict)
                del own[key]
            elif key in new or strict or not self._is_empty(before):
                self._remove(below)
        segment = self._at(path)
        if not path:
            own = self._add_tables(own, old)
        if segment is not None:
            segment.body = self._body(segment, own, exact=exact)
        elif own:
            self._insert_before(path, _new_segment(path, own, is_array=False))

    def _change_array(self, path: Path, old: Sequence[Data], new: Sequence[Data], *, exact: bool) -> None:
        pairs = _paired(old, new, self._exact if not exact else None)
        kept = [before for before in pairs if before is not None]
        for gone in set(range(len(old))) - set(kept):
            self._remove((*path, gone))
        if kept != sorted(kept):
            self._reorder(path, kept)
        last: _Segment | None = None
        for before, value in zip(pairs, new, strict=True):
            if before is None:
                made = _new_segment(path, value, is_array=True)
                self._insert_before(path, made) if last is None else self._insert_behind(last, made)
                last = made
            else:
                self.change((*path, before), old[before], value, exact=exact)
                last = self._within((*path, before))[-1]

    def _body(self, segment: _Segment, own: Data, *, exact: bool) -> str:
        old = tomllib.loads(segment.body)
        if _same(old, own, None if exact else self._exact):
            return segment.body
        if not segment.path and not segment.body:  # a comment on top of the file stays on top of it
            segment.body, segment.tail = segment.tail, "\n"
        try:
            document = tomlkit.parse(segment.body)
            self._merge(document, old, own, exact=exact)
            body = _ended(document.as_string())
            if _same(tomllib.loads(body), own, None if exact else self._exact):
                return body
        except (TOMLKitError, ValueError, KeyError, IndexError, AttributeError, TypeError):
            pass  # a layout that tomlkit does not change well: the keys are kept, their comments are not
        return dump(own)

    def _merge(self, table: Any, old: Data, new: Data, *, exact: bool) -> None:
        for key in [key for key, value in old.items() if key not in new and (exact or not self._is_empty(value))]:
            table.remove(key)
        for key, value in new.items():
            strict = exact or key in self._exact
            before = old.get(key)
            if key not in old:
                table.append(key, _item(value))
            elif _same(before, value, None if strict else self._exact):
                continue
            elif isinstance(before, dict) and isinstance(value, dict) and isinstance(table[key], AbstractTable):
                self._merge(table[key], cast("Data", before), cast("Data", value), exact=strict)
            elif isinstance(before, list) and isinstance(value, list) and isinstance(table[key], Array):
                self._merge_array(table[key], cast("list[Any]", before), cast("list[Any]", value), exact=strict)
            else:
                table[key] = _item(value)

    def _merge_array(self, array: Array, old: list[Any], new: list[Any], *, exact: bool) -> None:
        marks = [[_mark(item, None if exact else self._exact) for item in items] for items in (old, new)]
        for kind, a, b, c, d in reversed(SequenceMatcher(None, *marks, autojunk=False).get_opcodes()):
            if kind == "equal":
                continue
            if kind == "replace" and b - a == d - c and all(isinstance(array[at], InlineTable) for at in range(a, b)):
                for at, value in zip(range(a, b), new[c:d], strict=True):
                    self._merge(array[at], old[at], value, exact=exact)
                continue
            for _ in range(a, b):
                del array[a]
            for at, value in enumerate(new[c:d], a):
                array.insert(at, _item(value))

    def _is_empty(self, value: Any) -> bool:
        return _mark(value, self._exact) in _NOTHING

    def _add_tables(self, own: Data, old: Data) -> Data:
        """Give new tables and arrays of tables headers of their own, and return the other keys."""
        left: Data = {}
        for key, value in own.items():
            tables = _tables(value)
            if key in old or not (isinstance(value, dict) or tables):
                left[key] = value
                continue
            for table in tables or (cast("Data", value),):
                made = _new_segment((key,), table, is_array=bool(tables))
                self._segments.append(_apart(made, self._segments))
        return left

    def _at(self, path: Path) -> _Segment | None:
        return next((segment for segment in self._segments if segment.path == path), None)

    def _within(self, path: Path) -> list[_Segment]:
        return [segment for segment in self._segments if segment.path[: len(path)] == path and segment.path]

    def _below(self, path: Path) -> list[str]:
        """The keys of a table whose values have headers."""
        deeper = (segment.path for segment in self._segments if len(segment.path) > len(path))
        return list(dict.fromkeys(str(other[len(path)]) for other in deeper if other[: len(path)] == path))

    def _remove(self, path: Path) -> None:
        for segment in self._within(path):
            at = self._segments.index(segment)
            kept = segment.tail.lstrip("\n")
            lead = f"{segment.lead}\n" if segment is self._first and segment.lead else ""
            before = self._segments[at - 1]
            if kept or lead:
                before.tail = f"{_ended(before.tail) or chr(10) * bool(before.header or before.body)}{lead}{kept}"
            del self._segments[at]

    def _reorder(self, path: Path, kept: Sequence[int]) -> None:
        """Put the tables of an array into another order, at the place of the first."""
        parts = [self._within((*path, index)) for index in kept]
        moved = [segment for part in parts for segment in part]
        at = min(map(self._segments.index, moved))
        others = [segment for segment in self._segments if segment not in moved]
        tails = {segment.tail for segment in moved}
        if len(tails) > 1:  # one of them may have been the last of the file
            for segment in moved:
                segment.tail = _ended(segment.tail) or "\n"
        self._segments = [*others[:at], *moved, *others[at:]]

    def _insert_before(self, path: Path, made: _Segment) -> None:
        there = self._within(path)
        at = self._segments.index(there[0]) if there else len(self._segments)
        self._segments.insert(at, _apart(made, self._segments[:at]))
        if at + 1 < len(self._segments) and not made.tail:
            made.tail = "\n"

    def _insert_behind(self, before: _Segment, made: _Segment) -> None:
        at = self._segments.index(before) + 1
        last = at == len(self._segments)
        self._segments.insert(at, _apart(made, self._segments[:at]))
        if not last:
            made.tail = "\n"


def _cut(text: str) -> list[_Segment]:
    lines = text.split("\n")
    found = headers(text)
    starts = [header.line for header in found]
    ends = last_lines(text, starts)
    segments: list[_Segment] = []
    lead = ""
    for number, end in enumerate(ends):
        begin = starts[number - 1] if number else 0  # of its header, from 1
        following = starts[number] - 1 if number < len(starts) else len(lines)
        behind = lines[max(end, begin) : following]
        is_last = number == len(starts)
        comments = 0
        while not is_last and comments < len(behind) and behind[-1 - comments].lstrip().startswith("#"):
            comments += 1
        header = found[number - 1] if number else None
        segments.append(
            _Segment(
                path=header.path if header else (),
                is_array=header is not None and header.is_array,
                lead=lead,
                header=_joined(lines[begin - 1 : begin]) if begin else "",
                body=_joined(lines[begin : max(end, begin)]),
                tail=_joined(behind[: len(behind) - comments]) if not is_last else "\n".join(behind),
            )
        )
        lead = _joined(behind[len(behind) - comments :]) if comments else ""
    return segments


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _apart(made: _Segment, before: Sequence[_Segment]) -> _Segment:
    """A blank line before a new segment, where something stands there."""
    there = before[-1] if before else None
    if there is not None and there.text:
        there.tail = _ended(there.tail)
        if not there.text.endswith("\n\n"):
            there.tail += "\n"
    return made


def _new_segment(path: Path, value: Data, *, is_array: bool) -> _Segment:
    name = ".".join(tomlkit.key(part).as_string() for part in path if isinstance(part, str))
    header = f"[[{name}]]\n" if is_array else f"[{name}]\n"
    return _Segment((*path, -1) if is_array else path, is_array, "", header, dump(value), "")


def _item(value: Any) -> Any:
    if isinstance(value, dict):
        table: Any = tomlkit.inline_table()
        for key, inner in cast("Data", value).items():
            table.append(key, _item(inner))
        return table
    if isinstance(value, list):
        array: Any = tomlkit.array()
        array.extend(map(_item, cast("list[Any]", value)))
        return array
    return cast("Any", tomlkit.item(value))


def _without_empty(value: Any, exact: frozenset[str]) -> Any:
    """The data without the tables and arrays that are as good as none."""
    if isinstance(value, list):
        return [_without_empty(item, exact) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    table = cast("Data", value)
    kept = {key: item if key in exact else _without_empty(item, exact) for key, item in table.items()}
    return {key: item for key, item in kept.items() if key in exact or _mark(item, exact) not in _NOTHING}


def _tables(value: Any) -> list[Data]:
    """The tables of an array that has nothing else; none for anything else."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return cast("list[Data]", items) if all(isinstance(item, dict) for item in items) else []


def _same(old: object, new: object, exact: frozenset[str] | None) -> bool:
    return _mark(old, exact) == _mark(new, exact)


def _mark(value: Any, exact: frozenset[str] | None) -> object:
    """As `fingerprint`; a whole number equals a float, but below keys that are `exact`, or everywhere for `None`."""
    if exact is None:
        return fingerprint(value)
    if isinstance(value, dict):
        table = cast("Data", value)
        marks = ((key, _mark(item, None if key in exact else exact)) for key, item in table.items())
        return frozenset((key, mark) for key, mark in marks if key in exact or mark not in _NOTHING)
    if isinstance(value, list):
        return tuple(_mark(item, exact) for item in cast("list[object]", value))
    return fingerprint(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _paired(old: Sequence[Data], new: Sequence[Data], exact: frozenset[str] | None) -> list[int | None]:
    """For each new table the place of the old one that it is a change of; `None` for one that is new."""
    marks = [_mark(table, exact) for table in old]
    free = set(range(len(old)))
    pairs: list[int | None] = []
    for value in new:
        mark = _mark(value, exact)
        found = next((at for at in sorted(free) if marks[at] == mark), None)
        free.discard(-1 if found is None else found)
        pairs.append(found)
    for place, value in enumerate(new):
        if pairs[place] is None and free:
            best = max(sorted(free), key=lambda at: _likeness(old[at], value))
            if _likeness(old[best], value):
                pairs[place] = best
                free.discard(best)
    if pairs.count(None) == len(free):
        left = iter(sorted(free))
        pairs = [next(left) if pair is None else pair for pair in pairs]
    return pairs


def _likeness(old: Data, new: Data) -> int:
    return sum(key in new and fingerprint(new[key]) == fingerprint(value) for key, value in old.items())
