"""The transport below a cell's model client: who served, what failed, and the gate.

Inspect keeps no response headers, and an error's text may be lost above the HTTP layer. Both are in reach here, in the
very task of the sample that asked. Private to Inspect and openai, and looked up in this one place: `api.client._client`
and its `_transport` and `_mounts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx2
from inspect_ai.log import transcript

from ..catalog.wire_errors import router_error
from .gate import Gate, closure_for, scoring
from .meter import Meter

if TYPE_CHECKING:
    from inspect_ai.model import Model

SERVED_BY_HEADER = "x-inference-provider"
INFO_SOURCE = "proctor"


class ExamTransport(httpx2.AsyncBaseTransport):
    """Wraps a client's transport.

    Args:
        inner: The transport that speaks to the network.
        meter: Counts requests, failures and who served.
        gate: Parks requests once it is closed, and is closed by refusals.
        is_grader: Whether this client belongs to a grader of its own.
        headers: Sent with every request.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        meter: Meter,
        gate: Gate,
        *,
        is_grader: bool,
        headers: Mapping[str, str],
    ) -> None:
        self._inner = inner
        self._meter = meter
        self._gate = gate
        self._is_grader = is_grader
        self._headers = dict(headers)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and take note of what came back."""
        await self._gate.passed(self)
        request.headers.update(self._headers)
        self._meter.requests += 1
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as error:
            self._meter.requests -= 1
            self._meter.retries["timeout" if isinstance(error, httpx2.TimeoutException) else "connection"] += 1
            raise
        except BaseException:
            self._meter.requests -= 1
            raise
        response.stream = _CountedStream(cast(httpx2.AsyncByteStream, response.stream), self._meter)
        if response.status_code >= 400:
            await self._refused(response)
        elif provider := response.headers.get(SERVED_BY_HEADER):
            if not (self._is_grader or scoring.get()):
                self._meter.served_by[provider] += 1
            transcript().info({"served_by": provider}, source=INFO_SOURCE)
        return response

    async def _refused(self, response: httpx2.Response) -> None:
        error = router_error(response.status_code, await response.aread())
        self._meter.retries[str(error.status)] += 1
        self._meter.last_error = str(error)
        closure = closure_for(error, of_grader=self._is_grader)
        if closure is not None:
            self._gate.close(closure, refused=self)

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()


class _CountedStream(httpx2.AsyncByteStream):
    """A body; the request counts as on the wire until it is closed."""

    def __init__(self, inner: httpx2.AsyncByteStream, meter: Meter) -> None:
        self._inner = inner
        self._meter: Meter | None = meter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk

    async def aclose(self) -> None:
        if self._meter is not None:
            self._meter.requests -= 1
            self._meter = None
        await self._inner.aclose()


def watch(model: Model, meter: Meter, gate: Gate, *, is_grader: bool, headers: Mapping[str, str]) -> bool:
    """Put an `ExamTransport` below a model's client.

    Returns:
        Whether that was possible; a provider whose client is none of openai's runs unwatched.
    """
    client = getattr(getattr(model.api, "client", None), "_client", None)
    if not isinstance(client, httpx2.AsyncClient):
        return False
    inside: Any = client

    def wrapped(inner: httpx2.AsyncBaseTransport) -> ExamTransport:
        return ExamTransport(inner, meter, gate, is_grader=is_grader, headers=headers)

    inside._transport = wrapped(inside._transport)
    for pattern, transport in inside._mounts.items():
        if transport is not None:
            inside._mounts[pattern] = wrapped(transport)
    return True
