"""`run.toml`: what is written is read again the same, by its owner only, and holds no secret."""

from __future__ import annotations

import json
import stat
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proctor.evals.catalog.listings import Price
from proctor.evals.planning.plan import Cell, Endpoint, Estimate, Plan, Problem, Range, RunSettings
from proctor.evals.run.run_toml import FrozenRun, plan_from_dict, plan_to_dict, read_run_toml, write_run_toml
from proctor.profiles.base.errors import ProctorError, UsageError
from proctor.profiles.data import fingerprint
from proctor.profiles.schema import Profile

AWKWARD = (
    "quotes \"''' \\ tab\t cr\r\nnul\x00 esc\x1b[31m del\x7f bidi\u202e line\u2028 \N{SNOWMAN} \U0001f600 = [x] # "
)
ARGS: dict[str, Any] = {
    "text": AWKWARD,
    "empty": "",
    "a key with spaces.and.dots": {"": 1, "é": [], "nested": {"deep": [{"a": [1, 2.5, True, "x"]}, {}]}},
    "big": 2**63 - 1,
    "small": -0.0,
    "tiny": 5e-324,
    "mixed": [1, 1.0, True, "1"],
    "endless": float("inf"),
}
FULL = Cell(
    id="a-b-1",
    task="/tmp/a folder/é.py@x",
    task_args=ARGS,
    endpoint=Endpoint("hf-inference-providers/a/b:c", "a/b", "c", "http://127.0.0.1:1/v1"),
    variant="v",
    generate={"temperature": 0.0, "seed": 7, "stop_seqs": ["\n", AWKWARD]},
    epochs=3,
    limit=5,
    grader=Endpoint("openai/gpt-5"),
    self_graded=False,
    expected_provider="c",
    price=Price(0.9299999999999999, 1e-9),
    grader_price=Price(0.0, 0.0),
    estimate=Estimate(15, Range(1, 2), Range(0.1, 1e6), Range(0.0, 0.1 + 0.2), Range(1.5, 2)),
)
BARE = Cell("bare", "t", {}, Endpoint("openai/gpt-5"), "", {}, 1, None, None, True, None, None, None)
PLAN = Plan(
    title=AWKWARD,
    source="practice",
    router_url="http://127.0.0.1:1/v1",
    hub_url="http://127.0.0.1:1",
    cells=(FULL, BARE),
    settings=RunSettings(8, None, 1, None),
    problems=(Problem("warning", "[[models]] #1", AWKWARD, "", ("bare",)), Problem("error", "token", "x", "y")),
    prices={"a/b": {"c": Price(0.9299999999999999, 1e-9), AWKWARD: Price(0.0, 1.0)}, "x/none": {}},
)
PROFILE = Profile.model_validate(
    {
        "title": AWKWARD,
        "tasks": [{"task": "proctor/x", "args": ARGS}],
        "models": [{"model": "a/b", "providers": ["c"]}, {"inspect_model": "openai/gpt-5"}],
        "generate": {"temperature": 0.0, "stop_seqs": []},
        "variants": [{"name": "v", "top_p": 0.5}],
    }
)


def write(path: Path, plan: Plan = PLAN, profile: Profile = PROFILE) -> None:
    write_run_toml(path, plan, profile, run_id="20260101-run", created_at_s=1_767_225_600.123456)


def test_what_is_written_is_read_again_the_same(tmp_path: Path) -> None:
    write(tmp_path / "run.toml")
    read = read_run_toml(tmp_path / "run.toml")
    assert read == FrozenRun("20260101-run", 1_767_225_600.123456, PLAN, PROFILE)
    assert fingerprint(read.plan.cells[0].task_args) == fingerprint(ARGS), "1, 1.0 and true are told apart"
    assert read.profile.model_fields_set == PROFILE.model_fields_set


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, cells=(), problems=(), title=""),
        replace(PLAN, source="hub", settings=RunSettings(1, 20, 0, 2.5)),
    ],
)
def test_a_plan_survives_as_plain_data(plan: Plan) -> None:
    assert plan_from_dict(plan_to_dict(plan)) == plan
    assert plan_from_dict(json.loads(json.dumps(plan_to_dict(plan)))) == plan


def test_it_is_for_its_owner_only_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("before")
    path.chmod(0o644)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.toml"]
    assert tomllib.loads(path.read_text())["profile"]["models"][0]["model"] == "a/b"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"x": None}, "the plan cannot be written as TOML"),
        ({"x": {"y": [object()]}}, "the plan cannot be written as TOML"),
        ({"x": "\ud800"}, "the plan cannot be written as TOML"),
        ({"x": "hf_AbCdEfGhIjKlMnOpQrStUvWx"}, "looks like a token"),
        ({"api_key": "anything"}, "looks like a token"),
    ],
)
def test_what_it_cannot_or_must_not_hold_is_refused_and_nothing_is_written(
    tmp_path: Path, args: dict[str, Any], says: str
) -> None:
    plan = replace(PLAN, cells=(replace(FULL, task_args=args),))
    with pytest.raises(UsageError, match=says) as caught:
        write(tmp_path / "run.toml", plan)
    assert "AbCdEf" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "run.toml"
    with pytest.raises(ProctorError, match=f"cannot write {path}: No such file or directory"):
        write(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "x = [", "cannot read .*run.toml: "),
        (lambda text: text.replace("format = 1", "format = 99"), "run.toml is not of format 1: it was written by"),
        (lambda text: text.replace("format = 1\n", ""), "run.toml is not of format 1"),
        (lambda text: text.replace('run_id = "20260101-run"\n', ""), "cannot read .*run.toml: run_id is missing"),
        (lambda text: text.replace("epochs = 3", 'epochs = "many"'), r"cannot read .*: cells\.0\.epochs: "),
        (lambda text: text.replace("cells_at_once = 8\n", ""), r"cannot read .*: settings\.cells_at_once: "),
        (lambda text: text.replace("[plan]\n", "[other]\n").replace("plan.", "other."), "plan is missing"),
    ],
)
def test_a_file_that_is_none_is_told_in_one_line(tmp_path: Path, change: Any, says: str) -> None:
    path = tmp_path / "run.toml"
    write(path)
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    with pytest.raises(ProctorError, match=says) as caught:
        read_run_toml(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProctorError, match=r"there is no .*run\.toml: `proctor runs` lists the runs"):
        read_run_toml(tmp_path / "run.toml")
