"""However the application ends, the terminal is as it was, and the run goes on to its end."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from proctor.evals.engine.status_file import read_status
from terminal import CTRL_C, Terminal

pytestmark = pytest.mark.timeout(300)

PROFILE = """
title = "A long run"
[[tasks]]
task = "proctor/arithmetic"
[[models]]
model = "openai/gpt-oss-120b"
providers = ["groq"]
[run]
limit = 50
max_connections = 1
"""
OFF = {"1049", "1000", "1002", "1003", "1004", "1006", "1015", "1016", "2004", "2026", "2048"}
CRASH = """
from proctor.tui import app
def fail(self):
    raise RuntimeError("provoked")
app.ProctorApp.action_leave = fail
from proctor.tui.cli.main import main
main()
"""


def modes(written: bytes) -> dict[str, bool]:
    """Which of the terminal's private modes are on at the end, of those that were touched."""
    found: dict[str, bool] = {}
    for numbers, switch in re.findall(rb"\x1b\[\?([\d;]+)([hl])", written):
        found |= dict.fromkeys(numbers.decode().split(";"), switch == b"h")
    return found


def assert_given_back(terminal: Terminal) -> None:
    terminal.quiet()
    written = bytes(terminal.written)
    state = modes(written)
    assert "1049" in state, "the application was never open"
    assert not {mode for mode in OFF if state.get(mode)}
    assert state["25"] and state["7"], "cursor and wrapping are on"
    assert written.count(b"\x1b[<u") >= len(re.findall(rb"\x1b\[>\d+u", written)), "the kitty protocol's keys are off"
    assert terminal.attributes() == terminal.before


@pytest.fixture(scope="module")
def run_dir(bench: Any) -> Iterator[Path]:
    """A run that takes its time until the last of these tests is over, and then comes to its end."""

    def fault(*faults: dict[str, Any]) -> None:
        address = f"{bench.at_once['HF_ENDPOINT']}/practice/faults"
        httpx.put(address, json={"faults": list(faults)}).raise_for_status()

    fault({"target": "groq", "kind": "slow", "delay_s": 4})
    yield bench.run(PROFILE, "long", "--detach", **bench.at_once)
    fault()


@pytest.fixture
def watching(bench: Any, run_dir: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """The application on Live."""
    command = getattr(request, "param", ())
    with bench.open("--log-dir", "logs", command=command, **bench.at_once) as terminal:
        terminal.until("A long run")
        terminal.until("leave")
        terminal.send("g\r")
        terminal.until("Running samples")
        yield terminal
    assert read_status(run_dir).exit_code is None


@pytest.mark.parametrize(
    "leave",
    [
        lambda terminal: terminal.send("q"),
        lambda terminal: terminal.send(CTRL_C),
        lambda terminal: terminal.process.send_signal(signal.SIGTERM),
        lambda terminal: terminal.process.send_signal(signal.SIGHUP),
    ],
    ids=["q", "Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_leaving_gives_the_terminal_back_and_says_what_goes_on(
    watching: Terminal, run_dir: Path, leave: Callable[[Terminal], None]
) -> None:
    leave(watching)
    assert watching.process.wait(20) == 0
    assert_given_back(watching)
    assert f"{run_dir.name} goes on" in watching.written.rpartition(b"\x1b[?1049l")[2].decode()


@pytest.mark.parametrize("watching", [(sys.executable, "-c", CRASH)], indirect=True)
def test_a_crash_gives_the_terminal_back_and_shows_why(watching: Terminal) -> None:
    watching.send("q")
    assert watching.process.wait(20) == 1
    assert_given_back(watching)
    assert "provoked" in watching.written.rpartition(b"\x1b[?1049l")[2].decode()


def test_a_window_that_is_closed_on_leaving_leaves_nothing_behind(watching: Terminal) -> None:
    started = children_of(watching.process.pid)
    watching.send("q")
    watching.close()
    watching.process.wait(20)
    assert [pid for pid in started if alive(pid)] == []


def test_bytes_that_are_no_text_are_no_keys(watching: Terminal) -> None:
    watching.send(b"\xff\xfe2\x80")
    watching.quiet()
    watching.send("2")
    watching.until("trending")
    watching.send("q")
    assert watching.process.wait(20) == 0
    assert_given_back(watching)


def test_a_window_that_is_closed_ends_the_application_and_what_it_started(watching: Terminal, run_dir: Path) -> None:
    watching.until(lambda: children_of(watching.process.pid))  # the reader
    started = children_of(watching.process.pid)
    watching.close()
    watching.process.wait(20)
    assert [pid for pid in started if alive(pid)] == []
    assert read_status(run_dir).supervisor_pid not in started


def test_the_run_came_to_its_end(bench: Any, run_dir: Path) -> None:
    httpx.put(f"{bench.at_once['HF_ENDPOINT']}/practice/faults", json={"faults": []}).raise_for_status()
    with bench.open("--log-dir", "logs", **bench.at_once) as terminal:
        terminal.until("A long run")
        terminal.until(lambda: read_status(run_dir).exit_code == 0 and "50/50" in "".join(terminal.lines()))


def children_of(pid: int) -> list[int]:
    with os.popen(f"ps -o pid= --ppid {pid}") as listing:
        return [int(line) for line in listing if int(line) != pid]


def alive(pid: int) -> bool:
    with os.popen(f"ps -o stat= -p {pid}") as listing:
        return listing.read().strip()[:1] not in ("", "Z")
