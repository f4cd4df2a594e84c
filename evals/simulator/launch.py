"""Finding or starting a practice router. Light to import: the server is a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import cast
from urllib.parse import urlsplit

from ...profiles.base.errors import ProctorError
from .discovery import NAME, Announcement, code_version, read_announcement

IDLE_EXIT_S = 900.0
_START_TIMEOUT_S = 30.0
_HEALTH_TIMEOUT_S = 3.0
_POLL_S = 0.02
_SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")

# Kept until this process ends, so that a server that ends before it is reaped.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class PracticeServer:
    """A practice router that answers. As a context manager it ends the server, if it is its own."""

    url: str  # of the router, with /v1
    hub_url: str
    pid: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False, compare=False)

    def close(self) -> None:
        """End the server if `start_practice` started it; a shared one goes on."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> PracticeServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def ensure_practice(*, speed: float | None = None) -> PracticeServer:
    """The user's practice router: the one that runs, else a new one that ends after a quarter of an hour unasked.

    Args:
        speed: The factor of its time, 0 for no waiting; each has a server of its own. `None` is the usual one.

    Raises:
        ProctorError: It cannot be started.
    """
    for process in _started:
        process.poll()
    folder = runtime_folder()
    name = "practice" if speed is None else f"practice-{speed:g}"
    announcement_file = folder / f"{name}.json"
    found = _alive(announcement_file)
    if found is None:
        with _lock(folder / f"{name}.lock"):
            found = _alive(announcement_file)
            if found is None:
                arguments = ["--idle-exit", f"{IDLE_EXIT_S:g}"]
                if speed is not None:
                    arguments += ["--speed", f"{speed:g}"]
                found, process = _start(announcement_file, arguments, folder / f"{name}.log")
                _started.append(process)
    return PracticeServer(found.url, found.hub_url, found.pid)


def start_practice(extra_args: Sequence[str] = ()) -> PracticeServer:
    """A practice router of one's own, not shared; close it, or use it as a context manager.

    Args:
        extra_args: Options of the server, such as `--speed`, `instant`.

    Raises:
        ProctorError: It cannot be started, with the reason that it gives.
    """
    folder = tempfile.TemporaryDirectory(prefix="proctor-practice-")
    try:
        found, process = _start(Path(folder.name, "practice.json"), extra_args, Path(folder.name, "practice.log"))
    except BaseException:
        folder.cleanup()
        raise
    return PracticeServer(found.url, found.hub_url, found.pid, process, folder)


def runtime_folder() -> Path:
    """The user's folder for what runs, created for the user alone.

    Raises:
        ProctorError: It cannot be made, or it belongs to somebody else.
    """
    from platformdirs import user_runtime_path

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it names a folder of its own, which is as good
        folder = user_runtime_path("proctor")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise ProctorError(f"{folder} belongs to another user", "set XDG_RUNTIME_DIR to a folder of your own")
        folder.chmod(0o700)
    except OSError as error:
        raise ProctorError(
            f"cannot make {folder}: {error.strerror}", "set XDG_RUNTIME_DIR to a folder of your own"
        ) from error
    return folder


def _alive(announcement_file: Path) -> Announcement | None:
    """What an announcement file promises, if a server of this very code keeps the promise."""
    announced = read_announcement(announcement_file)
    if announced is None or announced.version != code_version():
        return None
    health = _health(announced.hub_url)
    if health.get("name") != NAME or health.get("pid") != announced.pid or health.get("version") != announced.version:
        return None
    return announced


def _health(hub_url: str) -> Mapping[str, object]:
    """What the server says of itself; empty when it does not answer."""
    address = urlsplit(hub_url)
    if address.hostname is None:
        return {}
    connection = HTTPConnection(address.hostname, address.port, timeout=_HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/practice/health")
        answer: object = json.loads(connection.getresponse().read())
        return cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
    except (OSError, HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def _start(
    announcement_file: Path, arguments: Sequence[str], log: Path
) -> tuple[Announcement, subprocess.Popen[bytes]]:
    """Start a server in a session of its own and wait until it answers."""
    announcement_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "proctor.evals.simulator.server", "--announce", str(announcement_file), *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        announced = read_announcement(announcement_file)
        if announced is not None and announced.pid == process.pid and _health(announced.hub_url):
            return announced, process
        if process.poll() is not None:
            break
        time.sleep(_POLL_S)
    process.kill()
    process.wait()
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    reason = lines[-1] if lines else "it did not answer in time"
    raise ProctorError(f"the practice router did not start: {reason}")


@contextmanager
def _lock(path: Path) -> Generator[None]:
    """Hold a lock file for as long as the block takes; others wait."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
