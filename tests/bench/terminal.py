"""A command on a pseudo-terminal: what it writes and when, and the screen that this makes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any

import pyte
from pyte.screens import Char

PROCTOR = str(Path(sys.executable).parent / "proctor")
LIMIT_S = 60.0
QUIET_S = 0.3  # nothing for so long: it has painted
ANSWERS = {  # what a terminal says that has synchronised output and no resize reports
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",
}
RIGHT, DOWN, PAGE_DOWN, ESCAPE, CTRL_C = "\x1b[C", "\x1b[B", "\x1b[6~", "\x1b", "\x03"


@dataclass(frozen=True)
class Mark:
    """How many bytes there were, and when."""

    count: int
    at_s: float


class Terminal:
    """The far end of a pseudo-terminal that a command believes to be a terminal. As a context manager it ends it.

    Args:
        command: What to start.
        environ: Its environment, with a terminal's own variables where they are not given.
        cwd: Where.
        size: Columns and rows.
    """

    cell = 0, 0  # pixels, as far as it tells

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], cwd: Path, size: tuple[int, int] = (120, 36)
    ) -> None:
        self._near, self._far = pty.openpty()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._change = Condition()
        self._times_s: list[float] = []  # of arrival, by chunk
        self._ends: list[int] = []  # how much there was then
        self.written = bytearray()
        self.closed = False  # by us
        self.before = termios.tcgetattr(self._far)
        self._set_size(size)
        own = {name: value for name, value in environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={"TERM": "xterm-256color", "COLORTERM": "truecolor", **own},
            stdin=self._far,
            stdout=self._far,
            stderr=self._far,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.close()
        self._reading.join(1)
        os.close(self._far)

    def close(self) -> None:
        """Take the terminal away, as a window that is closed."""
        if not self.closed:
            self.closed = True
            os.close(self._near)

    def send(self, keys: str | bytes) -> None:
        """Type, in one write."""
        os.write(self._near, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        with self._change:
            self._screen.resize(rows, columns)
        self._set_size((columns, rows))
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGWINCH)

    def lines(self) -> list[str]:
        """What is on the screen."""
        with self._change:
            return list(self._screen.display)

    def seen(self) -> str:
        """What is on the screen, as one text."""
        return "\n".join(line.rstrip() for line in self.lines())

    def cells(self) -> list[list[Char]]:
        """What is on the screen, cell by cell, with its colours."""
        with self._change:
            lines, columns = self._screen.lines, self._screen.columns
            return [[as_seen(self._screen.buffer[y][x]) for x in range(columns)] for y in range(lines)]

    def attributes(self) -> list[Any]:
        """How the terminal is set now."""
        return termios.tcgetattr(self._far)

    def until(self, fact: str | Callable[[], object], timeout_s: float = LIMIT_S) -> float:
        """Wait until words are on the screen, or a fact of it holds; returns when that was.

        Raises:
            TimeoutError: It never came to it.
        """
        holds = fact if callable(fact) else (lambda: fact in self.display())
        with self._change:
            if not self._change.wait_for(holds, timeout_s):
                shown = "\n".join(line.rstrip() for line in self._screen.display)
                raise TimeoutError(f"it never came to it: {fact!r}\n{shown}\n{bytes(self.written[-300:])!r}")
            return self._times_s[-1] if self._times_s else time.monotonic()

    def quiet(self, for_s: float = QUIET_S, timeout_s: float = LIMIT_S) -> int:
        """Wait until nothing has come for so long; how many bytes there have been since the start.

        Raises:
            TimeoutError: It does not become quiet.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._change:
            while time.monotonic() < deadline_s:
                count = len(self.written)
                if not self._change.wait_for(lambda count=count: len(self.written) > count, for_s):
                    return count
        raise TimeoutError(f"still writing: {bytes(self.written[-300:])!r}")

    def bytes_of(self, keys: str) -> int:
        """Type, and count the bytes until it is quiet."""
        before = len(self.written)
        self.send(keys)
        return self.quiet() - before

    def mark(self) -> Mark:
        """How much there is now."""
        return Mark(len(self.written), time.monotonic())

    def bytes_within(self, seconds: float, *, at_most: int | None = None, since: Mark | None = None) -> int:
        """Count what comes in so many seconds from now, or from a mark; ends as soon as it is more than `at_most`."""
        begin = since or self.mark()
        with self._change:
            self._change.wait_for(
                lambda: at_most is not None and len(self.written) - begin.count > at_most,
                begin.at_s + seconds - time.monotonic(),
            )
            return len(self.written) - begin.count

    def answered_s(self, keys: str, fact: str | Callable[[], object], timeout_s: float = LIMIT_S) -> float:
        """Type, and say how long it took until a fact of the screen held."""
        began_s = time.monotonic()
        self.send(keys)
        return self.until(fact, timeout_s) - began_s

    def first_time_of(self, words: bytes) -> float:
        """When bytes arrived whole for the first time."""
        return self._times_s[bisect_left(self._ends, self.written.index(words) + len(words))]

    def column(self, x: int) -> list[str]:
        """A column of the screen, from the top; safe within a fact."""
        return [line[x : x + 1] for line in self._screen.display]

    def display(self) -> str:
        """What is on the screen, as one text; safe within a fact."""
        return "\n".join(self._screen.display)

    def _show(self, data: bytes) -> None:
        """Put on the screen what arrived."""
        self._stream.feed(data)

    def _set_size(self, size: tuple[int, int]) -> None:
        width, height = size[0] * self.cell[0], size[1] * self.cell[1]
        fcntl.ioctl(self._far, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], width, height))

    def _read(self) -> None:
        asked = b""
        while True:
            try:
                while not select.select([self._near], [], [], 0.5)[0]:
                    if self.closed:
                        return
                data = os.read(self._near, 65_536)
            except (OSError, ValueError):
                return
            asked = asked[-16:] + data
            for question, answer in ANSWERS.items():
                if question in asked:
                    asked = asked.replace(question, b"")
                    self.send(answer)
            with self._change:
                self.written += data
                self._times_s.append(time.monotonic())
                self._ends.append(len(self.written))
                self._show(data)
                self._change.notify_all()


def as_seen(cell: Char) -> Char:
    """A cell without what one cannot see of it: how a blank would be written."""
    is_blank = cell.data == " " and not (cell.underscore or cell.reverse or cell.strikethrough)
    return cell._replace(fg="default", bold=False, italics=False) if is_blank else cell
