"""A run whose model, server and file say what nobody wants to see obeyed. It stands still until it is let go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import tomli_w
from hostile_text import HOSTILE, LONG

TITLE = "A run of a liar"
ENCODABLE = HOSTILE.replace("\ud800", "")  # for what would not come to be with half a character in it
TASK = f"""
import asyncio
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, solver

SAYS = {ENCODABLE!a}

@solver
def stands_still():
    async def solve(state, generate):
        if state.sample_id == 2:
            raise ValueError(SAYS)
        while state.sample_id != 1 and not Path(__file__).with_name("let-go").exists():
            await asyncio.sleep(0.05)
        return state
    return solve

@task
def liar():
    samples = [Sample(id=number, input=str(number) + " " + SAYS, target="end") for number in (1, 2, 3)]
    return Task(dataset=samples, solver=[generate(), stands_still()], scorer=includes(), fail_on_error=False)
"""


def answer_to(question: bytes) -> bytes:
    """A stream of everything that is hostile, and of a line of a megabyte."""
    # Inspect's control socket cannot tell of a sample with half a character in it: the one that is seen has none.
    says = ENCODABLE if b'"3 ' in question else HOSTILE
    parts = (
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": f"{says}\n{LONG}"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}},
    )
    chunk = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": says}
    return b"".join(b"data: " + json.dumps(chunk | part).encode() + b"\n\n" for part in parts) + b"data: [DONE]\n\n"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        data = answer_to(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def hostile_profile(folder: Path) -> Iterator[Path]:
    """A profile of such a run, and its model. `let_go` has it come to its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (folder / "liar.py").write_text(TASK)
        profile = folder / "liar.toml"
        model = {"inspect_model": "openai-api/hostile/liar", "base_url": f"http://127.0.0.1:{server.server_port}/v1"}
        written = {"title": f"{TITLE} {ENCODABLE}", "tasks": [{"task": "liar.py@liar"}], "models": [model]}
        profile.write_text(tomli_w.dumps(written))
        yield profile
        server.shutdown()


def let_go(folder: Path) -> None:
    """Have the run of a folder's profile go on."""
    (folder / "let-go").touch()
