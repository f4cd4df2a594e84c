"""A log that cannot be written for want of space is waited for: what is answered is in memory, and paid for.

A sample ends when it is in the log, so a cell whose log waits begins no new ones once those in flight are answered: a
full disk stops the spending by itself. What a log is made up of lies in a temporary file before: where the disk of that
is full, it goes on in memory.
"""

from __future__ import annotations

import errno
import io
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

from ...profiles.base.errors import ProctorError

PATIENCE_S = 600.0
TRY_EVERY_S = 0.5
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class LogSpaceGuard:
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
                puts a log in the place of the one before, and where it has its temporary files from.
        """
        recorder.tempfile = _Temporary()
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


class SpillingFile(io.RawIOBase):
    """A temporary file that goes on in memory once its disk is full."""

    def __init__(self) -> None:
        super().__init__()
        self._file: io.RawIOBase | io.BytesIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed as this is

    def readable(self) -> bool:
        """It can be read."""
        return True

    def writable(self) -> bool:
        """It can be written."""
        return True

    def seekable(self) -> bool:
        """Any part of it can be."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place and return it."""
        return self._file.seek(offset, whence)

    def truncate(self, size: int | None = None, /) -> int:
        """Cut it off."""
        return self._file.truncate(size)

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read bytes and return how many."""
        return self._file.readinto(buffer)

    def write(self, b: ReadableBuffer, /) -> int | None:
        """Write bytes and return how many."""
        try:
            return self._file.write(b)
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
        at, memory = self._file.tell(), io.BytesIO()
        self._file.seek(0)
        shutil.copyfileobj(self._file, memory)
        self._file.close()
        self._file = memory
        memory.seek(at)
        return memory.write(b)

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
        super().close()


class _Temporary:
    """The module `tempfile`, but for files without a name: these spill."""

    def __getattr__(self, name: str) -> Any:
        return getattr(tempfile, name)

    def TemporaryFile(self) -> BinaryIO:
        return io.BufferedRandom(SpillingFile())
