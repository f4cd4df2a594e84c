"""Where requests go and with which token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PUBLIC_ROUTER_URL = "https://router.huggingface.co/v1"
PUBLIC_HUB_URL = "https://huggingface.co"
ROUTER_URL_VARIABLE = "PROCTOR_ROUTER_URL"

Source = Literal["hub", "practice"]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a router and a Hub, and the token for both.

    The token is kept out of `repr`, so that it reaches no log and no error by accident.
    """

    source: Source
    router_url: str  # with /v1, without a trailing slash
    hub_url: str  # without a trailing slash
    token: str | None = field(default=None, repr=False)
