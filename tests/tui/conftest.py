"""What the tests of the application share."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from proctor.evals.simulator.launch import ensure_practice, runtime_folder


@pytest.fixture
def quick_practice(own_home: Path) -> Iterator[None]:
    """The user's practice router, running already; its models answer twenty times as fast."""
    server = ensure_practice(speed=20)
    shutil.copy(runtime_folder() / "practice-20.json", runtime_folder() / "practice.json")
    yield
    os.kill(server.pid, signal.SIGTERM)


@pytest.fixture(autouse=True)
def reports(own_home: Path) -> Iterator[Path]:
    """The folder of reports of unforeseen exceptions. A test that means to raise one empties it."""
    folder = own_home / "state" / "proctor" / "reports"
    yield folder
    for report in folder.glob("*"):
        pytest.fail(f"something unforeseen was raised:\n{report.read_text()}")
