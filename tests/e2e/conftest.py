"""The installed command, as a user starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROCTOR = Path(sys.executable).with_name("proctor")


class Ran:
    """What a command did."""

    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout; anything else there fails the test."""
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


@pytest.fixture
def proctor(own_home: Path) -> Callable[..., Ran]:
    """Run `proctor` in an empty working folder and return what it did."""
    folder = own_home / "work"
    folder.mkdir()

    def run(*arguments: str, timeout_s: float = 110, **environment: str) -> Ran:
        process = subprocess.run(
            [str(PROCTOR), *arguments],
            cwd=folder,
            env={**os.environ, "COLUMNS": "120", **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
        return Ran(process)

    return run


@pytest.fixture
def work(own_home: Path) -> Path:
    """The folder in which `proctor` runs."""
    return own_home / "work"
