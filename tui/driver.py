"""Textual's driver for a terminal that sends what is no text, and for one that goes away."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class LastingDriver(LinuxDriver):
    """Survives a byte that is no UTF-8, and a terminal that is gone: the application is left in order then."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)  # pyright: ignore[reportUnknownMemberType]
        self._file = cast("IO[str]", LastingFile(self._file))

    def run_input_thread(self) -> None:
        """Read keys; what is no text is passed over."""
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
            except OSError:  # the terminal is gone, and not every one says so with a signal
                os.kill(os.getpid(), signal.SIGHUP)
                return

    def end(self) -> None:
        """Have the thread that reads keys end, however the application came to its own: the process waits for it."""
        self.exit_event.set()


class LastingFile:
    """A file that loses what cannot be written.

    Textual's writer thread ends with the first error, and its queue, once full, holds up whoever draws for ever.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write, or lose it."""
        with suppress(OSError, ValueError):
            return self._file.write(text)
        return 0

    def flush(self) -> None:
        """Flush, or lose it."""
        with suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        """The file's own."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether the file is a terminal."""
        return self._file.isatty()
