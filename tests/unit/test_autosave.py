"""An unsaved plan is kept, comes back once, and never meets another application's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from proctor.profiles.base.errors import ProctorError
from proctor.profiles.schema import ModelItem, Profile, TaskEntry
from proctor.tui.state.autosave import Autosave


@pytest.fixture(scope="module")
def gone() -> list[int]:
    """The numbers of two processes that have ended."""
    ended: list[int] = []
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", ""]) as process:
            ended.append(process.pid)
    return ended


def draft(task: str = "proctor/arithmetic") -> Profile:
    return Profile(tasks=[TaskEntry(task=task)], models=[ModelItem(model="openai/gpt-oss-20b", providers=["groq"])])


def test_it_comes_back_once_and_is_the_next_ones_then(tmp_path: Path, gone: list[int]) -> None:
    Autosave(tmp_path / "d", gone[0]).keep(draft(), tmp_path / "draft.toml")
    own = Autosave(tmp_path / "d")
    assert own.take_over() == draft()
    assert [path.name for path in (tmp_path / "d").iterdir()] == [own.path.name]
    assert own.path.stat().st_mode & 0o077 == 0
    assert Autosave(tmp_path / "d", gone[1]).take_over() is None, "it belongs to a process that lives"
    own.forget()
    assert list((tmp_path / "d").iterdir()) == []


def test_the_newest_comes_first_and_the_others_stay(tmp_path: Path, gone: list[int]) -> None:
    for at, pid in enumerate(gone):
        kept = Autosave(tmp_path, pid)
        kept.keep(draft(f"proctor/{pid}"), tmp_path / "draft.toml")
        os.utime(kept.path, (at, at))
    assert Autosave(tmp_path).take_over() == draft(f"proctor/{gone[1]}")
    assert (tmp_path / f"draft-{gone[0]}.toml").exists()


def test_a_task_of_a_file_means_the_same_file_from_anywhere(tmp_path: Path, gone: list[int]) -> None:
    Autosave(tmp_path / "d", gone[0]).keep(draft("mine.py@one"), tmp_path / "project" / "draft.toml")
    back = Autosave(tmp_path / "d").take_over()
    assert back is not None
    assert back.tasks[0].task == str(tmp_path / "project" / "mine.py@one")


@pytest.mark.parametrize("name", ["draft-{}.toml", "draft-x.toml", "draft-99999999999999999999.toml", "other.toml"])
def test_what_is_no_draft_stays_where_it_is(tmp_path: Path, gone: list[int], name: str) -> None:
    stranger = tmp_path / name.format(gone[0])
    stranger.write_text("no TOML [")
    assert Autosave(tmp_path).take_over() is None
    assert stranger.read_text() == "no TOML ["


def test_half_a_plan_is_kept_too(tmp_path: Path, gone: list[int]) -> None:
    half = Profile(models=[ModelItem(model="openai/gpt-oss-20b", providers=["groq"])])
    Autosave(tmp_path, gone[0]).keep(half, tmp_path / "draft.toml")
    assert Autosave(tmp_path).take_over() == half


def test_no_token_is_kept(tmp_path: Path) -> None:
    token = "hf_" + "aBcDeFgHiJ" * 3 + "kLmN"
    holds = Profile(tasks=[TaskEntry(task="proctor/arithmetic", args={"key": token})])
    kept = Autosave(tmp_path)
    with pytest.raises(ProctorError, match="looks like a token") as refused:
        kept.keep(holds, tmp_path / "draft.toml")
    assert token not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Autosave(tmp_path / "file" / "d")
    assert kept.take_over() is None
    kept.forget()
    with pytest.raises(ProctorError, match="cannot be written"):
        kept.keep(draft(), tmp_path / "draft.toml")
