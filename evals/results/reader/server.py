"""The reader: a child process that has Inspect loaded, and reads logs and tasks for those who have not.

`python -m proctor.evals.results.reader.server` speaks JSON lines: `{"id", "op", "args"}` on standard input,
`{"id", "ok": true, "result"}` or `{"id", "ok": false, "error": {"message", "remedy", "usage"}}` on standard output.
Bytes in a result are base64. It ends when its standard input does. What user code prints goes to standard error, and it
reads nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ....profiles.base.errors import ProctorError, UsageError
from .sample_ops import SAMPLE_OPS

if TYPE_CHECKING:
    from ...inspect.logs.log_index import LogIndex
    from ...run.status import RunStatus
    from ..inputs import CellResult
    from ..scoreboard import Grouping


def _list_tasks(paths: list[str], cwd: str, installed: bool) -> object:
    from ...tasks.discovery import list_tasks

    return list_tasks(paths, cwd, installed=installed)


def _describe_task(task: str, cwd: str) -> object:
    from ...tasks.resolve import describe_task

    return describe_task(task, cwd)


def _task_facts(task: str, args: dict[str, Any], practice: bool) -> object:
    from ...tasks.describe import build_task

    return build_task(task, args, practice=practice)


def _index_log(path: str) -> object:
    from ...inspect.logs.index_format import encode_index

    return encode_index(_read_index(Path(path)))


def _scoreboard(run_dir: str, group_by: Grouping) -> object:
    from ...run.status_file import read_status
    from ..inputs import gather_run
    from ..scoreboard import build_scoreboard

    folder = Path(run_dir)
    status = read_status(folder)
    practice = status.source == "practice"
    cells = gather_run(folder, status, _read_index)
    return build_scoreboard(status.title or status.run_id, status.run_id, cells, practice=practice, group_by=group_by)


def _run_facts(run_dir: str) -> object:
    from ...run.status_file import read_status
    from ..inputs import gather_run
    from ..report import run_facts

    folder = Path(run_dir)
    status = read_status(folder)
    return run_facts(folder, status, gather_run(folder, status, _read_index))


def _compare_runs(before: str, after: str) -> object:
    from ...run.status_file import read_status
    from ..compare import compare_runs
    from ..inputs import gather_run

    def gathered(status: RunStatus, folder: Path) -> tuple[str, list[CellResult]]:
        return status.run_id, gather_run(folder, status, _read_index)

    folders = (Path(before), Path(after))
    old, new = (read_status(folder) for folder in folders)
    practice = "practice" in (old.source, new.source)
    return compare_runs(gathered(old, folders[0]), gathered(new, folders[1]), practice=practice)


def _sample_texts(path: str, samples: list[tuple[str | int, int]]) -> object:
    from ...inspect.logs.text_reader import read_texts

    return read_texts(Path(path), samples)


def _disagreements(logs: list[str]) -> object:
    from ...inspect.logs.index_cache import load_index
    from ..disagreements import encode_disagreements, find_disagreements

    indexes: list[LogIndex | None] = []
    unread: list[str] = []
    for log in logs:
        try:
            indexes.append(load_index(Path(log), _read_index))
        except ProctorError as error:
            indexes.append(None)
            unread.append(error.message)
    return encode_disagreements(find_disagreements(indexes, unread))


def _read_index(path: Path) -> LogIndex:
    from ...inspect.logs.log_reader import index_log

    return index_log(path)


OPS: Mapping[str, Callable[..., object]] = {
    "list_tasks": _list_tasks,
    "describe_task": _describe_task,
    "task_facts": _task_facts,
    "index_log": _index_log,
    "scoreboard": _scoreboard,
    "disagreements": _disagreements,
    "compare_runs": _compare_runs,
    "run_facts": _run_facts,
    "sample_texts": _sample_texts,
    **SAMPLE_OPS,
}


def answer(line: bytes) -> dict[str, Any]:
    """The answer to one request; whatever goes wrong becomes an error in it."""
    request_id: Any = None
    try:
        request = json.loads(line)
        request_id = request["id"]
        result = OPS[request["op"]](**request["args"])
        return {"id": request_id, "ok": True, "result": _plain(result)}
    except ProctorError as error:
        told = {"message": error.message, "remedy": error.remedy, "usage": isinstance(error, UsageError)}
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        text = " ".join(str(error).split())
        told = {"message": f"{type(error).__name__}: {text}"[:500], "remedy": "", "usage": False}
    return {"id": request_id, "ok": False, "error": told}


def _plain(value: object) -> object:
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, bytes_mode="base64", fallback=repr)


def _pass_on(requests: BinaryIO, waiting: queue.SimpleQueue[bytes]) -> None:
    """Queue requests; at their end the process ends at once, whatever it is doing."""
    for line in requests:
        waiting.put(line)
    os._exit(0)


def _warm() -> None:
    """Load what every operation needs, while nobody is waiting yet."""
    importlib.import_module("...tasks.describe", __package__)


def main() -> None:
    """Answer requests until there are no more. With `--cold` Inspect is loaded when something needs it."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_pass_on, args=(requests, waiting), daemon=True).start()
    if "--cold" not in sys.argv:
        _warm()
    while True:
        line = waiting.get()
        for name, number in (("stdout", 1), ("stderr", 2)):  # user code may have closed or replaced them
            setattr(sys, name, os.fdopen(number, "w", buffering=1, errors="backslashreplace", closefd=False))
        answers.write(json.dumps(answer(line)).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
