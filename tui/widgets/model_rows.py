"""The rows of the models browser and of a model's providers, and the words around them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ...evals.catalog.offers import Catalog, ModelEntry, Offer
from ...evals.catalog.probe import ProbeResult
from ...evals.catalog.search import FoundModel, ModelFilter, ModelSearch, SortKey
from ...profiles.policies import POLICIES
from ..cli.models import policy_meanings
from ..figures import (
    UNKNOWN,
    format_ability,
    format_context,
    format_count,
    format_latency,
    format_size,
    format_speed,
    format_usd_per_mtok,
)
from ..picks import ALL, count_picked, is_picked
from .line_table import Cell, Column, Row

PICK = "pick"
PROBED = "probed"

# On a narrow screen likes go first, then what a first word takes, speed, context, size, providers and prices.
MODEL_COLUMNS: tuple[Column, ...] = (
    Column(PICK, "", 4),
    Column("name", "model", 0, least=32),
    Column("size", "size", 6, "right", drop=4),
    Column("context", "context", 7, "right", drop=5),
    Column("input", "in $/M", 7, "right", drop=2),
    Column("output", "out $/M", 7, "right", drop=1),
    Column("speed", "tok/s", 6, "right", drop=6),
    Column("latency", "first", 6, "right", drop=7),
    Column("providers", "providers", 9, "right", drop=3),
    Column("likes", "likes", 6, "right", drop=8),
)
# Of an offer json goes first, then tools, context, the first word, speed, status and prices.
OFFER_COLUMNS: tuple[Column, ...] = (
    Column(PICK, "", 3),
    Column("provider", "provider", 0),
    Column("status", "status", 9, drop=3),
    Column("input", "in $/M", 7, "right", drop=2),
    Column("output", "out $/M", 7, "right", drop=1),
    Column("speed", "tok/s", 6, "right", drop=5),
    Column("latency", "first", 6, "right", drop=6),
    Column("context", "context", 7, "right", drop=7),
    Column("tools", "tools", 5, "right", drop=8),
    Column("json", "json", 4, "right", drop=9),
    Column(PROBED, "probed", 16, drop=4),
)
SORTS: tuple[SortKey | None, ...] = (
    None, "name", "size", "context", "input", "output", "speed", "latency", "providers", "likes",
)  # fmt: skip
_UPWARDS: frozenset[SortKey] = frozenset({"name", "input", "output", "latency"})
_SORT_WORDS: Mapping[SortKey, str] = {
    "name": "name",
    "size": "size",
    "context": "context",
    "input": "input price",
    "output": "output price",
    "speed": "tok/s",
    "latency": "first token",
    "providers": "providers",
    "likes": "likes",
}
_NOT_PICKED = Cell("[ ]", "dim")


@dataclass(frozen=True, slots=True)
class View:
    """What of the catalog is looked at, and in which order. `None` is the closest match, then trending."""

    query: str = ""
    vision: bool = False
    sort: SortKey | None = None
    reverse: bool = False

    def with_sort(self, key: SortKey | None) -> View:
        """Sorted by a column; the other way round where it is sorted by that already."""
        return replace(self, sort=key, reverse=self.sort == key and key is not None and not self.reverse)

    def with_next_sort(self) -> View:
        """Sorted by the column after this one."""
        after = (SORTS.index(self.sort) + 1) % len(SORTS) if self.sort in SORTS else 0
        return replace(self, sort=SORTS[after], reverse=False)

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """The sorted column and whether it goes down, as a table marks it."""
        return None if self.sort is None else (self.sort, (self.sort in _UPWARDS) == self.reverse)


@dataclass(frozen=True, slots=True)
class Browsed:
    """A catalog made ready to be browsed: its search, and the row of every model, unpicked."""

    catalog: Catalog
    search: ModelSearch
    entries: Mapping[str, ModelEntry]
    rows: Mapping[str, Row]

    def find(self, view: View) -> list[FoundModel]:
        """The models that match, in order."""
        wanted = ModelFilter(query=view.query, vision=True if view.vision else None)
        return self.search.find(wanted, sort=view.sort, reverse=view.reverse)


def browse(catalog: Catalog) -> Browsed:
    """Make a catalog ready; some 0.2 s for 5 000 models, so this is for a thread."""
    search = ModelSearch(catalog.models)
    entries = {model.id: model for model in catalog.models}
    return Browsed(catalog, search, entries, {item.entry.id: _model_row(item) for item in search.find(ModelFilter())})


def model_rows(browsed: Browsed, found: Sequence[FoundModel], picks: Mapping[str, tuple[str, ...]]) -> list[Row]:
    """The rows of the models found, those picked marked."""
    rows: list[Row] = []
    for item in found:
        row = browsed.rows[item.entry.id]
        routes = picks.get(item.entry.id)
        rows.append(replace(row, cells=(pick_cell(item.entry, routes), *row.cells[1:])) if routes else row)
    return rows


def pick_cell(entry: ModelEntry, routes: Sequence[str]) -> Cell:
    """`[x]` for a model with one target, `[3]` with three."""
    count = count_picked(routes, live_providers(entry))
    if not routes:
        return _NOT_PICKED
    return Cell("[x]" if count == 1 else f"[{count}]", "good")


def live_providers(entry: ModelEntry) -> tuple[str, ...]:
    """The providers that a model can be asked from now."""
    return tuple(offer.provider for offer in entry.live_offers)


def offer_rows(entry: ModelEntry, routes: Sequence[str], probes: Mapping[str, ProbeResult | None]) -> list[Row]:
    """What can be picked of a model: the policies, then every offer, then what is picked but not offered.

    Args:
        entry: The model.
        routes: What is picked of it.
        probes: By `model:route`: how it answered, `None` while it is being asked.
    """
    live = live_providers(entry)
    rows: list[Row] = []

    def add(route: str, label: str, cells: Sequence[Cell]) -> None:
        mark = Cell("[x]", "good") if is_picked(routes, route, live) else _NOT_PICKED
        rows.append(Row(route, (mark, Cell(label), *cells, probe_cell(entry.id, route, probes))))

    for policy, provider in {**policy_meanings(entry), "preferred": None}.items():
        meant = entry.offer(provider) if provider is not None else None
        tone = "" if policy in routes else "dim"
        add(policy, _policy_words(policy, provider), [Cell(""), *_figures(meant, tone)])
    for offer in entry.offers:
        add(offer.provider, offer.provider, [status_cell(offer), *_figures(offer if offer.is_live else None, "")])
    offered = {ALL, *POLICIES, *(offer.provider for offer in entry.offers)}
    for route in routes:
        if route not in offered:
            label, words = (route, "? gone") if route else ("without a provider", "")
            add(route, label, [Cell(words, "warn"), *_figures(None, "")])
    return rows


def status_cell(offer: Offer) -> Cell:
    """Whether requests can be sent to it, as glyph and colour."""
    return Cell(f"● {offer.status}", "good") if offer.is_live else Cell(f"✗ {offer.status}", "bad")


def probe_cell(model: str, route: str, probes: Mapping[str, ProbeResult | None]) -> Cell:
    """`0.24s ok`, who answered where a policy was asked, or the error's words."""
    key = f"{model}:{route}" if route else model
    if key not in probes:
        return Cell("")
    result = probes[key]
    if result is None:
        return Cell("asking …", "dim")
    if result.error is not None:
        return Cell(f"✗ {result.error}", "bad")
    took = format_latency(result.total_ms if result.first_token_ms is None else result.first_token_ms)
    if result.served_by is not None and result.served_by != route:
        return Cell(f"{took} {result.served_by}", "good" if route in POLICIES or not route else "warn")
    return Cell(f"{took} ok", "good")


def probe_words(result: ProbeResult | None) -> str:
    """What there is to say about a probe beyond its cell: why it failed, or that another provider answered."""
    if result is None:
        return ""
    if result.error is not None:
        return f"✗ {result.target}: {result.error}" + (f" → {result.remedy}" if result.remedy else "")
    if result.route and result.route not in POLICIES and result.served_by not in (None, result.route):
        return f"⚠ {result.target}: it was {result.served_by} that answered"
    return ""


def model_words(entry: ModelEntry, routes: Sequence[str]) -> str:
    """The line above a model's providers."""
    live = len(entry.live_offers)
    serving = f"{live} live" + (f" of {len(entry.offers)}" if live < len(entry.offers) else "")
    parts = [entry.id, serving if entry.offers else "no provider"]
    if entry.takes_images:
        parts.append("takes images")
    if ALL in routes:
        parts.append("all that are live when planned")
    elif routes:
        parts.append(f"{len(routes)} picked")
    return " · ".join(parts)


def title_words(browsed: Browsed, shown: int, view: View, picked: int, *, practice: bool, now_s: float) -> str:
    """The line above the models: how many, which, in what order, picked, as of when, from where."""
    catalog = browsed.catalog
    total = len(catalog.models)
    count = f"{shown:,} of {total:,} models" if shown < total else f"{total:,} model" + ("" if total == 1 else "s")
    parts = [count]
    if view.query:
        parts.append(f"/{view.query}")
    if view.vision:
        parts.append("takes images")
    if view.sort is None:
        parts.append("by closeness" if view.query.strip() else "by trending")
    else:
        parts.append(f"by {_SORT_WORDS[view.sort]}" + (" reversed" if view.reverse else ""))
    if picked:
        parts.append(f"{picked} picked")
    host = urlsplit(catalog.router_url).netloc
    return " · ".join([*parts, f"as of {_clock(catalog.fetched_at_s, now_s)}", "practice" if practice else host])


def _clock(at_s: float, now_s: float) -> str:
    """A moment, which stays true while the screen stands still; an age would not."""
    return time.strftime("%H:%M" if now_s - at_s < 12 * 3600 else "%Y-%m-%d %H:%M", time.localtime(at_s))


def _model_row(item: FoundModel) -> Row:
    """The figures of a model without live offers are absent, not unknown."""
    entry, served = item.entry, bool(item.offers)

    def figure(text: str) -> Cell:
        return Cell(text if served else "")

    cells = (
        _NOT_PICKED,
        Cell(entry.id),
        Cell(format_size(entry.parameters)),
        figure(format_context(item.context_tokens)),
        figure(format_usd_per_mtok(item.input_usd_per_mtok)),
        figure(format_usd_per_mtok(item.output_usd_per_mtok)),
        figure(format_speed(item.tokens_per_s)),
        figure(format_latency(item.first_token_ms)),
        figure(str(len(item.offers))) if served else Cell("✗ none", "bad"),
        Cell(format_count(entry.likes)),
    )
    return Row(entry.id, cells)


def _policy_words(policy: str, provider: str | None) -> str:
    if policy == "preferred":
        return ":preferred · your order"
    return f":{policy} → {provider or UNKNOWN}"


def _figures(offer: Offer | None, tone: str) -> list[Cell]:
    """An offer's terms; none where there is no live one."""
    if offer is None:
        return [Cell("")] * 7
    texts = (
        format_usd_per_mtok(offer.price.input_usd_per_mtok if offer.price else None),
        format_usd_per_mtok(offer.price.output_usd_per_mtok if offer.price else None),
        format_speed(offer.tokens_per_s),
        format_latency(offer.first_token_ms),
        format_context(offer.context_tokens),
        format_ability(offer.supports_tools),
        format_ability(offer.supports_json),
    )
    return [Cell(text, tone) for text in texts]
