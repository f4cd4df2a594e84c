"""The rows of the models browser and of a model's providers, and the words around them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ....evals.catalog.listings import Catalog, Listing, ModelEntry
from ....evals.catalog.probe import ProbeResult
from ....evals.catalog.query import EXAMPLES, Choices, Query, completions, meaning, read_query
from ....evals.catalog.search import FoundModel, ModelFilter, ModelSearch, SortKey
from ....evals.planning.edit_models import ALL, count_picked, is_picked
from ....profiles.base.format import (
    UNKNOWN,
    format_ability,
    format_context,
    format_count,
    format_latency,
    format_size,
    format_speed,
    format_usd_per_mtok,
)
from ....profiles.policies import POLICIES
from ...cli.models import policy_meanings
from ...widgets.filter_input import Hint
from ...widgets.table.pick import NOT_PICKED, PICK, PICKED
from ...widgets.table.table import Column, Row, TableCell

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
Order: TypeAlias = Literal["picked"] | SortKey  # picked ones first; the rest as a search sorts
ORDERS: tuple[Order, ...] = (
    "trending", "picked", "name", "size", "context", "input", "output", "speed", "latency", "providers", "likes",
    "downloads",
)  # fmt: skip
_UPWARDS: frozenset[Order] = frozenset({"name", "input", "output", "latency"})
ORDER_WORDS: Mapping[Order, str] = {
    "trending": "trending",
    "picked": "picks",
    "name": "name",
    "size": "size",
    "context": "context",
    "input": "input price",
    "output": "output price",
    "speed": "tok/s",
    "latency": "first token",
    "providers": "providers",
    "likes": "likes",
    "downloads": "downloads",
}
ORDER_COLUMNS = (Column("order", "order", 0), Column("way", "", 16))
_ORDERS_BY_NAME: Mapping[object, Order] = {order: order for order in ORDERS}


@dataclass(frozen=True, slots=True)
class View:
    """What of the catalog is looked at, and in which order. By trending the closest matches of words come first."""

    query: str = ""  # as it is typed
    order: Order = "trending"
    reverse: bool = False

    def with_order(self, order: Order) -> View:
        """In an order; the other way round where it is that already."""
        return replace(self, order=order, reverse=self.order == order and not self.reverse)

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """The sorted column and whether it goes down, as a table marks it."""
        column = PICK if self.order == "picked" else self.order
        return (column, (self.order not in _UPWARDS) != self.reverse)

    def remembered(self) -> Mapping[str, str | bool]:
        """The view as a memory keeps it."""
        return {"query": self.query, "order": self.order, "reverse": self.reverse}

    @classmethod
    def recalled(cls, kept: Mapping[str, object]) -> View:
        """What a memory kept; the usual view where that is none."""
        query, reverse = kept.get("query"), kept.get("reverse")
        order = find_order(str(kept.get("order"))) or "trending"
        return cls(query if isinstance(query, str) else "", order, reverse is True)


def find_order(name: str | None) -> Order | None:
    """The order of a name."""
    return _ORDERS_BY_NAME.get(name)


def order_rows(view: View) -> list[Row]:
    """All orders, each with the way it would go if it were chosen now."""
    rows: list[Row] = []
    for order in ORDERS:
        if order == "picked":
            way = ""
        else:
            down = (order not in _UPWARDS) != view.with_order(order).reverse
            way = ("Z to A" if down else "A to Z") if order == "name" else "highest first" if down else "lowest first"
        rows.append(Row(order, (TableCell(ORDER_WORDS[order]), TableCell(way))))
    return rows


@dataclass(frozen=True, slots=True)
class Browsed:
    """A catalog made ready to be browsed: its search, and the row of every model, unpicked."""

    catalog: Catalog
    search: ModelSearch
    entries: Mapping[str, ModelEntry]
    rows: Mapping[str, Row]
    choices: Choices

    def read(self, view: View) -> Query:
        """What the search of a view means."""
        return read_query(view.query, self.choices)

    def find(self, view: View, picked: Collection[str] = ()) -> list[FoundModel]:
        """The models that match, in order.

        Args:
            view: What is looked for.
            picked: The ids of models that are picked.
        """
        wanted = self.read(view).wanted
        if view.order == "picked":
            found = self.search.find(wanted)
            return sorted(found, key=lambda item: (item.entry.id in picked) == view.reverse)
        sort = None if view.order == "trending" else view.order
        return self.search.find(wanted, sort=sort, reverse=view.reverse)


def browse(catalog: Catalog) -> Browsed:
    """Make a catalog ready; some 0.2 s for 5 000 models, so this is for a thread."""
    search = ModelSearch(catalog.models)
    entries = {model.id: model for model in catalog.models}
    rows = {item.entry.id: _model_row(item) for item in search.find(ModelFilter())}
    return Browsed(catalog, search, entries, rows, _choices(catalog))


def _choices(catalog: Catalog) -> Choices:
    """The providers and task types of a catalog, those of most models first."""
    providers = Counter(offer.provider for model in catalog.models for offer in model.live_offers)
    tasks = Counter(model.pipeline_tag for model in catalog.models if model.pipeline_tag)
    return Choices(*(tuple(name for name, _ in found.most_common()) for found in (providers, tasks)))


def query_hint(text: str, choices: Choices) -> Hint:
    """What to say of a search that is being typed: how a word may go on, what is wrong, what can be typed."""
    word = text.rsplit(" ", 1)[-1]
    if found := completions(word, choices):
        others = (one.rpartition(":")[2] or one for one in found[1:])
        return Hint("  ".join((f"tab: {found[0]}", *others)), completions=found)
    if words := meaning(word):
        return Hint(words)
    if wrong := read_query(text, choices).wrong:
        return Hint(wrong, is_wrong=True)
    return Hint("  ".join(EXAMPLES))


def limit_words(wanted: ModelFilter) -> list[str]:
    """The limits of a search, in words."""
    told = (
        (wanted.task, wanted.task),
        (wanted.provider, f"on {wanted.provider}"),
        (wanted.min_parameters, f"size ≥ {format_size(wanted.min_parameters)}"),
        (wanted.max_parameters, f"size ≤ {format_size(wanted.max_parameters)}"),
        (wanted.min_context_tokens, f"context ≥ {format_context(wanted.min_context_tokens)}"),
        (wanted.max_input_usd_per_mtok, f"in ≤ ${format_usd_per_mtok(wanted.max_input_usd_per_mtok)}"),
        (wanted.max_output_usd_per_mtok, f"out ≤ ${format_usd_per_mtok(wanted.max_output_usd_per_mtok)}"),
        (wanted.vision, "takes images" if wanted.vision else "takes no images"),
        (wanted.tools, "tools" if wanted.tools else "no tools"),
        (wanted.json, "json" if wanted.json else "no json"),
    )
    return [words or "" for limit, words in told if limit is not None]


def model_rows(browsed: Browsed, found: Sequence[FoundModel], picks: Mapping[str, tuple[str, ...]]) -> list[Row]:
    """The rows of the models found, those picked marked."""
    rows: list[Row] = []
    for item in found:
        row = browsed.rows[item.entry.id]
        routes = picks.get(item.entry.id)
        rows.append(replace(row, cells=(pick_cell(item.entry, routes), *row.cells[1:])) if routes else row)
    return rows


def pick_cell(entry: ModelEntry, routes: Sequence[str]) -> TableCell:
    """`[x]` for a model with one model, `[3]` with three."""
    count = count_picked(routes, live_providers(entry))
    if not routes:
        return NOT_PICKED
    return PICKED if count == 1 else TableCell(f"[{count}]", "good")


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

    def add(route: str, label: str, cells: Sequence[TableCell]) -> None:
        mark = PICKED if is_picked(routes, route, live) else NOT_PICKED
        rows.append(Row(route, (mark, TableCell(label), *cells, probe_cell(entry.id, route, probes))))

    for policy, provider in {**policy_meanings(entry), "preferred": None}.items():
        meant = entry.offer(provider) if provider is not None else None
        tone = "" if policy in routes else "dim"
        add(policy, _policy_words(policy, provider), [TableCell(""), *_figures(meant, tone)])
    for offer in entry.offers:
        add(offer.provider, offer.provider, [status_cell(offer), *_figures(offer if offer.is_live else None, "")])
    offered = {ALL, *POLICIES, *(offer.provider for offer in entry.offers)}
    for route in routes:
        if route not in offered:
            label, words = (route, "? gone") if route else ("without a provider", "")
            add(route, label, [TableCell(words, "warn"), *_figures(None, "")])
    return rows


def status_cell(offer: Listing) -> TableCell:
    """Whether requests can be sent to it, as glyph and colour."""
    return TableCell(f"● {offer.status}", "good") if offer.is_live else TableCell(f"✗ {offer.status}", "bad")


def probe_cell(model: str, route: str, probes: Mapping[str, ProbeResult | None]) -> TableCell:
    """`0.24s ok`, who answered where a policy was asked, or the error's words."""
    key = f"{model}:{route}" if route else model
    if key not in probes:
        return TableCell("")
    result = probes[key]
    if result is None:
        return TableCell("asking …", "dim")
    if result.error is not None:
        return TableCell(f"✗ {result.error}", "bad")
    took = format_latency(result.total_ms if result.first_token_ms is None else result.first_token_ms)
    if result.served_by is not None and result.served_by != route:
        return TableCell(f"{took} {result.served_by}", "good" if route in POLICIES or not route else "warn")
    return TableCell(f"{took} ok", "good")


def probe_words(result: ProbeResult | None) -> str:
    """What there is to say about a probe beyond its cell: why it failed, or that another provider answered."""
    if result is None:
        return ""
    if result.error is not None:
        return f"✗ {result.model}: {result.error}" + (f" → {result.remedy}" if result.remedy else "")
    if result.route and result.route not in POLICIES and result.served_by not in (None, result.route):
        return f"⚠ {result.model}: it was {result.served_by} that answered"
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


def title_words(browsed: Browsed, shown: int, view: View, picked: int) -> str:
    """The line above the models: how many, which, in what order, how many picked."""
    total = len(browsed.catalog.models)
    count = f"{shown:,} of {total:,} models" if shown < total else f"{total:,} model" + ("" if total == 1 else "s")
    wanted = browsed.read(view).wanted
    parts = [count, *([f"/{wanted.query}"] if wanted.query else []), *limit_words(wanted)]
    by_closeness = view.order == "trending" and any(not word.startswith("!") for word in wanted.query.split())
    parts.append("by closeness" if by_closeness else f"by {ORDER_WORDS[view.order]}")
    if view.reverse:
        parts[-1] += " reversed"
    return " · ".join([*parts, *([f"{picked} picked"] if picked else [])])


def age_words(catalog: Catalog, now_s: float, *, is_short: bool) -> str:
    """As of when the catalog is: a moment, which stays true while the screen stands still; an age would not."""
    form = "%H:%M" if now_s - catalog.fetched_at_s < 12 * 3600 else "%Y-%m-%d %H:%M"
    moment = time.strftime(form, time.localtime(catalog.fetched_at_s))
    return f"{moment} R" if is_short else f"as of {moment} · R again"


def _model_row(item: FoundModel) -> Row:
    """The figures of a model without live offers are absent, not unknown."""
    entry, served = item.entry, bool(item.offers)

    def figure(text: str) -> TableCell:
        return TableCell(text if served else "")

    cells = (
        NOT_PICKED,
        TableCell(entry.id),
        TableCell(format_size(entry.parameters)),
        figure(format_context(item.context_tokens)),
        figure(format_usd_per_mtok(item.input_usd_per_mtok)),
        figure(format_usd_per_mtok(item.output_usd_per_mtok)),
        figure(format_speed(item.tokens_per_s)),
        figure(format_latency(item.first_token_ms)),
        figure(str(len(item.offers))) if served else TableCell("✗ none", "bad"),
        TableCell(format_count(entry.likes)),
    )
    return Row(entry.id, cells)


def _policy_words(policy: str, provider: str | None) -> str:
    if policy == "preferred":
        return ":preferred · your order"
    return f":{policy} → {provider or UNKNOWN}"


def _figures(offer: Listing | None, tone: str) -> list[TableCell]:
    """An offer's terms; none where there is no live one."""
    if offer is None:
        return [TableCell("")] * 7
    texts = (
        format_usd_per_mtok(offer.price.input_usd_per_mtok if offer.price else None),
        format_usd_per_mtok(offer.price.output_usd_per_mtok if offer.price else None),
        format_speed(offer.tokens_per_s),
        format_latency(offer.first_token_ms),
        format_context(offer.context_tokens),
        format_ability(offer.supports_tools),
        format_ability(offer.supports_json),
    )
    return [TableCell(text, tone) for text in texts]
