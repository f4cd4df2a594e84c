"""The driver on a terminal that is gone."""

from __future__ import annotations

import os
import pty
from threading import Thread

from proctor.tui.terminal.driver import BrokenPipeSafeFile
from rich.cells import cell_len
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread


def test_what_the_encoding_lacks_is_stood_in_for_in_the_same_width() -> None:
    line = "▸ ✓ 0.80 ±0.08 │██░░│ 漢字 …"
    shown = line.encode("latin-1", "stand-in").decode("latin-1")
    assert shown == "> + 0.80 ±0.08 |##..| ???? ."
    assert cell_len(shown) == cell_len(line)


def test_who_writes_to_a_terminal_that_is_gone_is_not_held_up() -> None:
    near, far = pty.openpty()
    os.close(near)
    with open(far, "w", encoding="utf-8") as file:
        writer = WriterThread(BrokenPipeSafeFile(file))  # pyright: ignore[reportArgumentType]
        writer.start()

        def draw() -> None:
            for _ in range(MAX_QUEUED_WRITES * 3):
                writer.write("line\n" * 1000)
            writer.stop()

        drawing = Thread(target=draw, daemon=True)
        drawing.start()
        drawing.join(5)
        assert not drawing.is_alive()
        os.dup2(os.open(os.devnull, os.O_WRONLY), far)  # where what could not be written goes on closing
