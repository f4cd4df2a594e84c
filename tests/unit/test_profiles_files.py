"""Profiles are found where they are looked for, come back from a file as they went in, and are never half written."""

from __future__ import annotations

import os
import stat
import tomllib
from datetime import date, datetime, time, timedelta, timezone
from importlib import resources
from pathlib import Path
from pprint import pformat

import pytest
import tomli_w
from proctor.profiles.base.errors import ProfileError
from proctor.profiles.checks import cell_count
from proctor.profiles.library import BrokenProfile, LoadedProfile, list_profiles, load, places, save, task_reference
from proctor.profiles.schema import Generate, ModelItem, Profile, Run, TaskEntry, Variant

GOOD = '[[tasks]]\ntask = "proctor/theory_of_mind"\n[[models]]\nmodel = "openai/gpt-oss-20b"\n'
TEXT = "line\n\"quotes\" 'and' \\ back\ttab \x7f \x00 \u202e \U0001f415 é # [x]\r\n"


def profile(**kept: object) -> Profile:
    data: dict[str, object] = {"tasks": [TaskEntry(task="a/b")], "models": [ModelItem(model="c/d")], **kept}
    return Profile.model_validate(data)


def write(path: Path, title: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'title = "{title}"\n' + GOOD)
    return path


AWKWARD = {
    "as little as can be": profile(),
    "defaults that were written": profile(run=Run(epochs=1, source="hub"), title=""),
    "text of every kind": profile(title=TEXT, generate=Generate(system_message=TEXT, stop_seqs=[TEXT, "", "a,b"])),
    "nested arguments": profile(
        tasks=[
            TaskEntry(
                task="a/b",
                args={
                    "": 1,
                    "with.dot": {"and blank": {'"quote"': {"é": [], "empty": {}}}},
                    "tables": [{"x": 1}, {}, {"y": [{"z": [[1, "a"], [{"deep": True}]]}]}],
                    "long": ["x" * 90, {"k" * 90: "v" * 90}],
                    "mixed": [1, 1.0, True, "1", [1], {"1": 1}],
                    TEXT: TEXT,
                },
            ),
            TaskEntry(task="a/b", args={}),
        ]
    ),
    "numbers": profile(
        tasks=[
            TaskEntry(
                task="a/b",
                args={"floats": [1e16, 1e-300, 0.1, -0.0, 5e22, float("inf"), float("nan")], "big": -(2**200)},
            )
        ],
        generate=Generate(temperature=0, top_p=1.0, seed=-(2**63)),
        run=Run(budget_usd=0.1 + 0.2),
    ),
    "times": profile(
        tasks=[
            TaskEntry(
                task="a/b",
                args={
                    "day": date(1, 1, 1),
                    "time": time(7, 32, 0, 999_999),
                    "local": datetime(1979, 5, 27, 7, 32, 0, 5),
                    "zone": datetime(1979, 5, 27, tzinfo=timezone(timedelta(hours=-7, minutes=-30))),
                },
            )
        ]
    ),
    "every list": profile(
        models=[
            ModelItem(model="c/d", providers=["all", "x"], tasks=["a/b"]),
            ModelItem(inspect_model="x/y:z@1", base_url="http://[::1]:80/v1"),
        ],
        variants=[Variant(name="a", reasoning_effort="none"), Variant(name="b.2", temperature=0.5)],
    ),
}


def toml(value: Profile) -> str:
    """What is in a profile, told apart more finely than `==` does: 1 from 1.0 and true, nan equal to itself."""
    return pformat(value.model_dump(exclude_unset=True), sort_dicts=True, width=100_000)


@pytest.mark.parametrize("name", AWKWARD)
def test_a_profile_comes_back_as_it_was_saved(name: str, tmp_path: Path) -> None:
    save(AWKWARD[name], tmp_path / "one.toml")
    one = load("one.toml", cwd=tmp_path)
    assert toml(one.profile) == toml(AWKWARD[name]).replace("'temperature': 0,", "'temperature': 0.0,")
    save(one.profile, tmp_path / "two.toml")
    assert (tmp_path / "two.toml").read_text() == one.text


def test_nothing_that_was_written_by_hand_is_lost(tmp_path: Path) -> None:
    text = """# a comment
title = 'by hand'
[[tasks]]
task = "hf/org/data"
args.a = {b = 0x10, c = 1_000, d = +1.0, "e.f" = '''
raw \\n'''}
[[tasks.args.list]]
k = 1979-05-27T07:32:00Z
[[models]]
model = "a/b"
[run]
limit = 5
epochs = 1
[gates]
min_score = 0.8
"""
    (tmp_path / "p.toml").write_text(text)
    save(load("p.toml", cwd=tmp_path).profile, tmp_path / "p.toml")
    saved = (tmp_path / "p.toml").read_text()
    assert tomllib.loads(saved) == tomllib.loads(text)
    assert "comment" not in saved


def test_what_is_none_or_was_never_set_is_not_written(tmp_path: Path) -> None:
    save(profile(run=Run(limit=None, source="practice")), tmp_path / "p.toml")
    assert tomllib.loads((tmp_path / "p.toml").read_text()) == {
        "tasks": [{"task": "a/b"}],
        "models": [{"model": "c/d"}],
        "run": {"source": "practice"},
    }


def test_a_saved_file_is_the_owners_and_keeps_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "p.toml"
    real.parent.mkdir()
    real.write_text("old")
    real.chmod(0o644)
    (tmp_path / "p.toml").symlink_to(real)
    save(profile(title="new"), tmp_path / "p.toml")
    assert (tmp_path / "p.toml").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert load("p.toml", cwd=tmp_path).profile.title == "new"
    assert os.listdir(real.parent) == ["p.toml"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    save(profile(), tmp_path / "a" / "b" / "p.toml")
    assert load("a/b/p.toml", cwd=tmp_path).profile == profile()


def nested(levels: int) -> dict[str, object]:
    inner: dict[str, object] = {"x": 1}
    for _ in range(levels):
        inner = {"x": inner}
    return inner


UNSAVABLE = {
    "arguments nested without end": (
        profile(tasks=[TaskEntry(task="a/b", args=nested(40))]),
        "tasks is nested more than 32 levels deep",
    ),
    "api_key": (
        profile(tasks=[TaskEntry(task="a/b", args={"deep": [{"api_key": "x"}]})]),
        "api_key in args.deep.0 of [[tasks]] #1 looks like a token: a profile never holds a token, keep it in the "
        "environment (HF_TOKEN) or in `hf auth login`",
    ),
    "token": (
        profile(generate=Generate(system_message=f"use hf_{'aB3' * 11}")),
        "system_message in [generate] looks like a token: a profile never holds a token, keep it in the environment "
        "(HF_TOKEN) or in `hf auth login`",
    ),
    "secret key": (
        profile(tasks=[TaskEntry(task="a/b", args={"k": "sk-proj-" + "aB3_" * 9})]),
        "k in args of [[tasks]] #1 looks like a token: a profile never holds a token, keep it in the environment "
        "(HF_TOKEN) or in `hf auth login`",
    ),
    "None in arguments": (
        profile(tasks=[TaskEntry(task="a/b", args={"x": None})]),
        "x in args of [[tasks]] #1 is a NoneType, for which TOML has no form",
    ),
    "tuple in arguments": (
        profile(tasks=[TaskEntry(task="a/b", args={"x": (1, 2)})]),
        "x in args of [[tasks]] #1 is a tuple, for which TOML has no form",
    ),
    "lone surrogate": (
        profile(title="\ud800"),
        "the profile cannot be written as TOML: 'utf-8' codec can't encode character '\\ud800' in position 9: "
        "surrogates not allowed",
    ),
    "nothing to run": (Profile(), "there are no tasks, so there is nothing to run: add [[tasks]]"),
    "a copy that was not validated": (
        profile().model_copy(update={"run": Run().model_copy(update={"limit": -5})}),
        "limit in [run] is -5, but must be at least 1",
    ),
    "a task file that is not there": (
        profile(tasks=[TaskEntry(task="mine.py")]),
        'task in [[tasks]] #1 is "mine.py", but there is no {folder}/mine.py',
    ),
}


@pytest.mark.parametrize("name", UNSAVABLE)
def test_what_could_not_be_loaded_again_is_not_saved(name: str, tmp_path: Path) -> None:
    value, says = UNSAVABLE[name]
    path = tmp_path / "p.toml"
    path.write_text("as it was")
    with pytest.raises(ProfileError) as caught:
        save(value, path)
    assert str(caught.value) == f"{path}: {says.format(folder=tmp_path)}"
    assert path.read_text() == "as it was"
    assert os.listdir(tmp_path) == ["p.toml"]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError) as caught:
        save(profile(), tmp_path / "file" / "p.toml")
    assert str(caught.value).startswith(f"{tmp_path}/file/p.toml: cannot be written: ")


def test_a_target_that_is_a_folder_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "p.toml").mkdir()
    with pytest.raises(ProfileError) as caught:
        save(profile(), tmp_path / "p.toml")
    assert str(caught.value) == f"{tmp_path}/p.toml: cannot be written: Is a directory"
    assert os.listdir(tmp_path) == ["p.toml"]


def test_names_are_looked_up_in_order(tmp_path: Path, own_home: Path) -> None:
    user_folder = dict(places(tmp_path))["user"]
    assert user_folder == own_home / "config" / "proctor" / "profiles"  # never the folder of who runs the tests
    shipped = load("practice", cwd=tmp_path)
    assert (shipped.place, shipped.name) == ("shipped", "practice")

    write(user_folder / "practice.toml", "user's")
    assert (load("practice", cwd=tmp_path).place, load("practice", cwd=tmp_path).profile.title) == ("user", "user's")

    write(tmp_path / "profiles" / "practice.toml", "project's")
    found = load("practice", cwd=tmp_path)
    assert (found.place, found.path) == ("project", tmp_path / "profiles" / "practice.toml")

    (tmp_path / "practice").mkdir()  # a folder of that name is not in the way
    assert load("practice", cwd=tmp_path).place == "project"

    write(tmp_path / "practice.toml", "path's")
    assert load("practice", cwd=tmp_path).place == "project"
    for reference in ("practice.toml", "./practice.toml", str(tmp_path / "practice.toml")):
        found = load(reference, cwd=tmp_path)
        assert (found.place, found.profile.title, found.name) == ("file", "path's", "practice")

    write(tmp_path / "bare", "bare")
    assert load("bare", cwd=tmp_path).profile.title == "bare"


def test_a_broken_profile_is_not_passed_over_for_another_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "practice.toml").write_text("titel = 1\n" + GOOD)
    with pytest.raises(ProfileError) as caught:
        load("practice", cwd=tmp_path)
    assert str(caught.value) == 'profiles/practice.toml:1: unknown key "titel", did you mean "title"?'


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("practise", 'there is no profile "practise": did you mean "practice"?'),
        ("xyz", 'there is no profile "xyz": `proctor profiles` lists them all'),
        ("", 'there is no profile "": `proctor profiles` lists them all'),
        ("..", "..: this is a folder, not a profile"),
        ("folder", "folder: this is a folder, not a profile"),
        ("./practice", "practice: there is no such file"),
        ("x" * 300, f'there is no profile "{"x" * 300}": `proctor profiles` lists them all'),
    ],
)
def test_a_profile_that_is_not_there(reference: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProfileError) as caught:
        load(reference, cwd=tmp_path)
    assert str(caught.value) == line


def test_the_list_has_every_place_and_marks_the_shadowed_and_the_broken(tmp_path: Path) -> None:
    write(tmp_path / "profiles" / "practice.toml", "mine")
    (tmp_path / "profiles" / "bad.toml").write_text("x")
    (tmp_path / "profiles" / ".hidden.toml").write_text("x")
    (tmp_path / "profiles" / "note.txt").write_text("x")
    found = list_profiles(tmp_path)
    assert [(f.place, f.name, f.shadowed) for f in found] == [
        ("project", "bad", False),
        ("project", "practice", False),
        ("shipped", "across-providers", False),
        ("shipped", "animals-or-else", False),
        ("shipped", "fastest-or-cheapest", False),
        ("shipped", "practice", True),
        ("shipped", "several-models", False),
        ("shipped", "theory-of-mind", False),
    ]
    assert isinstance(found[0], BrokenProfile)
    assert str(found[0].error).startswith("profiles/bad.toml:1:2: not valid TOML: ")
    assert all(isinstance(f, LoadedProfile) for f in found[1:])


SHIPPED = {
    # name: cells, source, grader, models with their providers
    "theory-of-mind": (1, "hub", False, {"openai/gpt-oss-20b": []}),
    "several-models": (
        4,
        "hub",
        True,
        {
            "MiniMaxAI/MiniMax-M2": [],
            "openai/gpt-oss-20b": [],
            "openai/gpt-oss-120b": [],
            "moonshotai/Kimi-K2-Instruct-0905": [],
        },
    ),
    "across-providers": (1, "hub", True, {"openai/gpt-oss-120b": ["all"]}),
    "fastest-or-cheapest": (2, "hub", True, {"openai/gpt-oss-120b": ["fastest", "cheapest"]}),
    "animals-or-else": (2, "hub", True, {"Qwen/Qwen3-VL-8B-Instruct": [], "Qwen/Qwen3-VL-30B-A3B-Thinking": []}),
    "practice": (
        12,
        "practice",
        True,
        {
            "openai/gpt-oss-120b": ["groq", "cerebras", "flaky-cloud"],
            "openai/gpt-oss-20b": ["cheapest"],
            "moonshotai/Kimi-K2-Instruct-0905": ["fastest"],
            "Qwen/Qwen3-VL-8B-Instruct": [],
            "Qwen/Qwen3-VL-30B-A3B-Thinking": [],
        },
    ),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_profiles_say_what_the_worked_examples_do(name: str, tmp_path: Path) -> None:
    cells, source, graded, models = SHIPPED[name]
    loaded = load(name, cwd=tmp_path)
    assert cell_count(loaded.profile) == cells
    assert loaded.profile.run.source == source
    assert {item.model: item.providers for item in loaded.profile.models} == models
    grader = loaded.profile.grader
    assert (grader is not None) == graded
    if grader is not None:  # one deployment, and none of those that it grades
        assert grader.model.partition(":")[2] not in ("", "fastest", "cheapest", "preferred")
        assert grader.model not in {name for item in loaded.profile.models for name in item.model_names}
    assert loaded.profile.title
    assert loaded.text.startswith("# ")
    assert "# Shows: " in loaded.text
    assert (loaded.profile.run.limit == 100) == (name == "across-providers")
    save(loaded.profile, tmp_path / "copy.toml")
    assert load("copy.toml", cwd=tmp_path).profile == loaded.profile


def test_every_shipped_file_is_known_here() -> None:
    files = resources.files("proctor.profiles.shipped").iterdir()
    assert {f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")} == set(SHIPPED)


def test_practice_keeps_pictures_from_models_without_eyes(tmp_path: Path) -> None:
    for item in load("practice", cwd=tmp_path).profile.models:
        assert ("proctor/animals_or_else" in item.tasks) == ("-VL-" in (item.model or ""))


@pytest.mark.parametrize(
    ("task", "reference"),
    [
        ("proctor/theory_of_mind", "proctor/theory_of_mind"),
        ("hf/org/data", "hf/org/data"),
        ("inspect_evals/arc", "inspect_evals/arc"),
        ("registered", "registered"),
        ("mine.py", "{folder}/mine.py"),
        ("mine.py@one", "{folder}/mine.py@one"),
        ("./mine.py", "{folder}/mine.py"),
        ("sub/mine.py@one", "{folder}/sub/mine.py@one"),
        ("../mine.py", "{parent}/mine.py"),
        ("book.ipynb@one", "{folder}/book.ipynb@one"),
        ("a@b/mine.py", "{folder}/a@b/mine.py"),
        ("/abs/mine.py@one", "/abs/mine.py@one"),
        ("sub", "{folder}/sub"),
        ("./sub/", "{folder}/sub"),
        ("~/mine.py", "{home}/mine.py"),
        ("hf", "hf"),
        ("hf/sub", "hf/sub"),
    ],
)
def test_paths_of_tasks_are_relative_to_the_profile(task: str, reference: str, tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    (folder / "sub").mkdir(parents=True)
    (folder / "hf_").mkdir()
    (folder / "proctor" / "theory_of_mind").mkdir(parents=True)
    found = task_reference(TaskEntry(task=task), folder / "p.toml")
    assert found == reference.format(folder=folder, parent=tmp_path, home=Path.home())


def test_a_profile_keeps_the_path_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    (tmp_path / "p.toml").write_text(GOOD.replace("proctor/theory_of_mind", "./mine.py@one"))
    loaded = load("p.toml", cwd=tmp_path)
    assert loaded.profile.tasks[0].task == "./mine.py@one"
    assert task_reference(loaded.profile.tasks[0], loaded.path) == f"{tmp_path}/mine.py@one"


def test_overrides_change_the_profile_and_not_the_text(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(GOOD)
    loaded = load("p.toml", cwd=tmp_path, overrides=["run.limit=5", "models.0.providers=groq,fastest"])
    assert loaded.profile.run.limit == 5
    assert loaded.profile.models[0].providers == ["groq", "fastest"]
    assert loaded.text == GOOD
    assert load("p.toml", cwd=tmp_path).profile.run.limit is None


def test_a_file_of_one_megabyte_is_read_in_good_time(tmp_path: Path) -> None:
    data = {"tasks": [{"task": f"t/{i}", "args": {"x": "y" * 900}} for i in range(1000)], "models": [{"model": "a/b"}]}
    (tmp_path / "p.toml").write_text(tomli_w.dumps(data))
    assert len(load("p.toml", cwd=tmp_path).profile.tasks) == 1000
