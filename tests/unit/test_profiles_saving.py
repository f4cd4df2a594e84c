"""Saving a profile changes what differs and nothing else: comments, order and layout are the writer's own."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from proctor.evals.planning.edit_tasks import anchored
from proctor.profiles.library import list_profiles, load, save
from proctor.profiles.schema import Gates, ModelItem, Profile
from proctor.profiles.toml_edit import rewrite

OURS = '''\
# Our nightly comparison.
# Ask Ann before changing it.

title = "nightly"   # shown on Runs

# What is asked
[[tasks]]
task = "proctor/theory_of_mind"  # graded by a model
args = { dataset = "practice", deep = { a = [1, 2] } }

# a file beside this one
[[tasks]]
task = "mine.py@mine"
  [tasks.args]
  n = 3  # three

# ---- models ----

[[models]]
model = "openai/gpt-oss-120b"
providers = [
  "groq",      # fast
  "cerebras",  # faster
  "novita",
]

# the other one
[[models]]
model = "openai/gpt-oss-20b"

[run]
limit = 20  # enough
# money
budget_usd = 1

[generate]
temperature = 0
system_message = """
[not a header]
# not a comment"""
# the end
'''


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").touch()
    path = tmp_path / "nightly.toml"
    path.write_text(OURS)
    return path


def changes(path: Path, edit: Callable[[Profile], Profile], to: Path | None = None) -> list[str]:
    """The lines that an edit in the application takes out and puts in."""
    loaded = load(str(path))
    profile = edit(anchored(loaded.profile, loaded.path))
    to = to or path
    save(profile, to, base=path)
    assert anchored(load(str(to)).profile, to) == profile, "it means what it should"
    lines = unified_diff(OURS.splitlines(), to.read_text().splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and not line.startswith(("+++", "---"))]


def with_run(**fields: Any) -> Callable[[Profile], Profile]:
    def edit(profile: Profile) -> Profile:
        kept = {**profile.run.model_dump(exclude_unset=True), **fields}
        run = type(profile.run).model_validate({key: value for key, value in kept.items() if value is not None})
        return profile.model_copy(update={"run": run})

    return edit


def with_models(*models: ModelItem | int) -> Callable[[Profile], Profile]:
    def edit(profile: Profile) -> Profile:
        return profile.model_copy(update={"models": [profile.models[m] if isinstance(m, int) else m for m in models]})

    return edit


def test_nothing_changed_is_nothing_written_anew(written: Path) -> None:
    assert changes(written, lambda profile: profile) == []
    assert written.read_text() == OURS


def test_a_changed_key_keeps_its_comment_and_a_removed_one_those_around_it(written: Path) -> None:
    assert changes(written, with_run(limit=5)) == ["-limit = 20  # enough", "+limit = 5  # enough"]
    written.write_text(OURS)
    assert changes(written, with_run(budget_usd=None)) == ["-budget_usd = 1"]
    written.write_text(OURS)
    assert changes(written, with_run(epochs=2)) == ["+epochs = 2"]


def test_a_list_over_several_lines_loses_only_what_was_taken_out(written: Path) -> None:
    groq = ModelItem(model="openai/gpt-oss-120b", providers=["groq", "novita", "nscale"])
    assert changes(written, with_models(groq, 1)) == ['-  "cerebras",  # faster', '+  "nscale",']


def test_models_that_come_go_and_change_places_take_their_own_comments_along(written: Path) -> None:
    new = ModelItem(model="zai-org/GLM-4.6", providers=["zai-org"])
    assert changes(written, with_models(0, new, 1)) == [
        "+[[models]]", '+model = "zai-org/GLM-4.6"', '+providers = ["zai-org"]', "+",
    ]  # fmt: skip
    written.write_text(OURS)
    assert changes(written, with_models(0)) == [
        "-# the other one", "-[[models]]", '-model = "openai/gpt-oss-20b"', "-",
    ]  # fmt: skip
    written.write_text(OURS)
    changes(written, with_models(1, 0))
    text = written.read_text()
    assert text.index('# the other one\n[[models]]\nmodel = "openai/gpt-oss-20b"') < text.index('"groq",      # fast')
    assert text.index("# ---- models ----") < text.index("# the other one")


def test_a_new_table_goes_to_the_end(written: Path) -> None:
    edited = changes(written, lambda profile: profile.model_copy(update={"gates": Gates(min_score=0.5)}))
    assert edited == ["+", "+[gates]", "+min_score = 0.5"]


def test_saved_in_another_folder_a_task_is_the_same_file(written: Path) -> None:
    to = written.parent / "profiles" / "copy.toml"
    assert changes(written, lambda profile: profile, to) == ['-task = "mine.py@mine"', '+task = "../mine.py@mine"']


def test_without_a_base_or_with_one_that_is_gone_a_plain_file_is_written(written: Path) -> None:
    profile = anchored(load(str(written)).profile, written)
    to = written.parent / "new.toml"
    for base in (None, written.parent / "gone.toml"):
        save(profile, to, base=base)
        assert load(str(to)).profile == profile and "enough" not in to.read_text()


def test_shipped_profiles_with_other_limits_differ_in_that_line(tmp_path: Path) -> None:
    for shipped in list_profiles(tmp_path):
        assert not hasattr(shipped, "error")
        text = shipped.text  # type: ignore[union-attr]
        to = tmp_path / "copy.toml"
        save(with_run(limit=7)(shipped.profile), to, base=shipped.path)  # type: ignore[union-attr]
        lines = [line for line in unified_diff(text.splitlines(), to.read_text().splitlines(), n=0) if "limit" in line]
        assert lines[-1].startswith("+limit = 7"), shipped.name
        comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
        assert [line for line in comments if line not in to.read_text()] == []


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("a.b.c = 1 # x\n", {"a": {"b": {"c": 2, "d": 3}}}),
        ("run = { limit = 1 } # x\n", {"run": {"limit": 2}, "gates": {"max_errors": 0}}),
        ("[[tasks]]\n[[tasks.list]]\nx = 1\n[[tasks.list]]\nx = 2\n[run]\n", {"tasks": [{"list": [{"x": 2}]}]}),
        ("[a]\r\nx = 1 # one\r\n\r\n# two\r\n[b]\r\n", {"a": {"x": 2}, "b": {"y": 'tr"icky\n'}}),
        ("[models.args]\nx = 1\n", {"models": {"args": {"x": 1}, "new": 2}}),
        ('x = """\n[[no]]"""', {"x": "[[no]]", "y": [{"z": 1}, {"z": 2}]}),
        ("# only\n# comments\n", {"title": "now"}),
        ("", {"title": "now", "run": {"limit": 1}}),
        ("[[t]]\n'a.b' = 1\n[run]\n[[t]]\nb = 2 # two\n", {"t": [{"b": 2}, {"a.b": 1}, {"c": 1}], "run": {}}),
    ],
)
def test_odd_layouts_say_the_new_data_and_keep_their_comments(text: str, edit: dict[str, Any]) -> None:
    changed = rewrite(text, edit)
    assert {key: value for key, value in tomllib.loads(changed).items() if value != {}} == {
        key: value for key, value in edit.items() if value != {}
    }
    kept = [word for word in ("# x", "# one", "# two", "# only\n# comments") if word in text.replace("\r\n", "\n")]
    assert all(word in changed.replace("\r\n", "\n") for word in kept)
    assert ("\r\n" in text) == ("\r\n" in changed)
