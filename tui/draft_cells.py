"""Thinning the matrix of a draft: what taking out a cell or a target leaves of its models and tasks. Pure.

A profile says a matrix by models, each with providers and, where it is not for all, the tasks that it is for. To take
something out, models are split into single targets, and put together again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..evals.catalog.offers import Catalog
    from ..evals.engine.plan import Cell, Plan
    from ..profiles.schema import ModelItem, Profile

ALL = "all"
Tasks = tuple[str, ...] | None  # names; None: all of them
_Key = tuple[str | None, str | None, str | None, tuple[str, ...], bool]


@dataclass(frozen=True, slots=True)
class _One:
    """One target of a draft, and the tasks that it is for."""

    item: ModelItem
    provider: str | None
    tasks: Tasks

    @property
    def name(self) -> str:
        """The full Inspect model name."""
        from ..profiles.schema import HF_PREFIX

        if self.item.target is not None:
            return self.item.target
        return f"{HF_PREFIX}{self.item.model}" + (f":{self.provider}" if self.provider else "")


def with_models_of(draft: Profile, change: Callable[[Tasks], Tasks]) -> Profile:
    """The draft with other tasks for its targets; a target that is left with none is left out."""
    return _with(draft, [replace(one, tasks=change(one.tasks)) for one in _split(draft, {})])


def entries_of(draft: Profile, path: Path, cell: Cell) -> tuple[int, ...]:
    """The entries of the draft's tasks that a cell can come from: several where a task is there twice.

    Args:
        draft: What the plan was made of.
        path: The file that paths of tasks are relative to.
        cell: One of the plan's.
    """
    from ..profiles.references import task_reference

    return tuple(i for i, entry in enumerate(draft.tasks) if task_reference(entry, path) == cell.task)


def companions(plan: Plan, cell: Cell) -> tuple[Cell, ...]:
    """The cells that go when a cell goes, itself included: the same task and target with other variants or arguments.

    A profile cannot leave out one of them.
    """
    return tuple(other for other in plan.cells if other.task == cell.task and other.target == cell.target)


def without_cell(draft: Profile, catalog: Catalog | None, path: Path, cell: Cell) -> Profile:
    """The draft without a cell and its `companions`; a task or a model that has nothing left goes with it.

    Args:
        draft: What the plan was made of.
        catalog: What tells which providers `all` stands for.
        path: The file that paths of tasks are relative to.
        cell: One of the plan's.
    """
    names = {draft.tasks[index].task for index in entries_of(draft, path, cell)}
    every = _task_names(draft)

    def change(tasks: Tasks) -> Tasks:
        return tuple(task for task in (every if tasks is None else tasks) if task not in names)

    return _changed(draft, catalog, cell, change)


def without_target(draft: Profile, catalog: Catalog | None, cell: Cell) -> Profile:
    """The draft without a cell's target, whatever the task."""
    return _changed(draft, catalog, cell, lambda _: ())


def _changed(draft: Profile, catalog: Catalog | None, cell: Cell, change: Callable[[Tasks], Tasks]) -> Profile:
    target = cell.target
    entry = catalog.get(target.model) if catalog is not None and target.model is not None else None
    live = tuple(offer.provider for offer in entry.live_offers) if entry is not None else ()
    planned = {target.model: live} if target.model is not None and target.route in live else {}
    ones = _split(draft, planned)
    base_url = target.base_url if target.model is None else None  # as the profile has it
    hit = [one for one in ones if one.name == target.name and one.item.base_url == base_url]
    return _with(draft, [replace(one, tasks=change(one.tasks)) if one in hit else one for one in ones])


def _split(draft: Profile, live: Mapping[str, tuple[str, ...]]) -> list[_One]:
    """Every target by itself; `all` of a model as the providers given for it, or as it is."""
    ones: dict[_Key, _One] = {}
    for item in draft.models:
        tasks = tuple(item.tasks) or None
        for provider in item.providers or (None,):
            is_all = provider == ALL and item.model in live
            for route in live[str(item.model)] if is_all else (provider,):
                one = _One(item, route, tasks)
                ones.setdefault((one.name, item.base_url, None, tasks or (), route is None), one)
    return list(ones.values())


def _with(draft: Profile, ones: Sequence[_One]) -> Profile:
    """The draft with these targets, those of one model and for the same tasks in one entry."""
    every = _task_names(draft)
    grouped: dict[_Key, list[_One]] = {}
    met: dict[tuple[str, str | None], set[str]] = {}
    for one in ones:
        item = one.item
        before = met.setdefault((one.name, item.base_url), set())
        tasks = tuple(task for task in every if (one.tasks is None or task in one.tasks) and task not in before)
        before.update(tasks)
        if tasks or not every:
            key = (item.model, item.target, item.base_url, tasks, one.provider is None)
            grouped.setdefault(key, []).append(one)
    used = {task for key in grouped for task in key[3]}
    models = [_item(together, () if used.issubset(key[3]) else key[3]) for key, together in grouped.items()]
    tasks = [entry for entry in draft.tasks if entry.task in used] if models else draft.tasks
    return draft.model_copy(update={"models": models, "tasks": tasks})


def _item(together: Sequence[_One], tasks: tuple[str, ...]) -> ModelItem:
    """One entry for several providers of a model; the one that was there where it says the same."""
    item = together[0].item
    says: dict[str, list[str]] = {
        "providers": [one.provider for one in together if one.provider is not None],
        "tasks": list(tasks),
    }
    changes = {key: value for key, value in says.items() if value != getattr(item, key)}
    return item.model_copy(update=changes) if changes else item


def _task_names(draft: Profile) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.task for entry in draft.tasks))
