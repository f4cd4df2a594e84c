"""Whether the token will do, before a request is sent with it."""

from __future__ import annotations

from collections.abc import Iterator

from ...profiles.base.errors import CatalogError, TokenError
from ..catalog.account import TokenFacts
from ..catalog.endpoints import PUBLIC_HUB_URL, PUBLIC_ROUTER_URL, TOKEN_SETTINGS_URL, Endpoints, require_token
from .plan import Problem


def token_problems(endpoints: Endpoints, account: TokenFacts | CatalogError | None) -> Iterator[Problem]:
    """What is wrong with the token for a run on the router. Pure.

    Args:
        endpoints: The router, the Hub and the token.
        account: What the Hub says of the token, as `account_of` tells it.
    """
    try:
        require_token(endpoints)
    except TokenError as error:
        yield Problem("error", "token", error.message, error.remedy)
        return
    # The public Hub knows nothing of the tokens of somebody else's router, nor the other way round.
    is_one_house = (endpoints.hub_url == PUBLIC_HUB_URL) == (endpoints.router_url == PUBLIC_ROUTER_URL)
    severity = "error" if is_one_house else "warning"
    if isinstance(account, CatalogError):
        yield Problem(severity, "token", account.message, account.remedy)
    elif account is not None and account.can_infer is False:
        says = "it may not call Inference Providers: each request would be refused with 403"
        yield Problem(severity, "token", says, f"give it that permission at {TOKEN_SETTINGS_URL}")
