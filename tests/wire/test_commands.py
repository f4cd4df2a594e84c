"""What commands write to a terminal: text and colours, and no question that the terminal would have to answer."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

PROCTOR = str(Path(sys.executable).with_name("proctor"))
COLOURS = re.compile(rb"\x1b\[[\d;]*m")


def written_by(*arguments: str) -> bytes:
    """All that a command writes to a terminal which answers nothing."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color"}
    process = subprocess.Popen([PROCTOR, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    told = b""
    try:
        while select.select([ours], [], [], 60)[0]:
            told += os.read(ours, 65536)
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0
    return told


@pytest.mark.parametrize("command", [("keys",), ("--help",), ("profiles",), ("runs",)])
def test_a_command_asks_the_terminal_nothing(command: tuple[str, ...]) -> None:
    told = written_by(*command)
    assert told
    assert b"\x1b" not in COLOURS.sub(b"", told)
