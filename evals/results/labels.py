"""Short names for the rows of a scoreboard: what differs among them, and never two that look the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...profiles.policies import POLICIES
from ...profiles.schema import HF_PREFIX

DEFAULT_ROUTE = "default"  # what a bare model id is called among providers


def split_target(target: str) -> tuple[str, str | None]:
    """The model of a full Inspect model name, and the provider or policy that it is asked from, if it names one."""
    if not target.startswith(HF_PREFIX):
        return target, None
    model, _, route = target.removeprefix(HF_PREFIX).partition(":")
    return model, route or None


def model_of(target: str) -> str:
    """The model of a full Inspect model name, whoever serves it."""
    return split_target(target)[0]


def provider_of(target: str) -> str:
    """Who a target is asked from: a provider, a policy as `:fastest`, `default`; the API of any other target."""
    return _route(target) if target.startswith(HF_PREFIX) else target.partition("/")[0]


def task_title(task: str, args: Mapping[str, Any], variant: str) -> str:
    """The short name of a task, with its arguments and the variant of the generation settings."""
    short = task.rsplit("/", 1)[-1].rsplit("@", 1)[-1].removesuffix(".py")
    given = ", ".join(f"{name}={value}" for name, value in args.items())
    return " · ".join(filter(None, (short, given, variant)))


def short_labels(targets: Sequence[str]) -> list[str]:
    """A label for each target, in order.

    Providers where there is one model; models where there is one provider; both where both differ or there is only one
    row; with the organisation, and at last the whole name, where the shorter ones leave two alike. A target that is
    there several times is numbered.
    """
    distinct = list(dict.fromkeys(targets))
    models = {split_target(target)[0] for target in distinct}
    routes = {split_target(target)[1] for target in distinct}
    served = all(target.startswith(HF_PREFIX) for target in distinct)
    ways: list[Callable[[str], str]] = [_model_and_route, _id_and_route, str]
    if served and len(distinct) > 1:
        ways = ([_route] if len(models) == 1 else [_model, _id] if len(routes) == 1 else []) + ways
    names = next(found for way in ways if len(set(found := [way(target) for target in distinct])) == len(distinct))
    of = dict(zip(distinct, names, strict=True))
    total, seen = Counter(targets), Counter[str]()
    labels: list[str] = []
    for target in targets:
        seen[target] += 1
        labels.append(of[target] + (f" #{seen[target]}" if total[target] > 1 else ""))
    return labels


def shared_part(targets: Sequence[str]) -> str:
    """What `short_labels` leaves out because all targets share it: the model, the provider, or nothing."""
    split = {split_target(target) for target in targets}
    if len(split) < 2 or not all(target.startswith(HF_PREFIX) for target in targets):
        return ""
    if len({model for model, _ in split}) == 1:
        return _id(targets[0])
    if len({route for _, route in split}) == 1 and split_target(targets[0])[1]:
        return _route(targets[0])
    return ""


def _route(target: str) -> str:
    route = split_target(target)[1] or DEFAULT_ROUTE
    return f":{route}" if route in POLICIES else route


def _id(target: str) -> str:
    return split_target(target)[0]


def _model(target: str) -> str:
    return _id(target).rsplit("/", 1)[-1]


def _id_and_route(target: str) -> str:
    model, route = split_target(target)
    return f"{model}:{route}" if route else model


def _model_and_route(target: str) -> str:
    return _id_and_route(target).rsplit("/", 1)[-1]
