"""Reading a sample that Inspect's models refuse because of events that this version does not know."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from inspect_ai.log import EvalSample, resolve_sample_events_data

from ....profiles.base.errors import LogError
from ..events.lanes import event_classes
from ..events.registry import UNKNOWN_EVENT


def read_unknown_events(location: str, sample_id: str | int, epoch: int) -> EvalSample:
    """Read a sample of a local log, with each event that no class takes as the JSON it is.

    Raises:
        LogError: The log is elsewhere, has no such sample, or is refused for something else.
    """
    raw = _raw_sample(location, sample_id, epoch)
    known = event_classes()
    told = raw.get("events")
    raw["events"] = [_kept(one, known) for one in cast("list[Any]", told)] if isinstance(told, list) else []
    for attempt in raw.get("error_retries") or ():
        if isinstance(attempt, dict) and isinstance(events := cast("dict[str, Any]", attempt).get("events"), list):
            attempt["events"] = [_kept(one, known) for one in cast("list[Any]", events)]
    raw.pop("timelines", None)
    return resolve_sample_events_data(EvalSample.model_validate(raw, context={"deserializing": True}))


def _kept(event: Any, known: Mapping[str, Any]) -> Any:
    """The event where a class takes it, else a note that holds it."""
    if isinstance(event, Mapping):
        values = cast("Mapping[str, Any]", event)
        kind = known.get(str(values.get("event")))
        if kind is not None:
            try:
                kind.model_validate(dict(values))
                return dict(values)
            except ValueError:
                pass
        shared = ("uuid", "span_id", "timestamp", "working_start")
        kept = {name: values[name] for name in shared if isinstance(values.get(name), (str, float, int))}
        return {**kept, "event": "info", "source": UNKNOWN_EVENT, "data": dict(values)}
    return {"event": "info", "source": UNKNOWN_EVENT, "data": event}


def _raw_sample(location: str, sample_id: str | int, epoch: int) -> dict[str, Any]:
    if "://" in location:
        raise LogError("it has events that this version of inspect-ai does not know", "update inspect-ai")
    if location.endswith(".json"):
        samples: list[dict[str, Any]] = json.loads(Path(location).read_text(encoding="utf-8")).get("samples") or []
        found = next((one for one in samples if one.get("id") == sample_id and one.get("epoch") == epoch), None)
        if found is None:
            raise IndexError(sample_id)
        return found
    with zipfile.ZipFile(location) as archive:
        try:
            return json.loads(archive.read(f"samples/{sample_id}_epoch_{epoch}.json"))
        except KeyError:
            raise IndexError(sample_id) from None
