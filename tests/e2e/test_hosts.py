"""A key goes only to hosts that the user has accepted: seen at real servers that write down what they are sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .conftest import Ran, User

KEY = "sk-a-key-of-the-users-0123456789"
# This machine, too, but by a name that says nothing of it: any other host is treated the same.
ELSEWHERE = "0.0.0.0"


class Recorder:
    """Answers every chat with 42, or sends on to somebody else, and keeps the headers and bodies of requests."""

    def __init__(self, sends_to: str = "") -> None:
        self.seen: list[tuple[str, str]] = []  # Authorization, body
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                recorder.seen.append((self.headers.get("Authorization", ""), body))
                if sends_to:
                    self.send_response(307)
                    self.send_header("Location", f"{sends_to}{self.path}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                answer = {
                    "id": "x", "object": "chat.completion", "created": 1, "model": "m",
                    "choices": [
                        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4"}}
                    ],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
                }  # fmt: skip
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, host: str = ELSEWHERE) -> str:
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def record() -> Iterator[Callable[..., Recorder]]:
    made: list[Recorder] = []

    def make(sends_to: str = "") -> Recorder:
        made.append(Recorder(sends_to))
        return made[-1]

    yield make
    for recorder in made:
        recorder.close()


def profile(user: User, model: str, url: str, name: str = "p.toml") -> str:
    text = f'[[tasks]]\ntask = "proctor/arithmetic"\n[[models]]\ninspect_model = "{model}"\nbase_url = "{url}/v1"\n'
    return user.write(name, text + "[run]\nlimit = 1\nretry_on_error = 0\n[generate]\nmax_retries = 0\n")


def run(user: User, *arguments: str) -> Ran:
    return user.run("run", *arguments, "--json", OPENAI_API_KEY=KEY, FAKE_API_KEY=KEY)


def test_a_key_waits_for_consent_once_for_each_profile_and_host(user: User, record: Callable[..., Recorder]) -> None:
    server = record()
    host = f"{ELSEWHERE}:{server.port}"
    mine = profile(user, "openai-api/openai/m", server.url())
    refused = run(user, mine)
    assert refused.code == 2 and server.seen == [] and refused.out == ""
    assert f"OPENAI_API_KEY would be sent to {host}, unencrypted: base_url of openai-api/openai/m" in refused.err
    assert f"`--trust-host {host}`" in refused.err and KEY not in refused.err
    assert run(user, mine, "--trust-host", "another.example").code == 2 and server.seen == []

    assert run(user, mine, "--trust-host", ELSEWHERE).code in (0, 1)
    assert {one for one, _ in server.seen} == {f"Bearer {KEY}"}
    count = len(server.seen)
    assert run(user, mine).code in (0, 1) and len(server.seen) > count, "it is remembered"
    assert run(user, profile(user, "openai-api/openai/m", server.url(), "other.toml")).code == 2, "for that profile"


def test_a_key_that_is_the_services_own_by_name_and_this_machine_need_no_consent(
    user: User, record: Callable[..., Recorder]
) -> None:
    server = record()
    own = run(user, profile(user, "openai-api/fake/m", server.url()))
    assert own.code in (0, 1) and f"FAKE_API_KEY is sent to {ELSEWHERE}:{server.port}, unencrypted" in own.err
    here = run(user, profile(user, "openai-api/openai/m", server.url("127.0.0.1")))
    assert here.code in (0, 1) and "OPENAI_API_KEY" not in here.err
    assert {one for one, _ in server.seen} == {f"Bearer {KEY}"}


def test_a_run_whose_file_names_another_host_by_now_is_not_gone_on_with(
    user: User, record: Callable[..., Recorder]
) -> None:
    server, evil = record(), record()
    first = run(user, profile(user, "openai-api/openai/m", server.url("127.0.0.1")), "--set", "run.limit=1")
    file = first.run_dir / "run.toml"
    file.write_text(file.read_text().replace(server.url("127.0.0.1"), evil.url()).replace("limit = 1\n", "limit = 2\n"))
    again = user.run("retry", "--set", "run.epochs=2", OPENAI_API_KEY=KEY)
    assert again.code == 2 and "OPENAI_API_KEY would be sent to" in again.err
    assert evil.seen == []


def test_a_redirect_to_another_host_is_not_followed(user: User, record: Callable[..., Recorder]) -> None:
    other = record()
    server = record(other.url())
    ran = run(user, profile(user, "openai-api/fake/m", server.url("127.0.0.1")))
    assert ran.code == 1 and len(server.seen) > 0
    assert other.seen == [], "neither the key nor the question"
    (cell,) = ran.events[-1]["cells"]
    assert f"redirects to {ELSEWHERE}:{other.port}, and requests are not sent on" in cell["error"]
