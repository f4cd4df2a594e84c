"""What the Tasks place lets through, says while one types, and takes for a path."""

from __future__ import annotations

from pathlib import Path

import pytest
from proctor.evals.tasks.info import TaskInfo
from proctor.tui.screens.tasks.rows import filter_hint, is_of, matches, missing_path, own_path

SUMS = TaskInfo("proctor/sums", "shipped", "proctor/sums", "Sums of numbers.")
PUZZLES = TaskInfo("hf/a/puzzles", "hub", "hf/a/puzzles", "Puzzles and sums.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "both"),
        ("!", "both"),
        ("sums", "both"),
        ("sums !puzzle", "sums"),
        ("from:hub", "puzzles"),
        ("FROM:H", "puzzles"),
        ("!from:hub", "sums"),
        ("from:", "both"),
        ("from:nowhere", "both"),
        ("!from:nowhere", "both"),
        ("from:file", "none"),
    ],
)
def test_words_and_origins(text: str, found: str) -> None:
    through = {task.name.rpartition("/")[2] for task in (SUMS, PUZZLES) if matches(task, text)}
    assert through == {"both": {"sums", "puzzles"}, "none": set[str]()}.get(found, {found})


def test_an_origin_is_completed_and_one_that_there_is_not_is_said() -> None:
    assert filter_hint("sums from:p").completions == ("from:package",)
    assert filter_hint("!fr").completions[0] == "!from:shipped"
    assert "from:hub" in filter_hint("").words
    wrong = filter_hint("from:nowhere sums")
    assert wrong.is_wrong and "from:nowhere" in wrong.words


def test_what_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evals").mkdir()
    file = tmp_path / "evals" / "one.py"
    file.touch()
    (tmp_path / "notes.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert own_path("evals") == tmp_path / "evals" and own_path("evals/one.py") == file
    for text in ("notes.txt", "evals/one.py@x", "hf/a/b", "proctor/sums", "\x00", "evals/two.py"):
        assert own_path(text) is None
    assert missing_path("evals/two.py@x") == tmp_path / "evals" / "two.py"
    for text in ("evals/one.py@x", "evals", "hf/a/b", "inspect_evals/x"):
        assert missing_path(text) is None
    assert is_of(TaskInfo("x", "file", f"{file}@x"), tmp_path / "evals") and not is_of(SUMS, tmp_path)
