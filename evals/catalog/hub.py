"""What the Hub knows about the models that the router serves: size, likes, downloads, tags.

Asked through `HfApi`, which has no time limits of its own and sleeps between attempts; so it works in a thread that
is abandoned when the time is up, and what it had by then is used.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from ...profiles.base.background import in_background
from ...profiles.base.errors import CatalogError
from .endpoints import Endpoints
from .http import Peer, failure_words, get_json, hub_peer
from .listings import ModelEntry

if TYPE_CHECKING:
    from huggingface_hub import HfApi, ModelInfo

MAX_LISTED = 3000  # entries of the Hub's list that are looked through
MAX_LOOKED_UP = 40  # models asked for one by one when the list did not name them
PAGE_ENTRIES = 500
REACH_TIMEOUT_S = 5.0
_EXPAND = ("safetensors", "likes", "downloads", "trendingScore", "pipeline_tag", "tags", "gated")


@dataclass(frozen=True, slots=True)
class HubFacts:
    """The Hub's facts about one model. Unknown is `None`."""

    parameters: int | None = None
    likes: int | None = None
    downloads: int | None = None
    trending_score: float | None = None
    pipeline_tag: str | None = None
    tags: tuple[str, ...] = ()
    gated: bool | None = None

    def added_to(self, entry: ModelEntry) -> ModelEntry:
        """The entry with these facts."""
        return replace(
            entry,
            parameters=self.parameters,
            likes=self.likes,
            downloads=self.downloads,
            trending_score=self.trending_score,
            pipeline_tag=self.pipeline_tag,
            tags=self.tags,
            gated=self.gated,
        )


@dataclass(slots=True)
class HubReading:
    """A listing of the Hub under way: facts by model id, growing until it is done, fails or is abandoned."""

    peer: Peer
    facts: dict[str, HubFacts] = field(default_factory=dict[str, HubFacts])
    wanted: frozenset[str] | None = None  # None: not known yet
    wanted_is_known: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    work: Future[None] = field(default_factory=Future[None])

    def finish(self, wanted: Collection[str], timeout_s: float) -> tuple[Mapping[str, HubFacts], str | None]:
        """Wait for the facts of these models.

        Args:
            wanted: Ids; when all of them are known the reading ends early.
            timeout_s: The longest wait from now.

        Returns:
            What is known, and a note in plain words when it is not all that could be had.
        """
        self.wanted = frozenset(wanted)
        self.wanted_is_known.set()
        note: str | None = None
        try:
            self.work.result(timeout_s)
        except TimeoutError:
            note = f"{self.peer} did not finish within {timeout_s:.2g} s"
        except CatalogError as error:
            note = error.message
        except Exception as error:  # a third party's, of any kind: the router's list stands without the Hub
            note = f"{self.peer} failed: {failure_words(error)}"
        self.abandon()
        known = dict(self.facts)
        if note is None:
            return known, None
        missing = len(self.wanted - known.keys())
        return known, f"{note}; sizes, likes and downloads of {missing} models could not be had"

    def abandon(self) -> None:
        """Let the reading end by itself; its result is not wanted any more."""
        self.abandoned = True
        self.wanted_is_known.set()


def start_reading(endpoints: Endpoints) -> HubReading:
    """Start to read the Hub's facts in the background; `finish` the reading once the wanted ids are known."""
    reading = HubReading(hub_peer(endpoints))
    reading.work = in_background(lambda: _read(endpoints, reading), "hub-facts")
    return reading


def hub_api(endpoints: Endpoints) -> HfApi:
    """The Hub's client for these endpoints. It never falls back to a token that it finds by itself."""
    from huggingface_hub import HfApi, constants

    if endpoints.source == "practice":
        # The client's telemetry asks the public Hub first, wherever its requests go: practice stays on this machine.
        constants.HF_HUB_DISABLE_TELEMETRY = True
    return HfApi(endpoint=endpoints.hub_url, token=endpoints.token or False, library_name="proctor")


def check_hub(endpoints: Endpoints, *, timeout_s: float = REACH_TIMEOUT_S) -> float:
    """Ask the Hub for one model, in one attempt.

    Returns:
        How long it took, in seconds.

    Raises:
        CatalogError: For every failure.
    """
    return get_json(endpoints, hub_peer(endpoints), "/api/models?limit=1", timeout_s=timeout_s).elapsed_s


def _read(endpoints: Endpoints, reading: HubReading) -> None:
    # One plain request first: the client would try five times, with growing pauses, before it says what is wrong.
    check_hub(endpoints)
    api = hub_api(endpoints)
    listing = api.list_models(
        inference_provider="all",
        filter=["conversational"],
        sort="trending_score",
        limit=MAX_LISTED,
        expand=list(_EXPAND),
    )
    for info in listing:
        reading.facts[info.id] = facts_of(info)
        if reading.abandoned or _complete(reading):
            return
    _look_up_missing(api, reading)


def _look_up_missing(api: HfApi, reading: HubReading) -> None:
    """Ask one by one for what the list did not name: models without the tag, or beyond the list's bound."""
    from huggingface_hub.errors import HfHubHTTPError

    reading.wanted_is_known.wait()
    for model_id in sorted((reading.wanted or frozenset()) - reading.facts.keys())[:MAX_LOOKED_UP]:
        if reading.abandoned:
            return
        try:
            reading.facts[model_id] = facts_of(api.model_info(model_id, expand=list(_EXPAND), timeout=REACH_TIMEOUT_S))
        except HfHubHTTPError as error:
            if error.response.status_code not in {401, 403, 404}:  # those: the router serves what the Hub keeps private
                raise
        except ValueError:  # an id that the Hub's client does not allow: another router's own naming
            continue


def _complete(reading: HubReading) -> bool:
    return reading.wanted is not None and reading.wanted <= reading.facts.keys()


def facts_of(info: ModelInfo) -> HubFacts:
    """The facts of one answer of the Hub's client; whatever is missing or of another type is unknown."""
    safetensors = cast("object", info.safetensors)
    total = cast("dict[str, object]", safetensors).get("total") if isinstance(safetensors, dict) else None
    trending = cast("object", info.trending_score)
    tags = cast("object", info.tags)
    pipeline_tag = cast("object", info.pipeline_tag)
    gated = cast("object", info.gated)
    return HubFacts(
        parameters=_count(total, least=1),
        likes=_count(info.likes),
        downloads=_count(info.downloads),
        trending_score=float(trending) if isinstance(trending, int | float) else None,
        pipeline_tag=pipeline_tag if isinstance(pipeline_tag, str) else None,
        tags=tuple(tag for tag in cast("list[object]", tags) if isinstance(tag, str)) if isinstance(tags, list) else (),
        gated=None if gated is None else gated not in {False, "false"},
    )


def _count(value: object, least: int = 0) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= least else None
