"""Samples of a log with 100 000: how long they take to open and to sort, and what memory that takes.

Run it as `python tests/bench/large_results.py [SAMPLES]`. The screens are driven by their keys on a made state; a time
is that from the key to the paint of what it changes. Held: open 300 ms, sort 100 ms, 150 MB.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from typing import Any

from made_app import MadeApp, painted
from made_state import made_state
from textual.events import Key
from textual.pilot import Pilot

HELD = {"open": 300.0, "sort": 100.0, "sort again": 100.0, "down": 50.0}


async def took_ms(pilot: Pilot[Any], key: str) -> float:
    """Milliseconds from a key to the paint of what it changes."""
    before = painted(pilot.app)
    began_s = time.perf_counter()
    pilot.app.post_message(Key(key, key if len(key) == 1 else None))
    while painted(pilot.app) == before:
        await pilot.pause(0)
    return (time.perf_counter() - began_s) * 1000


async def measure(samples: int) -> dict[str, float]:
    """Open the samples of a cell and sort them."""
    app = MadeApp(source="hub", environ={})
    async with app.run_test(size=(120, 36)) as pilot:
        app.store.put(**made_state(samples=samples))
        await pilot.press("6")
        await pilot.pause()
        took = {
            "open": await took_ms(pilot, "enter"),
            "sort": await took_ms(pilot, "o"),
            "sort again": await took_ms(pilot, "o"),
            "down": await took_ms(pilot, "j"),
        }
        await pilot.pause()
        return took


def main() -> None:
    """Print each figure, and what it is held to."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for name, figure in asyncio.run(measure(samples)).items():
        print(f"{name:12} {figure:6.0f} ms  held at most {HELD[name]:.0f}: {'yes' if figure <= HELD[name] else 'NO'}")
    unit = 1 if sys.platform == "darwin" else 1024
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(f"{'memory':12} {memory_mb:6.0f} MB  held at most 150: {'yes' if memory_mb <= 150 else 'NO'}")


if __name__ == "__main__":
    main()
