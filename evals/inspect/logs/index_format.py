"""The index of a log as bytes, in the cache and on the way from the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any

from .column_bytes import decode_columns, encode_columns
from .columns import Column
from .log_index import LogIndex, SampleColumns
from .sample_orders import ORDERS, SampleOrder, make_orders

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = 2  # counted up when the layout, or what `LogIndex` means, changes

_ORDER = "order: "  # before the names of columns that hold orders
_COUNT, _NUMBER, _TEXT = frozenset({int}), frozenset({float, int, NoneType}), frozenset({str, NoneType})
_KINDS: Mapping[str, frozenset[type]] = {
    **dict.fromkeys(("epoch", "input_tokens", "output_tokens", "grader_tokens", "retries", "fingerprint"), _COUNT),
    **dict.fromkeys(("score", "cost_usd", "grader_cost_usd", "total_time_s", "working_time_s"), _NUMBER),
    **dict.fromkeys(("answer", "error"), _TEXT),
    "id": frozenset({int, str}),
    "raw_score": frozenset({bool, int, float, str, NoneType}),
    "completed": frozenset({bool}),
}


class NoIndexError(ValueError):
    """The bytes are no index, or one of another version or another kind of machine."""


def encode_index(index: LogIndex) -> bytes:
    """An index as bytes, with the orders of its samples."""
    samples = index.samples
    orders = samples.orders or make_orders(samples)
    facts = {
        "format": FORMAT,
        "log": {one.name: getattr(index, one.name) for one in fields(LogIndex) if one.name != "samples"},
        "known": {name: order.known for name, order in orders.items()},
    }
    columns = {name: getattr(samples, name) for name in _KINDS}
    return encode_columns(facts, {**columns, **{_ORDER + name: order.positions for name, order in orders.items()}})


def decode_index(content: bytes | memoryview) -> LogIndex:
    """An index whose columns look into these bytes.

    Raises:
        NoIndexError: They are not what `encode_index` makes.
    """
    try:
        facts, columns = decode_columns(content)
        if facts["format"] != FORMAT:
            raise ValueError("of another version")
        return replace(_log_facts().validate_python(facts["log"]), samples=_samples(columns, facts["known"]))
    except (ValueError, KeyError, TypeError) as error:
        raise NoIndexError(str(error)) from error


def _samples(columns: dict[str, Column[Any]], known: Mapping[str, int]) -> SampleColumns:
    positions = {name: columns.pop(_ORDER + name) for name in ORDERS}
    if columns.keys() != _KINDS.keys():
        raise ValueError("other columns")
    if len({len(column) for column in (*columns.values(), *positions.values())}) != 1:
        raise ValueError("not equally long")
    if not all(column.kinds <= _KINDS[name] for name, column in columns.items()):
        raise ValueError("not of their types")
    return SampleColumns(**columns, orders={name: SampleOrder(positions[name], known[name]) for name in ORDERS})


@cache
def _log_facts() -> TypeAdapter[LogIndex]:
    from pydantic import TypeAdapter

    return TypeAdapter(LogIndex)
