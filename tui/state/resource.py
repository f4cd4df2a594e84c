"""Values that are watched, and resources: values that are fetched in a thread. Knows nothing of Textual."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ...profiles.base.errors import ProctorError

T = TypeVar("T")


class Owner(Protocol):
    """A widget or screen that watches; its end is the watch's."""

    @property
    def is_running(self) -> bool:
        """Whether it takes part in the application."""
        ...

    @property
    def is_attached(self) -> bool:
        """Whether it is part of the screen's tree."""
        ...


class Runner(Protocol):
    """What a resource needs to be loaded."""

    def run(self, work: Callable[[], None], *, finish: bool = False) -> None:
        """Do work in a thread. Leaving the application abandons it, unless it has to `finish`."""
        ...

    def post(self, call: Callable[[], None]) -> None:
        """Call on the event loop; safe from any thread."""
        ...

    def report(self, error: Exception, doing: str) -> ProctorError:
        """Keep an unforeseen exception in a file, and tell the user; safe from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class _Watch:
    owner: Owner | None
    values: frozenset[Watched]
    call: Callable[[], object]

    @property
    def is_over(self) -> bool:
        return self.owner is not None and not (self.owner.is_running and self.owner.is_attached)


class Watchers:
    """Calls back whoever watches values: once for everything that changed together.

    Args:
        failed: Takes what a watcher raises; the others are called all the same.
    """

    def __init__(self, failed: Callable[[Exception], object]) -> None:
        self._failed = failed
        self._watches: list[_Watch] = []
        self._depth = 0
        self._changed: set[Watched] = set()

    def watch(self, owner: Owner | None, values: Sequence[Watched], call: Callable[[], object]) -> None:
        """Call back whenever one of the values changes, and once now.

        Args:
            owner: The mounted widget or screen that watches; `None` watches for ever.
            values: What is watched.
            call: Runs on the event loop.
        """
        self._watches.append(_Watch(owner, frozenset(values), call))
        call()

    @contextmanager
    def together(self) -> Generator[None]:
        """Call back at the end for everything that changes meanwhile."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._flush()

    def changed(self, value: Watched) -> None:
        """Tell that a value has changed."""
        self._changed.add(value)
        if not self._depth:
            self._flush()

    def _flush(self) -> None:
        changed, self._changed = self._changed, set()
        if not changed:
            return
        over: list[_Watch] = []
        for watch in tuple(self._watches):
            if watch.values.isdisjoint(changed):
                continue
            if watch.is_over:
                over.append(watch)
                continue
            try:
                watch.call()
            except Exception as error:
                self._failed(error)
        for watch in over:
            self._watches.remove(watch)


class Watched:
    """Something that changes, whatever its type.

    Args:
        watchers: Who is told.
    """

    def __init__(self, watchers: Watchers) -> None:
        self._watchers = watchers

    def _tell(self) -> None:
        self._watchers.changed(self)


class Value(Watched, Generic[T]):
    """Something that the application knows, and that widgets watch.

    Args:
        watchers: Who is told when it changes.
        value: What it is at first.
    """

    def __init__(self, watchers: Watchers, value: T) -> None:
        super().__init__(watchers)
        self._value = value

    @property
    def value(self) -> T:
        """What is known now."""
        return self._value

    def set(self, value: T) -> None:
        """Take another value; an equal one is no change."""
        if value != self._value:
            self._value = value
            self._tell()


class Resource(Value[T]):
    """Something that is fetched: what is known of it, since when more is awaited, and why there is none."""

    def __init__(self, watchers: Watchers, value: T) -> None:
        super().__init__(watchers, value)
        self._waiting = ""
        self._since_s: float | None = None
        self._failure: ProctorError | None = None
        self._loading: Loading[T] | None = None

    @property
    def waiting(self) -> str:
        """What is awaited, in words; empty for nothing."""
        return self._waiting

    @property
    def since_s(self) -> float | None:
        """When the wait began, by the monotonic clock."""
        return self._since_s

    @property
    def failure(self) -> ProctorError | None:
        """Why the last fetch failed; `None` where it did not."""
        return self._failure

    @property
    def is_loading(self) -> bool:
        """Whether a fetch is under way."""
        return self._loading is not None

    @property
    def note(self) -> str:
        """Why there is nothing newer: the failure, else what is awaited; empty for neither."""
        return str(self._failure) if self._failure is not None else f"{self._waiting} …" if self._waiting else ""

    def set(self, value: T) -> None:
        """Take what has arrived: nothing is awaited any more, and an earlier failure is over."""
        is_same = value == self._value and not self._waiting and self._failure is None
        self._value = value
        self._waiting, self._since_s, self._failure = "", None, None
        if not is_same:
            self._tell()

    def wait(self, words: str) -> None:
        """Say that it is awaited; what is known stays."""
        if words != self._waiting:
            self._waiting = words
            self._since_s = time.monotonic()
            self._tell()

    def fail(self, error: ProctorError) -> None:
        """Say why it could not be had; what is known stays."""
        self._waiting, self._since_s, self._failure = "", None, error
        self._tell()

    def clear(self, value: T) -> None:
        """Forget what is known and whatever is awaited."""
        self._loading = None
        self.set(value)

    def cancel(self) -> None:
        """Want nothing any more of the fetch under way; what is known stays."""
        self._loading = None
        if self._waiting:
            self._waiting, self._since_s = "", None
            self._tell()

    def load(
        self,
        runner: Runner,
        work: Callable[[Loading[T]], T],
        waiting: str = "",
        *,
        then: Callable[[T], object] | None = None,
    ) -> None:
        """Fetch it in a thread. A later fetch supersedes an earlier one, whichever ends first.

        Args:
            runner: Does the work.
            work: Returns the value, or raises; it may show a part of it before.
            waiting: What is awaited, in words; empty where nobody waits.
            then: Called on the event loop with the value that has arrived.
        """
        loading = self._loading = Loading(self, runner, then)
        if waiting:
            self.wait(waiting)
        runner.run(lambda: loading.run(work))


class Loading(Generic[T]):
    """One fetch of a resource."""

    def __init__(self, resource: Resource[T], runner: Runner, then: Callable[[T], object] | None) -> None:
        self._resource = resource
        self._runner = runner
        self._then = then

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits for it; safe from any thread."""
        return self._resource._loading is self  # pyright: ignore[reportPrivateUsage]

    def say(self, words: str) -> None:
        """Say what is awaited now. For its thread."""
        self._post(lambda: self._resource.wait(words))

    def show(self, value: T) -> None:
        """Show a part of the value; the fetch goes on. For its thread."""
        self._post(lambda: self._resource.set(value))

    def run(self, work: Callable[[Loading[T]], T]) -> None:
        """Do the work in this thread, and hand over what it brought or why it failed."""
        if not self.is_wanted:
            return
        try:
            value = work(self)
        except ProctorError as error:
            failure = error
        except Exception as error:
            if not self.is_wanted:  # nobody asks how it went, and the application may be over
                return
            failure = self._runner.report(error, getattr(work, "__qualname__", "loading"))
        else:
            self._post(lambda: self._arrive(value))
            return
        self._post(lambda: self._end(failure))

    def _post(self, call: Callable[[], None]) -> None:
        def if_wanted() -> None:
            if self.is_wanted:
                call()

        self._runner.post(if_wanted)

    def _arrive(self, value: T) -> None:
        self._resource._loading = None  # pyright: ignore[reportPrivateUsage]
        self._resource.set(value)
        if self._then is not None:
            self._then(value)

    def _end(self, failure: ProctorError) -> None:
        self._resource._loading = None  # pyright: ignore[reportPrivateUsage]
        self._resource.fail(failure)
