"""`proctor profiles`: what there is, what is broken, and the TOML of one, safe to show."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from proctor.profiles.library import load

GOOD = '[[tasks]]\ntask = "proctor/theory_of_mind"\n[[models]]\nmodel = "openai/gpt-oss-20b"\n'


def proctor(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from proctor.tui.cli.main import main; main()", "profiles", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=60, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "bad.toml").write_text("[run]\nlimt = 5\n" + GOOD)
    (folder / "evil.toml").write_text('title = "a\\u001b[31m[bold]b\\u202e"\n' + GOOD + "# \x85\n", newline="\r\n")
    (folder / "every.toml").write_text(GOOD + 'providers = ["all"]\n')
    (folder / "practice.toml").write_text(GOOD)
    return tmp_path


def test_the_list_says_what_each_profile_is_and_where(project: Path) -> None:
    done = proctor(cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "profile title tasks models cells where"
    assert "bad ✗ not valid, see below ./profiles" in lines
    assert "evil a␛[31m[bold]b<U+202E> 1 1 1 ./profiles" in lines
    assert "every 1 ? ? ./profiles" in lines
    assert "across-providers gpt-oss-120b across its providers 1 ? ? shipped" in lines
    shadowed = [line for line in lines if line.startswith("practice ")]
    assert shadowed[0] == "practice 1 1 1 ./profiles"
    assert shadowed[1].endswith(" 3 7 12 shipped (shadowed)")
    assert lines[-1] == '✗ profiles/bad.toml:2: unknown key "limt" in [run], did you mean "limit"?'


def test_the_list_as_json(project: Path) -> None:
    done = proctor("--json", cwd=project)
    rows = {(row["place"], row["name"]): row for row in json.loads(done.stdout)}
    assert done.stdout.isascii()
    assert rows["project", "bad"] == {
        "name": "bad",
        "place": "project",
        "path": str(project / "profiles" / "bad.toml"),
        "shadowed": False,
        "error": 'profiles/bad.toml:2: unknown key "limt" in [run], did you mean "limit"?',
        "details": ['profiles/bad.toml:2: unknown key "limt" in [run], did you mean "limit"?'],
    }
    assert rows["project", "every"]["cells"] is None
    assert rows["shipped", "practice"]["shadowed"] is True
    several = rows["shipped", "several-models"]
    assert (several["tasks"], several["models"], several["cells"], several["source"]) == (1, 4, 4, "hub")


def test_one_profile_is_printed_as_it_stands(tmp_path: Path) -> None:
    done = proctor("practice", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == load("practice", cwd=tmp_path).text


def test_one_profile_is_cleaned_for_the_terminal_and_stays_toml(project: Path) -> None:
    done = proctor("evil", cwd=project)
    assert done.stdout.endswith("# <85>\n")
    assert "\r" not in done.stdout
    assert tomllib.loads(done.stdout)["tasks"] == [{"task": "proctor/theory_of_mind"}]


def test_one_profile_as_json(project: Path) -> None:
    row = json.loads(proctor("every", "--json", cwd=project).stdout)
    assert row["profile"] == {
        "tasks": [{"task": "proctor/theory_of_mind"}],
        "models": [{"model": "openai/gpt-oss-20b", "providers": ["all"]}],
    }


def test_a_profile_that_is_broken_or_not_there_is_one_line_and_exit_2(project: Path) -> None:
    bad = proctor("bad", cwd=project)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == 'proctor: profiles/bad.toml:2: unknown key "limt" in [run], did you mean "limit"?\n'
    gone = proctor("practise", "--json", cwd=project)
    assert (gone.returncode, gone.stdout) == (2, "")
    assert gone.stderr == 'proctor: there is no profile "practise": did you mean "practice"?\n'
