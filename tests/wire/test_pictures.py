"""A picture on its own is drawn with what the terminal says it has. The terminal here is a pty that answers as one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import pytest

PATIENT_S = 10  # a busy machine answers later than a terminal
CHILD = f"""
import base64, io
from PIL import Image
from textual.app import App
from proctor.evals.results.transcript import Picture
from proctor.tui.screens.picture import PictureScreen
from proctor.tui.widgets import pictures
pictures.textual_image()  # as drawing a transcript does
from textual_image import _terminal
read, pictures._ANSWER_S = _terminal.read, {PATIENT_S}
_terminal.read = lambda file, count, timeout: read(file, count, {PATIENT_S})

class One(App):
    def on_ready(self):
        data = io.BytesIO()
        Image.new("RGB", (60, 40), (200, 30, 30)).save(data, "PNG")
        picture = Picture(base64.b64encode(data.getvalue()).decode(), "image/png")
        self.push_screen(PictureScreen([picture], 0, pictures.find_graphics(self)))

One().run()
"""
SIXEL, KITTY = rb"\x1bP[0-9;]*q", rb"\x1b_G[^\x1b]*a=p"
QUESTION = re.compile(rb"\x1b_G[^\x1b]*a=q[^\x1b]*\x1b\\")


@pytest.mark.parametrize(
    ("attributes", "knows_kitty", "drawn"),
    [(b"\x1b[?62;4;22c", False, SIXEL), (b"\x1b[?62;22c", True, KITTY)],
    ids=["sixel", "kitty"],
)
def test_the_terminal_is_asked_and_believed(attributes: bytes, knows_kitty: bool, drawn: bytes) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(sys.executable, [sys.executable, "-c", CHILD])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 800, 480))
    written, asked = b"", 0
    try:
        deadline = time.monotonic() + 30
        while not (asked and re.search(drawn, written[asked:])):
            assert time.monotonic() < deadline, written[-2000:]
            if select.select([terminal], [], [], 0.1)[0]:
                written += os.read(terminal, 65536)
            if not asked and b"\x1b[c" in written:
                os.write(terminal, attributes)
                asked = written.index(b"\x1b[c") + 3
            if knows_kitty and (question := QUESTION.search(written, asked)):
                number = re.search(rb"i=(\d+)", question.group())
                assert number is not None
                os.write(terminal, b"\x1b_Gi=" + number.group(1) + b";OK\x1b\\")
                knows_kitty, asked = False, question.end()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
