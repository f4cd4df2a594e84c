"""The installed application on a pseudo-terminal, over runs of a practice router."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from proctor.evals.engine.status_file import read_status
from proctor.evals.practice.launch import PracticeServer, start_practice
from terminal import Terminal

PROCTOR = str(Path(sys.executable).parent / "proctor")


class Bench:
    """A home, a log root, a router that takes its time, and one that does not."""

    def __init__(self, home: Path, environment: dict[str, str], at_once: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        self.at_once = at_once

    def run(self, profile: str, name: str, *options: str, **environment: str) -> Path:
        """Run a profile to its end, or detached, and return the run's directory."""
        (self.home / f"{name}.toml").write_text(profile)
        before = set(self.home.glob("logs/*"))
        done = subprocess.run(
            [PROCTOR, "run", f"{name}.toml", *options],
            cwd=self.home,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (run_dir,) = set(self.home.glob("logs/*")) - before
        return run_dir

    def open(
        self, *options: str, command: tuple[str, ...] = (), size: tuple[int, int] = (120, 36), **environment: str
    ) -> Terminal:
        """Open the application, by another command where one is given."""
        return Terminal([*(command or (PROCTOR,)), *options], {**self.environment, **environment}, self.home, size)


def _addresses(server: PracticeServer) -> dict[str, str]:
    return {"PROCTOR_ROUTER_URL": server.url, "HF_ENDPOINT": server.hub_url}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    home = Path(tempfile.mkdtemp(prefix="p", dir="/tmp"))
    with start_practice(["--speed", "0.25"]) as server, start_practice(["--speed", "0"]) as quick:
        variables = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "STATE")}
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPYCACHEPREFIX") if name in os.environ
        }
        environment = {
            **kept, **variables, "XDG_RUNTIME_DIR": str(home), "HF_HOME": str(home / "hf"),
            "HF_TOKEN": "hf_practice", **_addresses(server),
        }  # fmt: skip
        bench = Bench(home, environment, _addresses(quick))
        yield bench
        for run_dir in home.glob("logs/*"):
            with suppress(Exception):
                if (pid := read_status(run_dir).supervisor_pid) is not None:
                    os.kill(pid, signal.SIGQUIT)
    shutil.rmtree(home, ignore_errors=True)
