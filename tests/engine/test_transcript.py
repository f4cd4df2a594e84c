"""Transcripts of real logs: what was said comes whole and in order, and nothing in it reaches a terminal raw."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from proctor.evals.inspect.logs.index_cache import load_index, reading_with
from proctor.evals.inspect.logs.transcript import Transcript
from proctor.evals.results.inputs import find_logs
from proctor.evals.results.reader.client import Reader
from proctor.profiles.base.errors import ProctorError
from proctor.profiles.base.text import clean
from proctor.tui.widgets.transcript.text import plain_text, raw_blocks, said_blocks, wrap
from proctor.tui.widgets.transcript.view import TranscriptView
from textual.app import App, ComposeResult

HOSTILE = (
    "\x1b[2J\x1b]52;c;aGFjaw==\x07 [bold]markup[/bold] [@click=app.quit]x[/] \u202egnp.exe\u202c zero\u200bwidth "
    "\x9b31m \ud800 lone \U000e0041 end"
)
LONG = "m" * 1_000_000
ADD = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"x": 1, "y": 2}'}}
ANSWERS = [
    {"role": "assistant", "content": "Let me add.", "reasoning_content": "I think", "tool_calls": [ADD]},
    {"role": "assistant", "content": HOSTILE + LONG},
]

MAKE = """
import base64, io, sys
from PIL import Image
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ContentImage, ContentText, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import tool

@tool
def add():
    async def execute(x: int, y: int):
        '''Add.

        Args:
            x: One.
            y: Other.
        '''
        return x + y
    return execute

data = io.BytesIO()
Image.new("RGB", (40, 40), "red").save(data, "png")
picture = ContentImage(image="data:image/png;base64," + base64.b64encode(data.getvalue()).decode())
asked = [ChatMessageSystem(content="Be good."), ChatMessageUser(content=[ContentText(text="Look"), picture])]
model = get_model("openai-api/hostile/liar", base_url=sys.argv[2], api_key="none")
sample = Sample(id=7, input=asked, target="end")
eval(Task(dataset=MemoryDataset([sample]), solver=[use_tools(add()), generate()], scorer=includes()),
     model=model, log_dir=sys.argv[1], score_display=False, log_realtime=False)
"""


class Liar(BaseHTTPRequestHandler):
    """Answers with a tool call first, then with everything a terminal should not be told."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = ANSWERS[any(one["role"] == "tool" for one in asked["messages"])]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
        body = {"id": "a", "object": "chat.completion", "created": 1, "model": "liar", "choices": [choice]}
        data = json.dumps({**body, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {**os.environ, "INSPECT_DISPLAY": "none", "XDG_DATA_HOME": str(folder / "data")}
    address = f"http://127.0.0.1:{server.server_port}/v1"
    done = subprocess.run([sys.executable, "-c", MAKE, str(folder), address], env=environment, timeout=100)
    server.shutdown()
    assert done.returncode == 0
    (found,) = find_logs(folder)
    return found


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as running:
        yield running


@pytest.fixture(scope="module")
def transcript(log: Path, reader: Reader) -> Transcript:
    index = load_index(log, reading_with(reader))
    return reader.transcript(log, index.samples.id[0], index.samples.epoch[0])


def test_what_was_said_comes_in_order(transcript: Transcript) -> None:
    assert [part.kind for part in transcript.parts] == [
        "system",
        "user",
        "reasoning",
        "assistant",
        "tool_call",
        "served_by",
        "tool_result",
        "assistant",
        "served_by",
        "score",
    ]
    texts = {part.kind: part.text for part in transcript.parts}
    assert (texts["system"], texts["reasoning"], texts["tool_result"]) == ("Be good.", "I think", "3")
    assert json.loads(texts["tool_call"]) == {"x": 1, "y": 2}
    assert [len(part.pictures) for part in transcript.parts if part.kind == "user"] == [1]
    assert transcript.parts[7].text.endswith(LONG)
    assert (transcript.sample_id, transcript.target, transcript.score, transcript.score_text) == (7, "end", 1.0, "C")
    assert [(call.input_tokens, call.output_tokens) for call in transcript.calls] == [(5, 6), (5, 6)]
    assert "Be good." in (transcript.calls[0].request or "")


def test_a_sample_that_is_not_there(log: Path, reader: Reader) -> None:
    with pytest.raises(ProctorError, match="no sample 8, epoch 1"):
        reader.transcript(log, 8, 1)
    with pytest.raises(ProctorError, match="missing"):
        reader.transcript(log.with_name("gone.eval"), 7, 1)


def test_nothing_of_it_is_left_to_obey(transcript: Transcript) -> None:
    for blocks in (said_blocks(transcript), raw_blocks(transcript)):
        text = plain_text(blocks)
        assert clean(text) == text
        text.encode()  # as a file for the pager and for the clipboard
    said = plain_text(said_blocks(transcript))
    assert "␛[2J␛]52;c;aGFjaw==␇ [bold]markup[/bold] [@click=app.quit]x[/] <U+202E>gnp.exe<U+202C>" in said


class Showing(App[None]):
    def __init__(self, transcript: Transcript) -> None:
        super().__init__()
        self.view = TranscriptView()
        self._transcript = transcript

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.show(said_blocks(self._transcript))


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12)])
def test_a_megabyte_in_one_line_is_scrolled_and_searched(transcript: Transcript, size: tuple[int, int]) -> None:
    async def drive() -> None:
        app = Showing(transcript)
        async with app.run_test(size=size) as pilot:
            view = app.view
            shown: list[str] = []
            deadline = time.monotonic() + 20
            while not any("▀" in line for line in shown):  # the picture is drawn in a thread
                assert time.monotonic() < deadline
                await pilot.pause()
                shown = [view.render_line(y).text for y in range(view.size.height)]
            view.search("gnp.EXE")
            await pilot.pause()
            shown = [view.render_line(y).text for y in range(view.size.height)]
            assert any("gnp.exe" in line for line in shown)
            began = time.monotonic()
            view.action_bottom()
            await pilot.pause()
            assert time.monotonic() - began < 5
            shown += [view.render_line(y).text for y in range(view.size.height)]
            assert all(clean(line) == line for line in shown)
            assert any("includes: C" in line for line in shown)

    asyncio.run(drive())


@pytest.mark.parametrize(
    "text", ["", "a\n\nb\n", "word " * 100, "漢字" * 300, "e" + "\u0301" * 500, "x" * 9, "  " * 99]
)
def test_wrapping_loses_only_the_breaks(text: str) -> None:
    pieces = [text[start:end] for start, end in wrap(text, 20)]
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(piece) <= 20 for piece in pieces)


def test_another_transcript_comes_while_it_is_hidden(transcript: Transcript) -> None:
    async def drive() -> None:
        app = Showing(transcript)
        async with app.run_test(size=(80, 24)) as pilot:
            view = app.view
            deadline = time.monotonic() + 20
            while not any("▀" in view.render_line(y).text for y in range(view.size.height)):
                assert time.monotonic() < deadline
                await pilot.pause()
            view.display = False
            await pilot.pause()
            view.show(raw_blocks(transcript))
            view.display = True
            await pilot.pause()
            assert "call 1" in view.render_line(0).text

    asyncio.run(drive())
