"""What a log costs as it grows: CPU, bytes and memory per sample, without any model.

    uv run python tests/bench/log_growth.py [SAMPLES …]

Samples of about 20 KB go through Inspect's own recorder as a cell has it. Hold: CPU per sample flat to 30,000 samples,
bytes written at most 3 × the final log, no step of the event loop longer than 20 ms.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from inspect_ai.log import EvalConfig, EvalDataset, EvalPlan, EvalSample, EvalSpec, EvalStats
from inspect_ai.log._recorders import eval as inspects
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser
from inspect_ai.scorer import Score
from proctor.evals.inspect.durable_log import LOG_BUFFER, keep_logs_durably
from proctor.evals.inspect.full_disk import LogSpaceGuard

WORDS = [random.Random(number).randbytes(3).hex() for number in range(4000)]


def sample(number: int) -> EvalSample:
    chance = random.Random(number)
    text = " ".join(chance.choices(WORDS, k=1300))
    return EvalSample(
        id=number,
        epoch=1,
        input=text[:2000],
        target="yes",
        messages=[ChatMessageUser(content=text), ChatMessageAssistant(content=text[:9000])],
        scores={"match": Score(value="C", answer="yes")},
    )


def written() -> int:
    return int(Path("/proc/self/io").read_text().partition("wchar: ")[2].partition("\n")[0])


async def longest_step(stop: asyncio.Event) -> float:
    """The longest CPU time between two turns of the loop, in seconds."""
    longest_s, since_s = 0.0, time.thread_time()
    while not stop.is_set():
        await asyncio.sleep(0)
        now_s = time.thread_time()
        longest_s, since_s = max(longest_s, now_s - since_s), now_s
    return longest_s


async def write(folder: str, count: int) -> None:
    spec = EvalSpec(
        created="2026-11-28T10:00:00+00:00",
        task="t",
        dataset=EvalDataset(samples=count),
        model="mockllm/model",
        config=EvalConfig(),
    )
    recorder, stop, cpu_s = inspects.EvalRecorder(folder), asyncio.Event(), 0.0
    path = Path(await recorder.log_init(spec))
    await recorder.log_start(spec, EvalPlan())
    await recorder.flush(spec)
    began = written()
    for number in range(count):
        one = sample(number)
        since_s = time.process_time()
        await recorder.log_sample(spec, one)
        if number % LOG_BUFFER == LOG_BUFFER - 1:
            await recorder.flush(spec)
        cpu_s += time.process_time() - since_s
    watching = asyncio.ensure_future(longest_step(stop))
    await asyncio.sleep(0)
    await recorder.flush(spec)
    await recorder.log_finish(spec, "success", EvalStats(), None, None)
    stop.set()
    size = path.stat().st_size
    print(
        f"{count:>6} samples, {size / 1e6:5.1f} MB: CPU {cpu_s / count * 1000:.2f} ms per sample, "
        f"written {(written() - began) / size:.2f} x, longest step at the end {await watching * 1000:.0f} ms, "
        f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Print the figures."""
    keep_logs_durably(LogSpaceGuard(lambda _: None))
    for count in [int(size) for size in sys.argv[1:]] or [300, 3000, 30_000]:
        with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as folder:
            asyncio.run(write(folder, count))


if __name__ == "__main__":
    main()
