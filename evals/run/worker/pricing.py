"""What a call costs: by the price of whoever served it.

A policy may be served by another provider than the one that it meant when it was planned, and so may a named one. The
router says who did; where the catalog knows that one's price, it counts. Where it does not, what the call costs is
unknown, and so is what its sample does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from inspect_ai.model import ModelCost, ModelInfo, ModelUsage, set_model_info

from ...catalog.listings import Price
from ...inspect.compat import price_calls, sample_usages
from ...planning.plan import Endpoint

if TYPE_CHECKING:
    from inspect_ai.model import Model, ModelOutput

# Set by the transport, in the task of the call: who serves the call; empty where the answer does not say.
serving: ContextVar[str] = ContextVar("proctor_serving", default="")

# Set by the model's API, in the same task: whether nobody knows what the call costs.
_is_unknown: ContextVar[bool] = ContextVar("proctor_is_unknown", default=False)

# Set for every sample by the cell's hooks: the models and roles of such calls, as their sums are named.
unpriced: ContextVar[set[str] | None] = ContextVar("proctor_unpriced", default=None)


def price_model(
    model: Model,
    endpoint: Endpoint,
    *,
    role: str,
    expected: str | None,
    price: Price | None,
    prices: Mapping[str, Price],
) -> None:
    """Have the calls of a model priced.

    Args:
        model: The model.
        endpoint: What it was made from.
        role: Its role; empty for the model under test.
        expected: The provider that was meant when it was planned.
        price: That one's; `None`: unknown.
        prices: Of all providers of the model whose price is known.
    """
    if price is not None:
        set_model_info(endpoint.model, ModelInfo(cost=_model_cost(price)))
    if endpoint.hub_id is None:  # none of the router's
        return

    def price_of(output: ModelOutput) -> tuple[str, ModelCost] | None:
        provider = serving.get()
        found = price if provider in ("", expected) else prices.get(provider)
        _is_unknown.set(found is None)
        if found is None and (names := unpriced.get()) is not None:
            names.update((str(model), role))
        return None if found is None else (endpoint.model, _model_cost(found))

    price_calls(model, price_of)


def forget_unknown_cost(usage: ModelUsage) -> None:
    """Take back what a call was reckoned to cost where nobody knows, and the sums of its sample that it is in."""
    if _is_unknown.get():
        usage.total_cost = None
    for name in unpriced.get() or ():
        for sums in sample_usages():
            if name in sums:
                sums[name].total_cost = None


def lose_cost(names: Iterable[str]) -> None:
    """Note that a call may have been paid for that nobody knows the cost of, and so that of its sample.

    Args:
        names: The model and its role, as the sums of a sample are named.
    """
    known = unpriced.get()
    if known is None:  # no sample's
        return
    known.update(names)
    for name in known:
        for sums in sample_usages():
            if name in sums:
                sums[name].total_cost = None


def _model_cost(price: Price) -> ModelCost:
    return ModelCost(
        input=price.input_usd_per_mtok,
        output=price.output_usd_per_mtok,
        input_cache_write=price.input_usd_per_mtok,
        input_cache_read=price.input_usd_per_mtok,
    )
