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
from proctor.evals.engine.journal import is_supervised
from proctor.evals.engine.orders import Order, send_order
from proctor.evals.engine.status import ENDED, RunStatus
from proctor.evals.engine.status_file import read_status
from proctor.evals.practice.draws import fingerprint

from .conftest import until

MOMENTS = 20
PROFILE = """
[[tasks]]
task = "proctor/theory_of_mind"
[[models]]
model = "openai/gpt-oss-120b"
providers = ["groq"]
[grader]
target = "hf-inference-providers/openai/gpt-oss-120b:together"
[run]
max_connections = 4
"""


@pytest.mark.timeout(300)
def test_every_sample_once_and_nothing_finished_is_asked_again(user: Any, router: Any) -> None:
    user.write("p.toml", PROFILE)
    undisturbed = user.run("run", "p.toml", "--json", **router.environment)
    assert undisturbed.code == 0, undisturbed
    expected = _scores(undisturbed.run_dir)
    assert len(expected) == 100

    router.forget()
    router.fault({"target": "*", "kind": "slow", "delay_s": 0.1})
    chance = random.Random(20261124)
    started = user.run("run", "p.toml", "--json", "--detach", "--log-dir", "killed", **router.environment)
    run_dir = started.run_dir
    finished_at: list[tuple[set[str], Counter[str]]] = []
    for victim in chance.sample(["cell"] * 14 + ["supervisor"] * 3 + ["both"] * 3, MOMENTS):
        wanted = len(router.requests()) + chance.randint(1, 9)
        until(lambda wanted=wanted: len(router.requests()) >= wanted)
        _kill(victim, read_status(run_dir))
        until(lambda: not is_supervised(run_dir) or read_status(run_dir).cells[0].state in ENDED)
        finished_at.append((_finished(run_dir), _asked(router)))
        if victim == "cell" and is_supervised(run_dir):
            with suppress(Exception):  # it may have ended by now: then it is gone on with as below
                send_order(run_dir, Order("retry", "a test"))
                continue
        until(lambda: not is_supervised(run_dir))
        again = user.run("retry", run_dir.name, "--detach", "--log-dir", "killed", **router.environment)
        assert again.code == 0, again
    router.fault()
    status = until(lambda: (s := read_status(run_dir)).exit_code is not None and s)

    assert status.state == "succeeded", status
    assert _scores(run_dir) == expected
    assert status.cells[0].done == 100
    asked = _asked(router)
    assert len(asked) == 100
    for finished, before in finished_at:
        assert {name: asked[name] for name in finished} == {name: before[name] for name in finished}
    assert finished_at[-1][0], "the last kill came before anything was finished"


def _kill(victim: str, status: RunStatus) -> None:
    cell, supervisor = status.cells[0].pid, status.supervisor_pid
    pids = {"cell": [cell], "supervisor": [supervisor], "both": [supervisor, cell]}[victim]
    for pid in pids:
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _scores(run_dir: Path) -> dict[tuple[str | int, int], object]:
    """The score of every sample of the run's one log."""
    (path,) = run_dir.glob("*.eval")
    samples = read_eval_log(str(path)).samples or []
    scores = {(sample.id, sample.epoch): next(iter((sample.scores or {}).values())).value for sample in samples}
    assert len(scores) == len(samples)
    return scores


def _finished(run_dir: Path) -> set[str]:
    """The fingerprints of the samples that are in the newest log."""
    newest = max(run_dir.glob("*.eval"), default=None)
    if newest is None:
        return set()
    with zipfile.ZipFile(newest) as log:
        samples = [json.loads(log.read(name)) for name in log.namelist() if name.startswith("samples/")]
    return {fingerprint(sample["input"]) for sample in samples if not sample.get("error")}


def _asked(router: Any) -> Counter[str]:
    """How often each story was answered, or was being answered when nobody listened any more."""
    return Counter(one["fingerprint"] for one in router.requests() if one["kind"] == "story")
