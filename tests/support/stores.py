"""Filling the application's store by hand, as if controllers had fetched everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proctor.profiles.base.errors import ProctorError
from proctor.tui.state.resource import Resource
from proctor.tui.state.store import Store


def reraise(error: Exception) -> None:
    """Let what a watcher raises fail the test."""
    raise error


def put(store: Store, **values: Any) -> None:
    """Set values by name, and tell of all of them at once."""
    with store.together():
        for name, value in values.items():
            getattr(store, name).set(value)


def fail(store: Store, errors: Mapping[str, ProctorError]) -> None:
    """Have resources fail, by name."""
    with store.together():
        for name, error in errors.items():
            getattr(store, name).fail(error)


def mend(store: Store) -> None:
    """Let every resource keep what it holds, without a failure."""
    with store.together():
        for one in vars(store).values():
            if isinstance(one, Resource) and one.failure is not None:
                one.set(one.value)
