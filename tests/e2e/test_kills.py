"""Cells, supervisors and everything at once, killed at twenty moments: nothing that was finished is paid for again."""

from __future__ import annotations

import json
import os
import random
import signal
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log
from proctor.evals.inspect.unfinished_log import whole_log
from proctor.evals.run.commands import RunCommand, send_order
from proctor.evals.run.events import is_supervised
from proctor.evals.run.status import ENDED, RunStatus
from proctor.evals.run.status_file import read_status
from proctor.evals.simulator.rng import fingerprint
from proctor.profiles.base.errors import ProctorError

from .conftest import until

MOMENTS = 20
VICTIMS = ["cell"] * 16 + ["supervisor"] * 2 + ["both"] * 2
PROFILE = """
[[tasks]]
task = "proctor/theory_of_mind"
[[models]]
model = "openai/gpt-oss-120b"
providers = ["groq", "novita"]
[grader]
model = "hf-inference-providers/openai/gpt-oss-120b:together"
[run]
max_connections = 3
"""
Sample = tuple[str, str]  # the provider asked, and the fingerprint of what it was asked


@pytest.mark.timeout(600)
def test_every_sample_once_and_nothing_finished_is_asked_again(user: Any, router: Any) -> None:
    user.write("p.toml", PROFILE)
    undisturbed = user.run("run", "p.toml", "--json", **router.environment)
    assert undisturbed.code == 0, undisturbed
    expected = _scores(undisturbed.run_dir)
    assert len(expected) == 200

    router.forget()
    router.fault({"target": "*", "kind": "slow", "delay_s": 0.3})
    chance = random.Random(20261124)
    started = user.run("run", "p.toml", "--json", "--detach", "--log-dir", "killed", **router.environment)
    run_dir = started.run_dir
    finished_at: list[tuple[set[Sample], Counter[Sample]]] = []
    for victim in chance.sample(VICTIMS, MOMENTS):
        wanted = len(router.requests()) + chance.randint(1, 9)
        until(lambda wanted=wanted: len(router.requests()) >= wanted)
        cell = _kill(victim, read_status(run_dir), chance)
        until(lambda cell=cell: not is_supervised(run_dir) or _state(run_dir, cell) in ENDED)
        finished_at.append((_finished(run_dir), _asked(router)))
        if victim == "cell" and is_supervised(run_dir):
            with suppress(ProctorError):  # it may have ended by now: then it is gone on with as below
                send_order(run_dir, RunCommand("retry", "a test", cells=(cell,)))
                continue
        until(lambda: not is_supervised(run_dir))
        again = user.run("retry", run_dir.name, "--detach", "--log-dir", "killed", **router.environment)
        assert again.code == 0, again
    router.fault()
    status = until(lambda: (s := read_status(run_dir)).exit_code is not None and s)

    assert status.state == "succeeded", status
    assert _scores(run_dir) == expected
    assert [cell.done for cell in status.cells] == [100, 100]
    asked = _asked(router)
    assert len(asked) == 200
    for finished, before in finished_at:
        assert {one: asked[one] for one in finished} == {one: before[one] for one in finished}
        assert finished <= before.keys()
    assert finished_at[-1][0], "the last kill came before anything was finished"
    left = [path.name for path in run_dir.iterdir() if path.name.startswith(".") or path.name.endswith(".part")]
    assert not left, "half-written files"


def _kill(victim: str, status: RunStatus, chance: random.Random) -> str:
    """Kill what is wanted, and return the cell that was chosen."""
    cell = chance.choice([cell for cell in status.cells if cell.state not in ENDED])
    pids = {"cell": [cell.pid], "supervisor": [status.supervisor_pid], "both": [status.supervisor_pid, cell.pid]}
    for pid in pids[victim]:
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return cell.id


def _state(run_dir: Path, cell_id: str) -> str:
    return next(cell.state for cell in read_status(run_dir).cells if cell.id == cell_id)


def _scores(run_dir: Path) -> dict[tuple[str, str | int, int], object]:
    """The score of every sample of the run's two logs, by target."""
    logs = [read_eval_log(str(path)) for path in run_dir.glob("*.eval")]
    assert len(logs) == 2
    samples = [(log.eval.model, sample) for log in logs for sample in log.samples or []]
    scores = {(m, one.id, one.epoch): next(iter((one.scores or {}).values())).value for m, one in samples}
    assert len(scores) == len(samples)
    return scores


def _finished(run_dir: Path) -> set[Sample]:
    """The samples that are in the logs of a run, as the router knows them."""
    found: set[Sample] = set()
    for path in run_dir.glob("*.eval"):
        # One whose cell has ended just now may be in `earlier` by now: what it holds is in the next one.
        with suppress(FileNotFoundError), zipfile.ZipFile(whole_log(path)) as log:
            provider = json.loads(log.read("_journal/start.json"))["eval"]["model"].rpartition(":")[2]
            samples = [json.loads(log.read(name)) for name in log.namelist() if name.startswith("samples/")]
            told = [sample["input"][-1]["content"] for sample in samples if not sample.get("error")]
            found.update((provider, fingerprint(text)) for text in told)
    return found


def _asked(router: Any) -> Counter[Sample]:
    """How often each story was answered, or was being answered when nobody listened any more."""
    return Counter((one["provider"], one["fingerprint"]) for one in router.requests() if one["kind"] == "story")
