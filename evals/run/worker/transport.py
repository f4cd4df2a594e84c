"""The transport below a cell's model client: who served, what failed, and the gate.

Inspect keeps no response headers, and an error's text may be lost above the HTTP layer. Both are in reach here, in the
very task of the sample that asked. Private to Inspect and openai, and looked up in this one place: `api.client._client`
and its `_transport` and `_mounts`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx2
from inspect_ai.log import transcript

from ....profiles.base.text import reason_line
from ...catalog.http_errors import error_text, router_error
from ...inspect.deadlines import held_deadlines
from .circuit_breaker import (
    OUT_OF_CREDIT,
    CircuitBreaker,
    Closure,
    closure_for,
    gate_waits_s,
    refusal_reason,
    scoring,
    wire_failure,
)
from .hosts import end_foreign_redirect
from .metrics import Meter
from .pricing import serving

if TYPE_CHECKING:
    from inspect_ai.model import Model

SERVED_BY_HEADER = "x-inference-provider"
INFO_SOURCE = "proctor"
EVENT_STREAM = "text/event-stream"
MAX_REFUSAL_BYTES = 16 * 1024


@dataclass(slots=True)
class Pin:
    """The one provider that may serve a cell; the first that serves where none is named yet."""

    provider: str = ""

    def fits(self, provider: str) -> bool:
        """Whether an answer of this provider is one of the pinned one's."""
        self.provider = self.provider or provider
        return provider == self.provider


class MonitoredTransport(httpx2.AsyncBaseTransport):
    """Wraps a client's transport.

    Args:
        inner: The transport that speaks to the network.
        meter: Counts requests, failures and who served.
        gate: Parks requests once it is closed, and is closed by refusals.
        is_grader: Whether this client belongs to a grader of its own.
        headers: Sent with every request.
        pin: The one provider that may answer; `None`: whoever does.
        patience_s: How long every request of more than one sample may fail before the cell is given up.
        clock: Seconds, never set back.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        meter: Meter,
        gate: CircuitBreaker,
        *,
        is_grader: bool,
        headers: Mapping[str, str],
        patience_s: float,
        pin: Pin | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._meter = meter
        self._gate = gate
        self._is_grader = is_grader
        self._headers = dict(headers)
        self._patience_s = patience_s
        self._pin = pin
        self._clock = clock
        self._failing_since_s: float | None = None
        self._failing: list[list[str]] = []  # the samples whose requests failed since the last answer

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and take note of what came back; one that is refused for want of credit waits."""
        request.headers.update(self._headers)
        while True:
            is_probe = await self._let_through()
            try:
                response = await self._send(request)
            except BaseException:
                if is_probe:
                    self._gate.probed(False, "it did not answer", of_grader=self._is_grader)
                raise
            is_refused = response.status_code == OUT_OF_CREDIT
            if is_probe:
                words = "it was refused again" if is_refused else ""
                self._gate.probed(not is_refused, words, of_grader=self._is_grader)
            if not is_refused:
                return response

    async def _let_through(self) -> bool:
        """Wait at the gate, and book the time that the sample loses there; whether to send a probe."""
        if self._gate.is_open:
            return False
        asked_s = self._clock()
        with held_deadlines():
            is_probe = await self._gate.passed(is_grader=self._is_grader)
        waits = gate_waits_s.get()
        if waits is not None and (waited_s := self._clock() - asked_s) > 0:
            waits.append(waited_s)
        return is_probe

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        asked_s = self._clock()
        where = request.url.netloc.decode("ascii", "replace")
        self._meter.requests += 1
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as error:
            self._meter.requests -= 1
            self._meter.retries["timeout" if isinstance(error, httpx2.TimeoutException) else "connection"] += 1
            self._failed(f"no connection to {where}: {error or type(error).__name__}", asked_s)
            raise
        except BaseException as error:
            self._meter.requests -= 1
            if isinstance(error, asyncio.CancelledError):  # by Inspect's timeouts, or with the whole cell
                self._failed(f"{where} did not answer in time", asked_s)
            raise
        if (other := end_foreign_redirect(str(request.url), response)) is not None:
            self._failed(f"{where} redirects to {other}, and requests are not sent on to another host", asked_s)
            self._meter.requests -= 1
            return response
        body = _WatchedStream(response, self._meter)
        response.stream = body
        if response.status_code >= 400:
            return await self._refused(response, asked_s)
        kind = response.headers.get("content-type", EVENT_STREAM).partition(";")[0].strip()
        if kind != EVENT_STREAM and b'"stream":true' in request.content.replace(b" ", b""):
            says = error_text(await response.aread())
            self._failed(f"{where} answered with {kind} instead of a stream{f': {says}' if says else ''}", asked_s)
        else:
            body.expect(where, self._answered, lambda words: self._failed(words, asked_s))
            await self._note_provider(response)
        return response

    def _answered(self) -> None:
        self._failing_since_s = None
        self._failing.clear()
        if failure := wire_failure.get():
            failure.clear()

    async def _note_provider(self, response: httpx2.Response) -> None:
        """Count who served. An answer that is not the pinned provider's is not read, and the cell is over."""
        provider = reason_line(response.headers.get(SERVED_BY_HEADER, ""))
        serving.set(provider)
        if not provider:
            return
        if self._pin is not None and not self._pin.fits(provider):
            await response.aclose()
            reason = (
                f"pinned to {self._pin.provider}, but {provider} answered: name the provider in [[models]] instead of "
                "a policy, or leave pin out to let them mix"
            )
            self._gate.close(Closure("failed", reason, grading_goes_on=True), refused=True)
            await self._let_through()
        is_grading = self._is_grader or scoring.get()
        (self._meter.grader_served_by if is_grading else self._meter.served_by)[provider] += 1
        transcript().info({"served_by": provider}, source=INFO_SOURCE)

    async def _refused(self, response: httpx2.Response, asked_s: float) -> httpx2.Response:
        body = await response.aread()
        error = router_error(response.status_code, body)
        self._meter.retries[str(error.status)] += 1
        if error.status == OUT_OF_CREDIT:
            reason = reason_line(refusal_reason(error, of_grader=self._is_grader))
            self._answered()  # it was: for how long that goes on is the supervisor's to say
            self._meter.last_error = reason
            self._gate.refuse(reason, of_grader=self._is_grader)
        else:
            self._failed(str(error), asked_s)
            if (closure := closure_for(error, of_grader=self._is_grader)) is not None:
                self._gate.close(closure, refused=True)
        if len(body) <= MAX_REFUSAL_BYTES:
            return response
        # Inspect draws every error as a traceback: of a megabyte, that takes minutes.
        headers = {k: v for k, v in response.headers.items() if k not in ("content-length", "content-encoding")}
        return httpx2.Response(response.status_code, headers=headers, content=body[:MAX_REFUSAL_BYTES])

    def _failed(self, words: str, asked_s: float) -> None:
        """Take note of a failed request; give the cell up once nothing has been answered for too long."""
        words = self._meter.last_error = reason_line(words)
        sample = wire_failure.get()
        if sample is not None:
            sample[:] = [words]
        if self._failing_since_s is None:
            self._failing_since_s = asked_s
        if sample is not None and not any(sample is other for other in self._failing):
            self._failing.append(sample)
        for_s = self._clock() - self._failing_since_s
        if for_s >= self._patience_s and len(self._failing) > 1:
            who = "the grader: " if self._is_grader else ""
            reason = f"{who}{words}: nothing was answered for {for_s:.0f} s, so the cell is given up"
            self._gate.close(Closure("failed", reason, grading_goes_on=not self._is_grader), refused=True)

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()


class _WatchedStream(httpx2.AsyncByteStream):
    """A body; the request counts as on the wire until it is closed."""

    def __init__(self, response: httpx2.Response, meter: Meter) -> None:
        self._inner = cast(httpx2.AsyncByteStream, response.stream)
        self._meter = meter
        self._closed = False
        self._heard = False
        self._where = ""
        self._answered: Callable[[], None] | None = None
        self._failed: Callable[[str], None] | None = None

    def expect(self, where: str, answered: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Tell whether the body turns out to be an answer, and what it failed of otherwise."""
        self._where, self._answered, self._failed = where, answered, failed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:  # more than once: openai's client takes the body's rest separately
            async for chunk in self._inner:
                if b'"error"' in chunk and (words := _error_event(chunk)):
                    self._heard = True
                    self._fail(f"{words} (in the stream)")
                elif not self._heard and b"{" in chunk:
                    self._heard = True
                    if self._answered is not None:
                        self._answered()
                yield chunk
        except httpx2.TransportError as error:
            self._fail(f"{self._where} broke off its answer: {error or type(error).__name__}")
            raise
        except asyncio.CancelledError:  # by Inspect's timeouts, or with the whole cell
            self._fail(f"{self._where} did not end its answer in time")
            raise
        if not self._heard:
            self._fail(f"{self._where} ended its answer without a word")

    def _fail(self, words: str) -> None:
        if self._failed is not None:
            self._failed(words)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._meter.requests -= 1
        await self._inner.aclose()


def _error_event(chunk: bytes) -> str:
    """The words of an error that is sent as an event of a stream; empty where there is none."""
    for line in chunk.splitlines():
        try:
            data = json.loads(line.removeprefix(b"data:")) if line.startswith(b"data:") else None
        except ValueError:
            continue
        if isinstance(data, dict) and data.get("error"):  # pyright: ignore[reportUnknownMemberType]
            return error_text(data)  # pyright: ignore[reportUnknownArgumentType]
    return ""


def watch(
    model: Model,
    meter: Meter,
    gate: CircuitBreaker,
    *,
    is_grader: bool,
    headers: Mapping[str, str],
    patience_s: float,
    pin: Pin | None = None,
) -> bool:
    """Put an `MonitoredTransport` below a model's client.

    Returns:
        Whether that was possible; a provider whose client is none of openai's runs unwatched.
    """
    client = getattr(getattr(model.api, "client", None), "_client", None)
    if not isinstance(client, httpx2.AsyncClient):
        return False
    inside: Any = client

    def wrapped(inner: httpx2.AsyncBaseTransport) -> MonitoredTransport:
        return MonitoredTransport(
            inner, meter, gate, is_grader=is_grader, headers=headers, patience_s=patience_s, pin=pin
        )

    inside._transport = wrapped(inside._transport)
    for pattern, transport in inside._mounts.items():
        if transport is not None:
            inside._mounts[pattern] = wrapped(transport)
    return True
