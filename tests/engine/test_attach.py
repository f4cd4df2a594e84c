"""Following a run from outside, as often as one likes: the run does not feel it, and nothing is left behind."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from proctor.evals.inspect.control_actions import InspectSteering
from proctor.evals.inspect.control_client import CellControls
from proctor.evals.inspect.processes import InspectProcesses
from proctor.evals.planning.plan import Cell
from proctor.evals.run.follow import follow
from proctor.evals.run.run_list import KnownRuns

CYCLES = 100
FIGURES = ("state", "total", "errors", "score", "cost_usd", "tokens")
MAIN = "import sys; from proctor.tui.cli.main import main; sys.argv[0] = 'proctor'; main()"


def attach(root: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-c", MAIN, "attach", "--log-dir", str(root), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def children() -> int:
    """How many processes have this one for their parent."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it is gone by now
            found += path.read_text().rpartition(")")[2].split()[1] == str(os.getpid())
    return found


def sockets_of(pid: int) -> int:
    """How many connections a process holds open."""
    links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
    return sum(link.startswith("socket:") for link in links)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files through /proc")
def test_watchers_come_and_go(
    cell_of: Callable[..., Cell], set_faults: Callable[..., None], start_run: Callable[..., Any]
) -> None:
    set_faults({"target": "groq", "kind": "slow", "delay_s": 1})
    run = start_run([cell_of("groq", task="proctor/arithmetic", limit=25)])
    watchers = [attach(run.run_dir.parent, "--json"), attach(run.run_dir.parent, run.run_dir.name, "--json")]
    pid = run.until(lambda status: status.cells[0].done).cells[0].pid
    folder = next(iter(Path("/tmp").glob(f"p*/xdg_data_home/inspect_ai/control/{pid}.sock"))).parent
    InspectSteering(folder).pause(pid, now=False)  # it is not to end before they have all been there

    def cycle() -> str:
        controls, processes, steering = CellControls(folder), InspectProcesses(folder), InspectSteering(folder)
        following = follow(run.run_dir)
        status = next(following)
        following.close()
        (known,) = KnownRuns().read(run.run_dir.parent)
        watch = controls.watch([pid])[pid]
        for sample in controls.finished(pid)[:1]:
            assert controls.conversation(pid, sample)
        (found,) = processes.find()
        assert found.pid == pid and known.status.run_id == status.run_id
        for one in (controls, processes, steering):
            one.close()
        return watch.answer

    cycle()
    gc.collect()
    before = (len(os.listdir("/proc/self/fd")), threading.active_count(), children())
    cells_sockets, objects = sockets_of(pid), len(gc.get_objects())
    answers = [cycle() for _ in range(CYCLES)]
    gc.collect()
    assert "answered" in answers and "silent" not in answers
    assert len(os.listdir("/proc/self/fd")) <= before[0] and threading.active_count() <= before[1]
    assert children() <= before[2]
    assert sockets_of(pid) <= cells_sockets + 2  # it closes those of the last cycle when it comes to it
    assert len(gc.get_objects()) < objects + 20 * CYCLES
    still = run.until(lambda status: not status.cells[0].in_flight).cells[0]
    late = attach(run.run_dir.parent, "--json")
    assert late.stdout is not None
    (seen,) = json.loads(late.stdout.readline())["cells"]
    assert {name: seen[name] for name in FIGURES} == {name: getattr(still, name) for name in FIGURES}
    assert seen["samples"] == still.done
    watchers.append(late)
    set_faults()
    InspectSteering(folder).resume(pid)

    status = run.ended()
    assert status.exit_code == 0 and status.cells[0].done == 25
    for watcher in watchers:
        out, err = watcher.communicate(timeout=60)
        assert (watcher.returncode, err) == (0, "")
        records = [json.loads(line) for line in out.splitlines()]
        assert {record["event"] for record in records[:-1]} <= {"status"}
        last = records[-1]
        assert (last["event"], last["state"], last["exit_code"], last["done"]) == ("done", "succeeded", 0, 25)
        assert last["cells"][0]["score"] == status.cells[0].score
