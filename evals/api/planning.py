"""A planner that builds tasks in a reader process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from ..catalog.endpoints import Endpoints
from ..planning.planner import Planner
from ..results.reader.client import Reader


@contextmanager
def open_planner() -> Generator[Planner]:
    """A planner with readers of its own, which end with it."""
    with ExitStack() as stack:
        readers: dict[Endpoints, Reader] = {}

        def reader_for(endpoints: Endpoints) -> Reader:
            if endpoints not in readers:
                readers[endpoints] = stack.enter_context(Reader(token=endpoints.token, hub_url=endpoints.hub_url))
            return readers[endpoints]

        yield Planner(reader_for)
