"""The reader as a process: it survives what user code does, and ends with those who need it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from proctor.evals.results.reader.client import Reader, ReaderLostError
from proctor.profiles.base.errors import ProctorError, UsageError

TASK = """
import os, sys, time
from inspect_ai import Task, task
from inspect_ai.dataset import Sample

@task
def mine():
    {body}
    return Task(dataset=[Sample(input="a")])
"""

Written = Callable[[str], str]


@pytest.fixture(scope="module")
def shared() -> Iterator[Reader]:
    """One reader for all tests that leave it whole; it loads Inspect only once."""
    with Reader() as reader:
        yield reader


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a task whose function does something, and return its path."""

    def write(body: str) -> str:
        (tmp_path / "mine.py").write_text(TASK.format(body=body))
        return str(tmp_path / "mine.py")

    return write


def until(fact: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_client_does_not_load_inspect() -> None:
    code = (
        "import sys, proctor.tui.cli.tasks, proctor.evals.results.reader.client, proctor.evals.planning.plan\n"
        "heavy = {'inspect_ai', 'datasets', 'PIL', 'httpx', 'scipy', 'huggingface_hub'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tasks_come_back_as_data(shared: Reader, written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(written("pass")).parent)
    listing = shared.list_tasks()
    assert [task.name for task in listing.tasks][-1] == "mine.py@mine"
    assert listing.tasks[1].attribs == {"practice": {"dataset": "practice"}}
    parameters = {parameter.name: parameter.default for parameter in listing.tasks[2].parameters or ()}
    assert parameters == {"samples": 50, "seed": 0, "steps": 3, "digits": 2}
    assert shared.task_facts("proctor/arithmetic", {"samples": 3}).samples == 3
    assert shared.describe_task("mine.py@mine").origin == "file"


def test_errors_keep_their_remedy(shared: Reader) -> None:
    with pytest.raises(UsageError) as caught:
        shared.describe_task("proctor/arithmetics")
    assert caught.value.remedy == "did you mean proctor/arithmetic?"
    with pytest.raises(ProctorError, match="no_such_op"):
        shared.call("no_such_op", timeout_s=60)
    with pytest.raises(ProctorError, match="unexpected keyword"):
        shared.call("task_facts", timeout_s=60, nonsense=1)
    with pytest.raises(ProctorError):
        shared.call("index_log", timeout_s=60, path="/nowhere/at-all.eval")
    assert shared.task_facts("proctor/arithmetic", {}).samples == 50


@pytest.mark.parametrize(
    "body",
    [
        'print(\'{"id": 1, "ok": true, "result": null}\', flush=True)',
        "os.write(1, b'not json' + b'x' * 300_000)",
        "os.system('echo from a child')",
        "sys.stdout.close()",
        "sys.stdout = sys.stderr = None",
        "assert sys.stdin.read() == ''",
        "sys.stderr.write('no newline ' * 100_000)",
    ],
)
def test_what_user_code_prints_and_reads_does_not_disturb(shared: Reader, written: Written, body: str) -> None:
    assert shared.task_facts(written(body), {}, timeout_s=60).samples == 1
    assert shared.task_facts("proctor/arithmetic", {}, timeout_s=60).samples == 50


def test_a_task_that_exits_is_an_error_of_that_task(shared: Reader, written: Written) -> None:
    facts = shared.task_facts(written("sys.exit('I am done')"), {})
    assert facts.error and "I am done" in facts.error
    assert shared.task_facts("proctor/arithmetic", {}).samples == 50


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print('so long', file=sys.stderr, flush=True); os._exit(7)", "exit code 7; it last said: so long"),
        ("os.kill(os.getpid(), 11)", "ended by signal 11"),
    ],
)
def test_a_task_that_ends_the_process_costs_only_itself(shared: Reader, written: Written, body: str, said: str) -> None:
    file = written(body)
    facts = shared.task_facts(file, {})
    assert facts.error and said in facts.error and file in facts.error
    assert "\n" not in facts.error
    assert shared.task_facts("proctor/arithmetic", {}).samples == 50


def test_a_task_that_hangs_is_given_up_with_all_it_started(written: Written, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    file = written(
        "import subprocess; child = subprocess.Popen(['sleep', '600']); "
        f"open({str(note)!r}, 'w').write(str(child.pid)); time.sleep(600)"
    )
    with Reader() as reader:
        reader.list_tasks([])
        facts = reader.task_facts(file, {}, timeout_s=4)
        assert facts.error and "no answer within 4 s" in facts.error
        until(lambda: not alive(int(note.read_text())), "the child of the hanging task lives on")


def test_calls_from_many_threads_get_their_own_answers(shared: Reader) -> None:
    def ask(samples: int) -> int | None:
        return shared.task_facts("proctor/arithmetic", {"samples": samples}).samples

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(1, 25))) == list(range(1, 25))


def test_closing_ends_a_call_that_is_under_way(written: Written, tmp_path: Path) -> None:
    note = tmp_path / "running"
    file = written(f"open({str(note)!r}, 'w').close(); time.sleep(600)")
    reader = Reader().start()
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            reader.call("task_facts", timeout_s=300, task=file, args={}, practice=False)
        except ReaderLostError as error:
            caught.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    until(note.exists, "the task is not being built")
    reader.close()
    asking.join(timeout=20)
    assert not asking.is_alive()
    assert caught
    with pytest.raises(ReaderLostError, match="closed"):
        reader.list_tasks([])


def test_the_reader_ends_with_its_parent_even_while_it_works(written: Written, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    file = written(f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    code = f"from proctor.evals.results.reader.client import Reader\nReader().task_facts({file!r}, {{}})"
    parent = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: note.exists() and note.read_text() != "", "the task is not being built")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: not alive(int(note.read_text())), "the reader outlives its parent")


def test_modules_of_the_working_folder_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "inspect_ai", "proctor", "queue"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the working folder was imported')")
    monkeypatch.chdir(tmp_path)
    with Reader() as reader:
        assert reader.task_facts("proctor/arithmetic", {}).samples == 50


def test_the_token_is_in_the_environment_only(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "seen.json"
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    seen = "dict(token=os.environ.get('HF_TOKEN'), hub=os.environ.get('HF_ENDPOINT'), args=sys.orig_argv)"
    look = f"import json; json.dump({seen}, open({str(note)!r}, 'w'))"
    with Reader(token="hf_given_secret", hub_url="http://127.0.0.1:9") as reader:
        reader.task_facts(written(look), {})
        found = json.loads(note.read_text())
        assert (found["token"], found["hub"]) == ("hf_given_secret", "http://127.0.0.1:9")
        assert "hf_given_secret" not in " ".join(found["args"])
        facts = reader.task_facts(written("print(os.environ['HF_TOKEN']); os._exit(1)"), {})
        assert facts.error and "hf_given_secret" not in facts.error
    with Reader() as reader:
        reader.task_facts(written(look), {})
        assert json.loads(note.read_text())["token"] is None


def test_installed_packages_are_listed_and_broken_ones_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site-packages"
    for name, code in {
        "finetasks": "from inspect_ai import Task, task\n"
        "@task\ndef easy(size: int = 2):\n    'Is easy.'\n    return Task()\n",
        "brokentasks": "import not_there_at_all\n",
        "rudetasks": "import sys; sys.exit(3)\n",
    }.items():
        metadata = site / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[inspect_ai]\n{name} = {name}\n")
        (site / f"{name}.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(site))
    with Reader() as reader:
        assert all(task.origin == "shipped" for task in reader.list_tasks([]).tasks)
        found = {task.name: task for task in reader.list_tasks([], installed=True).tasks}
        fine = found["finetasks/easy"]
        assert (fine.origin, fine.description, fine.error) == ("installed", "Is easy.", None)
        assert "not_there_at_all" in (found["brokentasks"].error or "")
        assert "SystemExit: 3" in (found["rudetasks"].error or "")
        assert reader.describe_task("finetasks/easy").parameters == fine.parameters
        with pytest.raises(UsageError, match="package of brokentasks/any is broken"):
            reader.describe_task("brokentasks/any")
        assert "did you mean finetasks/easy?" in (reader.task_facts("finetasks/eazy", {}).error or "")
