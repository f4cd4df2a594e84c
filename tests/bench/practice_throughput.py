"""How many requests per second the practice router serves: `python tests/bench/practice_throughput.py`.

One client process asks over keep-alive connections, with no simulated waiting. Both run on this machine, so the client
takes its share; the server's own processor time per request says what one core could do.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from importlib.resources import files
from pathlib import Path

import aiohttp
from proctor.evals.simulator.launch import PracticeServer, start_practice

CONNECTIONS = 32
REQUESTS = 3000
HOLD_PER_S = 300


def prompts() -> list[str]:
    """Questions of theory_of_mind, and the prompts of a grader about them, alternating as in a run."""
    lines = files("inspect_ai").joinpath("dataset/_examples/theory_of_mind.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    mixed: list[str] = []
    for row in rows:
        question = row["input"][0]["content"]
        mixed.append(question)
        mixed.append(
            f"[BEGIN DATA]\n***\n[Question]: {question}\n***\n[Expert]: {row['target']}\n***\n"
            f"[Submission]: It is in the {row['target']}.\n***\n[END DATA]\nGRADE: $LETTER, one of CI"
        )
    return mixed


def server_cpu_s(pid: int) -> float | None:
    """The processor time of a process; `None` where /proc does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def hammer(server: PracticeServer, *, stream: bool) -> float:
    """Ask REQUESTS times; the elapsed seconds."""
    asked = itertools.islice(itertools.cycle(prompts()), REQUESTS)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    headers = {"Authorization": "Bearer practice"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def worker() -> None:
            for prompt in asked:
                body = {
                    "model": "openai/gpt-oss-120b:groq",
                    "messages": [{"role": "user", "content": prompt}],
                    "stream": stream,
                    "stream_options": {"include_usage": True} if stream else None,
                }
                async with session.post(f"{server.url}/chat/completions", json=body) as response:
                    data = await response.read()
                    assert response.status == 200 and b'"usage"' in data, data[:200]

        started_s = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
        return time.perf_counter() - started_s


def main() -> None:
    """Print the figures, and fail below what must hold."""
    with start_practice(["--speed", "instant"]) as server:
        for stream in (False, True):
            before_s = server_cpu_s(server.pid)
            elapsed_s = asyncio.run(hammer(server, stream=stream))
            after_s = server_cpu_s(server.pid)
            rate = REQUESTS / elapsed_s
            line = f"{'stream' if stream else 'whole ':6}  {rate:7.0f} requests/s"
            if before_s is not None and after_s is not None:
                cpu_s = after_s - before_s
                line += (
                    f"   server {cpu_s / REQUESTS * 1e3:.2f} ms of CPU each, {REQUESTS / cpu_s:.0f}/s on a full core"
                )
            print(line)
            assert rate > HOLD_PER_S, f"the practice router is below {HOLD_PER_S} requests/s"


if __name__ == "__main__":
    main()
