"""What the practice router has served: counts of everything, and the latest requests one by one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 50_000
SESSIONS_KEPT = 1000
ANSWER_CHARS = 2000


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """One chat request and what became of it."""

    at_s: float  # seconds since the epoch
    model: str  # without a suffix
    requested: str  # the id as it was sent
    provider: str | None  # who served; None where the router refused
    status: int
    stream: bool
    fault: str | None = None
    kind: str | None = None  # "story", "grade", …
    fingerprint: str | None = None  # of the subject, see `draws.fingerprint`
    answer: str | None = None  # the content as it was sent, up to ANSWER_CHARS
    input_tokens: int = 0
    output_tokens: int = 0
    session: str | None = None  # X-HF-Session-id
    bill_to: str | None = None  # X-HF-Bill-To
    cost_usd: float = 0.0  # of what was answered, at the offer's price; 0 where it states none


@dataclass(slots=True)
class Session:
    """What is billed for the requests of one session."""

    requests: int = 0
    cost_usd: float = 0.0
    last_at_s: float = 0.0  # seconds since the epoch


@dataclass(slots=True)
class ServedLog:
    """The book of the server: bounded, however long it runs."""

    total: int = 0
    counts: Counter[tuple[str, str | None, int]] = field(default_factory=Counter[tuple[str, "str | None", int]])
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])  # the latest SESSIONS_KEPT, by name
    _latest: deque[ServedRequest] = field(default_factory=lambda: deque[ServedRequest](maxlen=KEPT))

    def add(self, request: ServedRequest) -> None:
        """Take down one request."""
        self.total += 1
        self.counts[request.model, request.provider, request.status] += 1
        self._latest.append(request)
        if request.session and request.status == 200:
            session = self.sessions.pop(request.session, None) or Session()
            session.requests += 1
            session.cost_usd += request.cost_usd
            session.last_at_s = request.at_s
            self.sessions[request.session] = session
            if len(self.sessions) > SESSIONS_KEPT:
                del self.sessions[next(iter(self.sessions))]

    def clear(self) -> None:
        """Forget everything."""
        self.total = 0
        self.counts.clear()
        self._latest.clear()
        self.sessions.clear()

    def describe(self, *, requests: bool, since: int = 0) -> Mapping[str, Any]:
        """The counts and, if wanted, the requests that are still kept, from number `since` on."""
        book: dict[str, Any] = {
            "total": self.total,
            "counts": [
                {"model": model, "provider": provider, "status": status, "requests": count}
                for (model, provider, status), count in self.counts.items()
            ],
        }
        if requests:
            oldest = self.total - len(self._latest)
            book["first"] = max(since, oldest)
            book["requests"] = [asdict(one) for number, one in enumerate(self._latest, oldest) if number >= since]
        return book
