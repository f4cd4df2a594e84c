"""The reader processes of this process: they have Inspect loaded, so that it need not."""

from __future__ import annotations

import atexit
import threading

from ..catalog.endpoints import Endpoints
from ..planning.planner import Planner
from ..results.reader.client import Reader

_lock = threading.Lock()
_readers: dict[Endpoints | None, Reader] = {}


def reader_for(endpoints: Endpoints | None = None) -> Reader:
    """The reader for some addresses, started with its first call; it ends with this process.

    Args:
        endpoints: Give the token and the Hub to build tasks with; `None` only reads logs.
    """
    with _lock:
        if not _readers:
            atexit.register(close_readers)
        if endpoints not in _readers:
            if endpoints is None:
                _readers[None] = Reader(warm=False)
            else:
                _readers[endpoints] = Reader(token=endpoints.token, hub_url=endpoints.hub_url).start()
        return _readers[endpoints]


def close_readers() -> None:
    """End them; the next call starts new ones."""
    with _lock:
        for reader in _readers.values():
            reader.close()
        _readers.clear()


_planner = Planner(reader_for)


def planner() -> Planner:
    """The planner of this process, with what it has learned."""
    return _planner
