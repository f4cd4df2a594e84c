"""`proctor models`: find models, and what each provider asks for them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ...evals.catalog.cache import format_age, load_catalog
from ...evals.catalog.endpoints import Endpoints, resolve_endpoints
from ...evals.catalog.listings import Catalog, Listing, ModelEntry
from ...evals.catalog.search import SORT_KEYS, FoundModel, ModelFilter, ModelSearch, SortKey
from ...profiles.base.errors import UsageError
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

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHOWN_MODELS = 50
MIN_MODEL_WIDTH = 28
# Of a table that is too wide these columns go, in this order.
DROPPED = ("likes", "first", "tok/s", "context", "size")


@click.command(short_help="Find models, and what each provider asks for them.")
@click.argument("query", nargs=-1)
@click.option("--provider", metavar="P", help="Only offers of this provider.")
@click.option("--vision", is_flag=True, help="Only models that take images.")
@click.option("--tools", is_flag=True, help="Only offers with tool calls.")
@click.option("--structured", is_flag=True, help="Only offers with structured output.")
@click.option("--min-context", metavar="TOKENS", type=click.IntRange(min=1), help="Only offers with this much context.")
@click.option(
    "--max-input", metavar="USD", type=click.FloatRange(min=0), help="Highest price per million input tokens."
)
@click.option(
    "--max-output", metavar="USD", type=click.FloatRange(min=0), help="Highest price per million output tokens."
)
@click.option("--min-size", metavar="B", type=click.FloatRange(min=0), help="Smallest size in billions of parameters.")
@click.option("--max-size", metavar="B", type=click.FloatRange(min=0), help="Largest size in billions of parameters.")
@click.option("--sort", type=click.Choice(SORT_KEYS), help="The order; the closest match, then trending, if not given.")
@click.option("--reverse", is_flag=True, help="The other way round; unknown figures stay last.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), help=f"Most models shown ({SHOWN_MODELS}; --json: all)."
)
@click.option("--offers", is_flag=True, help="Every provider's terms, for each model shown.")
@click.option("--refresh", is_flag=True, help="Ask the router and the Hub now, even if the list is fresh.")
@click.option("--practice", is_flag=True, help="The practice router's models.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    query: tuple[str, ...],
    provider: str | None,
    vision: bool,
    tools: bool,
    structured: bool,
    min_context: int | None,
    max_input: float | None,
    max_output: float | None,
    min_size: float | None,
    max_size: float | None,
    sort: SortKey | None,
    reverse: bool,
    limit: int | None,
    offers: bool,
    refresh: bool,
    practice: bool,
    as_json: bool,
) -> None:
    """Find models, and what each provider asks for them.

    The words of QUERY must all match the model's id; !word must not. Prices are USD per million tokens, the best
    over the live offers that match. `?` is unknown. One model alone, or --offers, shows each provider's terms and
    what :fastest and :cheapest mean now.

    \b
    --json prints {router_url, source, fetched_at_s, age_s, from_cache, notes, total, models: [{id, owned_by,
    created_at_s, input_modalities, output_modalities, parameters, likes, downloads, trending_score,
    pipeline_tag, tags, gated, fastest, cheapest, offers: [{provider, status, input_usd_per_mtok,
    output_usd_per_mtok, context_tokens, tokens_per_s, first_token_ms, supports_tools, supports_json,
    is_free, is_model_author}]}]}; null is unknown.
    """  # noqa: D301
    endpoints = command_endpoints(practice)
    now_s = time.time()
    catalog = load_catalog(endpoints, now_s=now_s, refresh=refresh)
    _require_known_provider(catalog, provider)
    words = " ".join(query)
    wanted = ModelFilter(
        query=words,
        provider=provider,
        vision=True if vision else None,
        tools=True if tools else None,
        json=True if structured else None,
        min_context_tokens=min_context,
        max_input_usd_per_mtok=max_input,
        max_output_usd_per_mtok=max_output,
        min_parameters=None if min_size is None else round(min_size * 1e9),
        max_parameters=None if max_size is None else round(max_size * 1e9),
    )
    found = ModelSearch(catalog.models).find(wanted, sort=sort, reverse=reverse)
    named = [item for item in found if item.entry.id.lower() == words.strip().lower()]
    found = named or found
    shown = found[: limit or (len(found) if as_json else SHOWN_MODELS)]
    if as_json:
        click.echo(json.dumps(_as_json(catalog, endpoints, shown, total=len(found), now_s=now_s), indent=2))
        return
    _show(shown, with_offers=offers or len(found) == 1)
    _tell(catalog, endpoints, found, shown, words, now_s)


def command_endpoints(practice: bool) -> Endpoints:
    """Where a command's requests go; for practice a server is started if none runs.

    Raises:
        UsageError: An address in the environment is none.
    """
    if not practice:
        return resolve_endpoints("hub")
    from ...evals.simulator.launch import ensure_practice

    server = ensure_practice()
    return resolve_endpoints("practice", practice_url=(server.url, server.hub_url))


def plain_table() -> Table:
    """A table without lines, whose columns stand two spaces apart."""
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")


def stdout_console() -> Console:
    """A console for tables: as wide as the terminal, or as wide as needed where there is none."""
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=10_000)


def _require_known_provider(catalog: Catalog, provider: str | None) -> None:
    if provider is None:
        return
    known = sorted({offer.provider for model in catalog.models for offer in model.offers})
    if provider.lower() not in {name.lower() for name in known}:
        raise UsageError(f"no provider is called {provider!r}", f"the router lists {', '.join(known) or 'none'}")


def _show(shown: Sequence[FoundModel], *, with_offers: bool) -> None:
    console = stdout_console()
    if not with_offers:
        if shown:
            console.print(_models_table(shown, console.width))
        return
    for position, item in enumerate(shown):
        if position:
            console.print()
        console.print(_models_table([item], console.width))
        console.print()
        console.print(_offers_table(item.entry))
        console.print(_policies_line(item.entry), markup=False)


def _models_table(shown: Sequence[FoundModel], width: int) -> Table:
    from rich.cells import cell_len
    from rich.text import Text

    rows = [_model_row(item) for item in shown]
    columns = list(rows[0])
    needed = {name: max(cell_len(name), *(cell_len(row[name]) for row in rows)) for name in columns}
    for name in DROPPED:
        others = sum(needed[column] + 2 for column in columns if column != "model")
        if others + min(needed["model"], MIN_MODEL_WIDTH) <= width:
            break
        columns.remove(name)
    table = plain_table()
    for name in columns:
        table.add_column(
            name, justify="left" if name == "model" else "right", no_wrap=True, overflow="ellipsis",
            min_width=None if name == "model" else needed[name],
        )  # fmt: skip
    for row in rows:
        table.add_row(*(Text(row[name]) for name in columns))
    return table


def _model_row(item: FoundModel) -> dict[str, str]:
    """The cells of a model, by column. The figures of a model without live offers are absent, not unknown."""
    entry = item.entry
    served = bool(item.offers)
    return {
        "model": clean_line(entry.id),
        "size": format_size(entry.parameters),
        "context": format_context(item.context_tokens) if served else "",
        "in $/M": format_usd_per_mtok(item.input_usd_per_mtok) if served else "",
        "out $/M": format_usd_per_mtok(item.output_usd_per_mtok) if served else "",
        "tok/s": format_speed(item.tokens_per_s) if served else "",
        "first": format_latency(item.first_token_ms) if served else "",
        "providers": str(len(item.offers)) if served else "",
        "likes": format_count(entry.likes),
    }


def _offers_table(entry: ModelEntry) -> Table:
    from rich.text import Text

    table = plain_table()
    table.add_column("provider", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name in ("in $/M", "out $/M", "tok/s", "first", "context", "tools", "json"):
        table.add_column(name, justify="right", no_wrap=True)
    for offer in entry.offers:
        status = clean_line(offer.status, 16)
        cells = [clean_line(offer.provider), f"● {status}" if offer.is_live else f"✗ {status}"]
        if offer.is_live:
            cells += [
                format_usd_per_mtok(offer.price.input_usd_per_mtok if offer.price else None),
                format_usd_per_mtok(offer.price.output_usd_per_mtok if offer.price else None),
                format_speed(offer.tokens_per_s),
                format_latency(offer.first_token_ms),
                format_context(offer.context_tokens),
                format_ability(offer.supports_tools),
                format_ability(offer.supports_json),
            ]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _policies_line(entry: ModelEntry) -> str:
    """What the policies mean now; a policy whose figure no offer gives is not decided by it."""
    if not entry.live_offers:
        return "no provider is live"
    meanings = policy_meanings(entry)
    return "   ".join(f":{policy} → {clean_line(name or UNKNOWN)}" for policy, name in meanings.items())


def policy_meanings(entry: ModelEntry) -> Mapping[str, str | None]:
    """The provider that each policy means now, `None` where no offer gives the figure that decides."""
    fastest = entry.resolve("fastest")
    cheapest = entry.resolve("cheapest")
    only = len(entry.live_offers) == 1
    return {
        "fastest": fastest.provider if fastest and (only or fastest.tokens_per_s is not None) else None,
        "cheapest": cheapest.provider if cheapest and (only or cheapest.price is not None) else None,
    }


def _tell(
    catalog: Catalog,
    endpoints: Endpoints,
    found: Sequence[FoundModel],
    shown: Sequence[FoundModel],
    words: str,
    now_s: float,
) -> None:
    """Beneath the table, on stderr: how much of what this is, how old, and what could not be had."""
    if not found:
        click.echo(
            f"no model matches {clean_line(words)!r} with these limits" if words else "no model matches", err=True
        )
    age = format_age(now_s - catalog.fetched_at_s) + " old" if catalog.from_cache else "just fetched"
    count = f"{len(shown)} of {len(found)}" if len(shown) < len(found) else f"{len(found)}"
    more = " · --limit N shows more" if len(shown) < len(found) else ""
    source = "practice · " if endpoints.source == "practice" else ""
    where = f"{source}{clean_line(catalog.router_url)}"
    click.echo(f"{count} of {len(catalog.models)} models · {where} · {age}{more}", err=True)
    for note in catalog.notes:
        click.echo(f"! {clean_line(note)}", err=True)


def _as_json(
    catalog: Catalog, endpoints: Endpoints, shown: Sequence[FoundModel], *, total: int, now_s: float
) -> dict[str, Any]:
    return {
        "router_url": catalog.router_url,
        "source": endpoints.source,
        "fetched_at_s": catalog.fetched_at_s,
        "age_s": max(now_s - catalog.fetched_at_s, 0.0),
        "from_cache": catalog.from_cache,
        "notes": list(catalog.notes),
        "total": total,
        "models": [_model_json(item.entry) for item in shown],
    }


def _model_json(entry: ModelEntry) -> dict[str, Any]:
    fields = asdict(entry)
    del fields["offers"]
    return {**fields, **policy_meanings(entry), "offers": [_offer_json(offer) for offer in entry.offers]}


def _offer_json(offer: Listing) -> dict[str, Any]:
    fields = asdict(offer)
    del fields["price"]
    return {
        **fields,
        "input_usd_per_mtok": offer.price.input_usd_per_mtok if offer.price else None,
        "output_usd_per_mtok": offer.price.output_usd_per_mtok if offer.price else None,
    }
