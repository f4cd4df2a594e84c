"""Who answers: one simulated model as one provider serves it, and whether it manages a problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from .rng import draw, pick
from .roster import SimulatedModel, SimulatedOffer, Skills

T = TypeVar("T")

_OWN_SHARE = 0.2  # of the problems, how many a deployment decides by itself rather than as the model does everywhere
_EFFORT = {"none": -0.12, "minimal": -0.08, "low": -0.04, "high": 0.03, "xhigh": 0.04, "max": 0.05}


@dataclass(frozen=True, slots=True)
class Mind:
    """A model at a provider, answering one request.

    All that it does is a function of these fields and of what it is asked.
    """

    server_seed: int
    model: str
    provider: str
    skills: Skills
    skill_change: float
    reasons: bool
    temperature: float = 0.0
    request_seed: int | None = None
    effort: str | None = None

    @classmethod
    def of(
        cls,
        model: SimulatedModel,
        offer: SimulatedOffer,
        *,
        server_seed: int,
        temperature: float | None,
        request_seed: int | None,
        effort: str | None,
    ) -> Mind:
        """The mind behind an offer, for one request."""
        change = offer.skill_change + (_EFFORT.get(effort or "", 0.0) if model.reasons else 0.0)
        return cls(
            server_seed=server_seed,
            model=model.id,
            provider=offer.provider,
            skills=model.skills,
            skill_change=change - 0.1 * max(0.0, (temperature or 0.0) - 1.0),
            reasons=model.reasons,
            temperature=temperature or 0.0,
            request_seed=request_seed,
            effort=effort,
        )

    def manages(self, skill: float, *problem: object) -> bool:
        """Whether a problem is worked out correctly: true for a share of all problems that is the skill.

        The same weights mostly fail on the same problems wherever they run, so deployments of one model agree on most
        and differ on some; the more so, the higher the temperature.
        """
        wanted = min(max(skill + self.skill_change, 0.0), 1.0)
        own_share = _OWN_SHARE + 0.5 * min(self.temperature, 1.0)
        whose = (self.model, self.provider) if self._chance("whose", *problem) < own_share else (self.model,)
        return draw(self.server_seed, "manages", *whose, *self._nonce(len(whose) > 1), *problem) < wanted

    def choose(self, options: Sequence[T], *about: object) -> T:
        """One of several ways to put it."""
        return pick(options, self.server_seed, "choose", self.model, self.provider, *self._nonce(True), *about)

    def _chance(self, *about: object) -> float:
        return draw(self.server_seed, self.model, self.provider, *self._nonce(True), *about)

    def _nonce(self, own: bool) -> tuple[object, ...]:
        return (self.temperature, self.request_seed) if own and self.temperature > 0 else ()
