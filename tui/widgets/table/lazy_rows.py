"""Rows that are made when they are drawn: a table of a hundred thousand shows forty of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from .layout import Row


class LazyRows(Sequence[Row]):
    """A sequence of rows whose keys are known without making them. It does not change."""

    @abstractmethod
    def row(self, index: int) -> Row:
        """The row at an index, from 0 on, made now."""

    @abstractmethod
    def key(self, index: int) -> str:
        """The key of the row at an index."""

    @abstractmethod
    def position(self, key: str) -> int | None:
        """The index of the row of that key; `None` where there is none."""

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        at = range(len(self))[index]
        return self.row(at) if isinstance(at, int) else [self.row(one) for one in at]
