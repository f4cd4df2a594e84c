"""A key that comes back, from servers or out of a task's own code, stands in no file and no output of a run."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from inspect_ai.log import read_eval_log
from proctor.profiles.base.secrets import Sweeper

from .conftest import User

KEY = "sk-a-key/of+the-users=0123456789"
SWEEPER = Sweeper({"FAKE_API_KEY": KEY})
TASK = """
import os, sys
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.log import transcript
from inspect_ai.scorer import Score, accuracy, scorer

@scorer(metrics=[accuracy()])
def telling():
    async def score(state, target):
        key = os.environ["FAKE_API_KEY"]
        print("printed", key, file=sys.stderr)
        transcript().info({"environment": dict(os.environ)})
        return Score(value="C", answer=key, explanation=f"the key is {key}", metadata={key: key})
    return score

@task
def leaky():
    return Task(dataset=[Sample(input="hello", target="a")], scorer=telling())
"""


def answer(model: str, key: str) -> tuple[int, str, bytes, dict[str, str]]:
    """What a server sends that gives the key back."""
    encoded = base64.b64encode(f"user:{key}".encode()).decode()
    if model == "errors":
        return 400, "application/json", json.dumps({"error": {"message": f"headers: {key} {encoded}"}}).encode(), {}
    if model == "pages":
        page = f"<html><title>Denied {key}</title><body>{quote(key, safe='')} {encoded}"
        return 403, "text/html", page.encode(), {"x-request-id": key}
    text = f"you sent {key}, in the address {quote(key, safe='')}, encoded {encoded}"
    message = {"role": "assistant", "content": text, "reasoning": text}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": key, "object": "chat.completion", "created": 1, "model": f"m {key}", "choices": [choice]}
    headers = {"x-request-id": f"id {key}", "x-inference-provider": f"by {key}"}
    return 200, "application/json", json.dumps(whole).encode(), headers


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers["authorization"].removeprefix("Bearer ")
        status, kind, body, headers = answer(asked["model"], key)
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for at in range(0, len(body), 7):  # no chunk holds it whole
            self.wfile.write(body[at : at + 7])

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def leaks(folder: Path) -> list[str]:
    """The files below a folder that hold the key in any form, and the logs that do once they are unpacked."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = [str(path) for path in files if SWEEPER.finds_in(path.read_bytes())]
    logs = [path for path in files if path.suffix == ".eval"]
    found += [f"{path} (unpacked)" for path in logs if SWEEPER.finds(read_eval_log(str(path)).model_dump_json())]
    assert logs
    return found


def test_a_key_that_is_given_back_stands_nowhere(user: User, url: str) -> None:
    user.write("leaky.py", TASK)
    models = "".join(
        f'[[models]]\ninspect_model = "openai-api/fake/{name}"\nbase_url = "{url}"\n'
        for name in ("answers", "errors", "pages")
    )
    text = f'[[tasks]]\ntask = "leaky.py@leaky"\n{models}[run]\nretry_on_error = 0\n[generate]\nmax_retries = 0\n'
    ran = user.run("run", user.write("p.toml", text), "--json", FAKE_API_KEY=KEY)
    assert ran.code == 1, ran
    states = {cell["cell"].split("-")[1]: cell["state"] for cell in ran.events[-1]["cells"]}
    assert sorted(states.values()) == ["failed", "failed", "succeeded"], json.dumps(ran.events[-1]["cells"])
    printed = [ran.out, ran.err]
    for arguments in (
        ("show", str(ran.run_dir)),
        ("export", str(ran.run_dir), "samples.csv"),
        ("export", str(ran.run_dir), "samples.jsonl"),
        ("export", str(ran.run_dir), "page.html"),
    ):
        done = user.run(*arguments, FAKE_API_KEY=KEY)
        printed += [done.out, done.err]
    assert not any(map(SWEEPER.finds, printed))
    assert leaks(user.work / "logs") == []
    assert leaks(user.home) == []
    whole = "".join(read_eval_log(str(path)).model_dump_json() for path in ran.run_dir.glob("*.eval"))
    assert "you sent [secret FAKE_API_KEY], in the address [secret FAKE_API_KEY]" in whole
    assert "the key is [secret FAKE_API_KEY]" in whole
    assert "[secret FAKE_API_KEY]" in (ran.run_dir / "supervisor.log").read_text()
