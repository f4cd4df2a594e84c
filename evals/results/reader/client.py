"""The reader's client: Inspect's knowledge without loading Inspect."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ....profiles.base.errors import ProctorError, UsageError

if TYPE_CHECKING:
    from ...inspect.logs.transcript import Transcript
    from ...planning.plan import TaskFacts
    from ...tasks.info import TaskInfo, TaskListing
    from ..compare import RunComparison
    from ..disagreements import Disagreements
    from ..export_rows import SampleTexts
    from ..report import RunFacts
    from ..scoreboard import Grouping, Scoreboard

LIST_TIMEOUT_S = 60.0
TRANSCRIPT_TIMEOUT_S = 60.0
TEXTS_TIMEOUT_S = 300.0
SCOREBOARD_TIMEOUT_S = 600.0  # logs of hundreds of thousands of samples may have to be read first
FACTS_TIMEOUT_S = 300.0  # a dataset may have to be downloaded first

_REMEDY = "`proctor doctor` may say why"
_KEPT_BYTES = 4096
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


class ReaderLostError(ProctorError):
    """The reader ended or did not answer in time. The next call starts a new one."""


class Reader:
    """A reader process. Calls are made one at a time and may come from any thread.

    Args:
        token: For gated datasets; handed over in the environment. Without one the reader uses none, whatever the
            environment or the user's home holds.
        hub_url: The Hub that datasets are read from; the environment's or the public one if not given.
        warm: Load Inspect at once. Without it the first answer that can do without Inspect comes in half a second.
    """

    def __init__(self, *, token: str | None = None, hub_url: str | None = None, warm: bool = True) -> None:
        self._token = token
        self._hub_url = hub_url
        self._warm = warm
        self._process: _Process | None = None
        self._calls = threading.Lock()
        self._closed = False

    def start(self) -> Self:
        """Start the process and return at once: it loads Inspect, 2-3 s, while others work."""
        with self._calls:
            self._running()
        return self

    def close(self) -> None:
        """End the process, and with it a call that is under way."""
        self._closed = True
        process = self._process
        if process is not None:
            process.end()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, op: str, /, *, timeout_s: float, **args: Any) -> Any:
        """Ask for an operation and wait for its answer.

        Args:
            op: Its name in the reader's `OPS`.
            timeout_s: How long to wait, loading Inspect included.
            **args: Its arguments: JSON values.

        Returns:
            Its result: JSON values.

        Raises:
            UsageError: What was asked for is wrong.
            ReaderLostError: The process ended, was closed, or did not answer in time.
            ProctorError: The operation failed.
        """
        with self._calls:
            process = self._running()
            try:
                answer = process.ask(op, args, timeout_s)
            except ReaderLostError:
                process.end()
                self._process = None
                raise
        if answer["ok"]:
            return answer["result"]
        error: Mapping[str, Any] = answer["error"]
        raise (UsageError if error["usage"] else ProctorError)(error["message"], error["remedy"])

    def list_tasks(
        self, paths: Sequence[str] = (".",), *, installed: bool = False, timeout_s: float = LIST_TIMEOUT_S
    ) -> TaskListing:
        """All tasks: shipped, of files and folders, and of installed packages where asked for.

        Raises:
            ProctorError: As `call`.
        """
        from pydantic import TypeAdapter

        from ...tasks.info import TaskListing

        result = self.call("list_tasks", timeout_s=timeout_s, paths=list(paths), cwd=os.getcwd(), installed=installed)
        return TypeAdapter(TaskListing).validate_python(result)

    def describe_task(self, task: str, *, timeout_s: float = LIST_TIMEOUT_S) -> TaskInfo:
        """What is known of one task, its parameters included, without building it.

        Raises:
            UsageError: There is no such task.
            ProctorError: As `call`.
        """
        from pydantic import TypeAdapter

        from ...tasks.info import TaskInfo

        return TypeAdapter(TaskInfo).validate_python(
            self.call("describe_task", timeout_s=timeout_s, task=task, cwd=os.getcwd())
        )

    def task_facts(
        self, task: str, args: Mapping[str, Any], *, practice: bool = False, timeout_s: float = FACTS_TIMEOUT_S
    ) -> TaskFacts:
        """Build a task with its arguments and state what it turned out to be. User code runs for it, in the reader.

        Args:
            task: Registry name, absolute file with or without `@task`, or `hf/<org>/<dataset>`.
            args: Its arguments: JSON values.
            practice: Fill in what the task asks for in practice.
            timeout_s: How long to wait.

        Returns:
            The facts; `error` says why there are none, also when the task's code ended the process or hung.

        Raises:
            ProctorError: As `call`, but for the reader being lost.
        """
        from pydantic import TypeAdapter

        from ...planning.plan import TaskFacts

        try:
            result = self.call("task_facts", timeout_s=timeout_s, task=task, args=dict(args), practice=practice)
        except ReaderLostError as error:
            return TaskFacts(task=task, error=f"building {task}: {error.message}")
        return TypeAdapter(TaskFacts).validate_python(result)

    def transcript(
        self, log: Path, sample_id: str | int, epoch: int, *, timeout_s: float = TRANSCRIPT_TIMEOUT_S
    ) -> Transcript:
        """Read one sample of a log, with all that was said.

        Raises:
            ProctorError: As `call`; also where the log cannot be read or has no such sample.
        """
        from pydantic import TypeAdapter

        from ...inspect.logs.transcript import Transcript

        result = self.call(
            "transcript", timeout_s=timeout_s, path=str(log.absolute()), sample_id=sample_id, epoch=epoch
        )
        return TypeAdapter(Transcript).validate_python(result)

    def scoreboard(
        self, run_dir: Path, group_by: Grouping = "task", *, timeout_s: float = SCOREBOARD_TIMEOUT_S
    ) -> Scoreboard:
        """The scoreboard of a run as it stands now. The statistics are computed, and their libraries loaded, in there.

        Raises:
            ProctorError: As `call`; also where it is no run.
        """
        from pydantic import TypeAdapter

        from ..scoreboard import Scoreboard

        answer = self.call("scoreboard", timeout_s=timeout_s, run_dir=str(run_dir.absolute()), group_by=group_by)
        return TypeAdapter(Scoreboard).validate_python(answer)

    def run_facts(self, run_dir: Path, *, timeout_s: float = SCOREBOARD_TIMEOUT_S) -> RunFacts:
        """What a report tells of a run beside its scoreboard.

        Raises:
            ProctorError: As `call`; also where it is no run.
        """
        from pydantic import TypeAdapter

        from ..report import RunFacts

        answer = self.call("run_facts", timeout_s=timeout_s, run_dir=str(run_dir.absolute()))
        return TypeAdapter(RunFacts).validate_python(answer)

    def sample_texts(
        self, log: Path, samples: Sequence[tuple[str | int, int]], *, timeout_s: float = TEXTS_TIMEOUT_S
    ) -> list[SampleTexts]:
        """What was asked, answered and said of some samples, by their ids and epochs, in that order.

        Raises:
            ProctorError: As `call`; also where the log cannot be read or has no such sample.
        """
        from pydantic import TypeAdapter

        from ..export_rows import SampleTexts

        answer = self.call("sample_texts", timeout_s=timeout_s, path=str(log.absolute()), samples=samples)
        return TypeAdapter(list[SampleTexts]).validate_python(answer)

    def compare_runs(self, before: Path, after: Path, *, timeout_s: float = SCOREBOARD_TIMEOUT_S) -> RunComparison:
        """Two runs side by side.

        Raises:
            ProctorError: As `call`; also where one is no run.
        """
        from pydantic import TypeAdapter

        from ..compare import RunComparison

        answer = self.call(
            "compare_runs", timeout_s=timeout_s, before=str(before.absolute()), after=str(after.absolute())
        )
        return TypeAdapter(RunComparison).validate_python(answer)

    def disagreements(self, logs: Sequence[Path], *, timeout_s: float = SCOREBOARD_TIMEOUT_S) -> Disagreements:
        """The samples on which the cells of these logs disagree.

        Raises:
            ProctorError: As `call`; also where a log cannot be read.
        """
        from ..disagreements import decode_disagreements

        answer = self.call("disagreements", timeout_s=timeout_s, logs=[str(log.absolute()) for log in logs])
        return decode_disagreements(urlsafe_b64decode(answer))

    def _running(self) -> _Process:
        if self._closed:
            raise ReaderLostError("the reader is closed")
        if self._process is None or self._process.ended:
            self._process = _Process(self._environment(), self._token, warm=self._warm)
        return self._process

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, "INSPECT_DISPLAY": "none", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        for variable in _TOKENS:
            environment.pop(variable, None)
        if self._token is not None:
            environment["HF_TOKEN"] = self._token
        else:
            environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
        if self._hub_url is not None:
            environment["HF_ENDPOINT"] = self._hub_url
        return environment


class _Process:
    """One life of the reader, with a thread for each of its two outputs."""

    def __init__(self, environment: Mapping[str, str], token: str | None, *, warm: bool) -> None:
        self._token = token
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._printed = b""  # the end of what the process wrote to standard error since its last answer
        self._last_id = 0
        self._popen = subprocess.Popen(
            # -P: the working folder may hold modules with the names of others
            [sys.executable, "-P", "-m", "proctor.evals.results.reader.server", *([] if warm else ["--cold"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        threading.Thread(target=self._take_answers, daemon=True).start()
        self._listening = threading.Thread(target=self._take_prints, daemon=True)
        self._listening.start()

    @property
    def ended(self) -> bool:
        return self._popen.poll() is not None

    def ask(self, op: str, args: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        self._last_id += 1
        request = json.dumps({"id": self._last_id, "op": op, "args": args}).encode() + b"\n"
        assert self._popen.stdin is not None
        line: bytes | None = None
        with suppress(BrokenPipeError):
            self._popen.stdin.write(request)
            self._popen.stdin.flush()
            try:
                line = self._answers.get(timeout=timeout_s)
            except queue.Empty:
                raise ReaderLostError(f"no answer within {timeout_s:g} s", _REMEDY) from None
        if line is None:
            raise ReaderLostError(self._why_ended(), _REMEDY)
        self._printed = b""
        return json.loads(line)

    def end(self) -> None:
        """Kill it, with what user code started in it."""
        if self._popen.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, 9)
        self._popen.wait()

    def _why_ended(self) -> str:
        code = self._popen.wait()
        self._listening.join(timeout=1)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        lines = self._printed.decode(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")[:300]
        if self._token:
            last = last.replace(self._token, "…")
        return f"the reader process {how}" + (f"; it last said: {last}" if last else "")

    def _take_answers(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def _take_prints(self) -> None:
        assert self._popen.stderr is not None
        while chunk := os.read(self._popen.stderr.fileno(), _KEPT_BYTES):
            self._printed = (self._printed + chunk)[-_KEPT_BYTES:]
