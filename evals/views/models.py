"""Models of the catalog, and each provider's terms for one of them (its listings)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...profiles.base.format import (
    UNKNOWN,
    format_ability,
    format_context,
    format_count,
    format_latency,
    format_size,
    format_speed,
    format_usd_per_mtok,
)
from ...profiles.base.text import clean_line
from ...profiles.policies import POLICIES
from .column import Column, Table, data

if TYPE_CHECKING:
    from ..catalog.listings import Listing, ModelEntry
    from ..catalog.probe import ProbeResult
    from ..catalog.search import FoundModel


def _served(item: FoundModel) -> bool:
    return bool(item.offers)


def _figure(
    key: str,
    title: str,
    figure: Callable[[FoundModel], Any],
    format: Callable[[Any], str],
    width: int,
    priority: int,
    *,
    tone: str = "",
) -> Column[FoundModel]:
    """The best figure of the live listings; of a model without any it is absent, not unknown."""
    return Column(
        key, title, figure, format, applies=_served, tone=tone, priority=priority, align="right", width=width, json=""
    )


def _fact(key: str) -> Column[FoundModel]:
    return data(key, lambda item: getattr(item.entry, key))


_FACTS = (
    "owned_by",
    "created_at_s",
    "input_modalities",
    "output_modalities",
    "downloads",
    "trending_score",
    "pipeline_tag",
    "tags",
    "gated",
)
# Keys are those that a search sorts by.
MODELS: Table[FoundModel] = Table(
    [
        Column("name", "model", lambda item: item.entry.id, width=0, least=32, kind="name", json="id"),
        Column(
            "size",
            "size",
            lambda item: item.entry.parameters,
            format_size,
            priority=4,
            align="right",
            width=6,
            json="parameters",
        ),
        _figure("context", "context", lambda item: item.context_tokens, format_context, 7, 5),
        _figure("input", "in $/M", lambda item: item.input_usd_per_mtok, format_usd_per_mtok, 7, 2, tone="money"),
        _figure("output", "out $/M", lambda item: item.output_usd_per_mtok, format_usd_per_mtok, 7, 1, tone="money"),
        _figure("speed", "tok/s", lambda item: item.tokens_per_s, format_speed, 6, 6, tone="time"),
        _figure("latency", "first", lambda item: item.first_token_ms, format_latency, 6, 7, tone="time"),
        Column(
            "providers",
            "providers",
            text=lambda item: str(len(item.offers)) if item.offers else "✗ none",
            tone=lambda item: "" if item.offers else "bad",
            priority=3,
            align="right",
            width=9,
            json="",
        ),
        Column("likes", "likes", lambda item: item.entry.likes, format_count, priority=8, align="right", width=6),
        *map(_fact, _FACTS),
    ]
)


@dataclass(frozen=True, slots=True)
class ListedProvider:
    """What can be asked for a model: a provider, or a policy and what it resolves to."""

    label: str
    listing: Listing | None  # its own, or that of the provider that the policy resolves to
    status: str = ""
    status_tone: str = ""
    tone: str = ""  # of its figures
    route: str = ""
    is_probed: bool = False
    probe: ProbeResult | None = None  # None: it is being asked, if it is probed at all


def listed(listing: Listing) -> ListedProvider:
    """A provider's own listing."""
    sign, tone = ("●", "good") if listing.is_live else ("✗", "bad")
    return ListedProvider(listing.provider, listing, f"{sign} {listing.status}", tone, route=listing.provider)


def _is_live(row: ListedProvider) -> bool:
    return row.listing is not None and row.listing.is_live


def _term(
    key: str,
    title: str,
    term: Callable[[Listing], Any],
    format: Callable[[Any], str],
    width: int,
    priority: int,
    json: str,
) -> Column[ListedProvider]:
    """One of a listing's terms; there are none where it is not live."""
    return Column(
        key,
        title,
        lambda row: None if row.listing is None else term(row.listing),
        format,
        applies=_is_live,
        tone=lambda row: row.tone,
        priority=priority,
        align="right",
        width=width,
        json=json,
    )


def _input_price(listing: Listing) -> float | None:
    return listing.price.input_usd_per_mtok if listing.price else None


def _output_price(listing: Listing) -> float | None:
    return listing.price.output_usd_per_mtok if listing.price else None


def probe_words(row: ListedProvider) -> tuple[str, str]:
    """`0.24s ok`, who answered where a policy was asked, or the error's words; and their tone."""
    if not row.is_probed:
        return "", ""
    result = row.probe
    if result is None:
        return "asking …", "dim"
    if result.error is not None:
        return f"✗ {result.error}", "bad"
    took = format_latency(result.total_ms if result.first_token_ms is None else result.first_token_ms)
    if result.served_by is not None and result.served_by != row.route:
        return f"{took} {result.served_by}", "good" if row.route in POLICIES or not row.route else "warn"
    return f"{took} ok", "good"


LISTINGS: Table[ListedProvider] = Table(
    [
        Column(
            "provider",
            "provider",
            lambda row: row.listing.provider if row.listing else None,
            text=lambda row: row.label,
            width=0,
            kind="name",
        ),
        Column(
            "status",
            "status",
            lambda row: row.listing.status if row.listing else None,
            text=lambda row: row.status,
            tone=lambda row: row.status_tone,
            priority=3,
            width=9,
        ),
        _term("input", "in $/M", _input_price, format_usd_per_mtok, 7, 2, "input_usd_per_mtok"),
        _term("output", "out $/M", _output_price, format_usd_per_mtok, 7, 1, "output_usd_per_mtok"),
        _term("speed", "tok/s", lambda listing: listing.tokens_per_s, format_speed, 6, 5, "tokens_per_s"),
        _term("latency", "first", lambda listing: listing.first_token_ms, format_latency, 6, 6, "first_token_ms"),
        _term("context", "context", lambda listing: listing.context_tokens, format_context, 7, 7, "context_tokens"),
        _term("tools", "tools", lambda listing: listing.supports_tools, format_ability, 5, 8, "supports_tools"),
        _term("json", "json", lambda listing: listing.supports_json, format_ability, 4, 9, "supports_json"),
        data("is_free", lambda row: row.listing.is_free if row.listing else None),
        data("is_model_author", lambda row: row.listing.is_model_author if row.listing else None),
        Column(
            "probed",
            "probed",
            text=lambda row: probe_words(row)[0],
            tone=lambda row: probe_words(row)[1],
            priority=4,
            width=16,
            json="",
        ),
    ]
)


def _answer(result: ProbeResult) -> str:
    if result.error is not None:
        return f"✗ {result.error}" + (f" → {result.remedy}" if result.remedy else "")
    if result.text:
        return f"✓ {result.text[:40]}"
    why = result.finish_reason or UNKNOWN
    return f"✓ only reasoning, {'cut off at the token limit' if why == 'length' else f'ended by {why}'}"


def _is_ok(result: ProbeResult) -> bool:
    return result.is_ok


PROBES: Table[ProbeResult] = Table(
    [
        Column("model", "model", kind="name"),
        data("provider", lambda result: result.route),
        Column("answer", "answer", text=_answer, width=0, json=""),
        Column("served_by", "served by", applies=_is_ok),
        Column("first_token_ms", "first", format=format_latency, applies=_is_ok, tone="time", align="right"),
        Column("total_ms", "total", format=format_latency, applies=_is_ok, tone="time", align="right"),
        *map(data, ("text", "finish_reason", "output_tokens", "status", "error", "remedy")),
    ]
)


def policy_meanings(entry: ModelEntry) -> Mapping[str, str | None]:
    """The provider that each policy resolves to, `None` where no listing gives the figure that decides."""
    fastest, cheapest = entry.resolve("fastest"), entry.resolve("cheapest")
    only = len(entry.live_offers) == 1
    return {
        "fastest": fastest.provider if fastest and (only or fastest.tokens_per_s is not None) else None,
        "cheapest": cheapest.provider if cheapest and (only or cheapest.price is not None) else None,
    }


def policies_line(entry: ModelEntry) -> str:
    """What the policies resolve to: `:fastest → cerebras   :cheapest → ?`."""
    if not entry.live_offers:
        return "no provider is live"
    return "   ".join(f":{policy} → {clean_line(name or UNKNOWN)}" for policy, name in policy_meanings(entry).items())


def model_record(item: FoundModel) -> dict[str, Any]:
    """A model with all its listings as plain data."""
    entry = item.entry
    offers = [LISTINGS.record(listed(listing)) for listing in entry.offers]
    return {**MODELS.record(item), **policy_meanings(entry), "offers": offers}
