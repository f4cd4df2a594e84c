"""A log that cannot be written for want of space is waited for: what is answered is in memory, and paid for.

A sample ends when it is in the log, so a cell whose log waits begins no new ones once those in flight are answered: a
full disk stops the spending by itself.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ...profiles.errors import ProctorError

PATIENCE_S = 600.0
TRY_EVERY_S = 0.5
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class Space:
    """Waits until logs can be written.

    Args:
        told: Given a line when a log begins to wait, and an empty one when it waits no more; called from any thread.
    """

    def __init__(self, told: Callable[[str], object]) -> None:
        self._told = told
        self.lost: ProctorError | None = None  # why the last log could not be written, once it is given up
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """Wait no longer: what cannot be written now is lost."""
        self._given_up.set()

    def wait_for(self, recorder: Any) -> None:
        """Have all logs of this process wait for space from now on.

        Args:
            recorder: Inspect's module that writes them. Private to it, and known in this one place: its function that
                puts a log in the place of the one before.
        """
        write: Callable[[BinaryIO, str, bool], object] = recorder._copy_temp_to_local

        def write_when_possible(temp_file: BinaryIO, dest: str, fsync: bool) -> None:
            give_up_at_s = time.monotonic() + PATIENCE_S
            while True:
                try:
                    write(temp_file, dest, fsync)
                except OSError as error:
                    if error.errno not in _NO_SPACE:
                        raise
                    self._told(f"the log cannot be written: {error.strerror}: the cell waits for space")
                    if time.monotonic() > give_up_at_s or self._given_up.wait(TRY_EVERY_S):
                        self._given_up.set()
                        self.lost = _unwritten(Path(dest), error)
                        raise self.lost from error
                else:
                    self.lost = None
                    self._told("")
                    return

        recorder._copy_temp_to_local = write_when_possible


def _unwritten(path: Path, error: OSError) -> ProctorError:
    return ProctorError(
        f"what was finished last is not in the log: {error.strerror} in {path.parent}",
        "make space, then retry the run: what is in the log is not asked for again",
    )
