"""The runs of a log root as they were read last: of hundreds, only those that have changed are read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...profiles.base.errors import ProctorError

if TYPE_CHECKING:
    from .status import RunStatus


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run of the log root and how it stands."""

    run_dir: Path
    status: RunStatus

    @property
    def is_foreign(self) -> bool:
        """Whether this is an Inspect process that somebody else started; `run_dir` is but a name then."""
        return self.status.source == "inspect"


@dataclass(slots=True)
class KnownRuns:
    """Reads runs. One thread at a time."""

    _read: dict[Path, tuple[int, KnownRun | None]] = field(default_factory=dict[Path, "tuple[int, KnownRun | None]"])

    @property
    def seen_any(self) -> bool:
        """Whether anything has been read before."""
        return bool(self._read)

    def read(self, root: Path, most: int | None = None) -> tuple[KnownRun, ...]:
        """The runs, the newest first; those that cannot be read are left out: `proctor runs` tells of them.

        Args:
            root: The log root.
            most: How many, at most.
        """
        from .store import list_runs

        folders = list_runs(root)[:most]
        if most is None:
            self._read = {folder: self._read[folder] for folder in folders if folder in self._read}
        return tuple(run for run in map(self._one, folders) if run is not None)

    def _one(self, run_dir: Path) -> KnownRun | None:
        from .status_file import STATUS_FILE, read_status

        try:
            changed_ns = (run_dir / STATUS_FILE).stat().st_mtime_ns
        except OSError:
            return None
        at_ns, known = self._read.get(run_dir, (-1, None))
        # One that goes on may also lose its supervisor, which the file does not show.
        if at_ns == changed_ns and (known is None or known.status.exit_code is not None):
            return known
        try:
            run = KnownRun(run_dir, read_status(run_dir))
        except ProctorError:
            run = None
        if run == known:
            run = known  # the same object: comparing hundreds of them then takes no time
        self._read[run_dir] = changed_ns, run
        return run


def foreign_run(status: RunStatus) -> KnownRun:
    """A foreign Inspect process among the runs: its directory is a name alone."""
    return KnownRun(Path(status.run_id), status)
