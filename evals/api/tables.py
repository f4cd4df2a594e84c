"""What the tables of the API share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...profiles.base.errors import ProctorError

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]


class Tabular(ABC):
    """Something that is a table: plain records, and a data frame of them."""

    __slots__ = ()

    @abstractmethod
    def records(self) -> Sequence[dict[str, Any]]:
        """One record for each row: plain data, as the command line's `--json` has it."""

    def to_pandas(self) -> pandas.DataFrame:  # pyright: ignore[reportUnknownParameterType, reportUnknownMemberType]
        """The records as a data frame.

        Raises:
            ProctorError: pandas is not installed.
        """
        try:
            import pandas  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
        except ImportError:
            raise ProctorError("a data frame needs the package pandas", "`pip install pandas`") from None
        return pandas.DataFrame.from_records(list(self.records()))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
