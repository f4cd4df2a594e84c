"""The lines around every place: where one is, and what the plan is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from textual import events
from textual.content import Content
from textual.widget import Widget

from ...profiles.base.text import clean_line
from ..messages import PlaceRequested
from ..state.store import REPLANNED
from .label import Label

if TYPE_CHECKING:
    from ..app import ProctorApp
    from ..state.store import Store

PLACES: dict[str, str] = {
    "bench": "Bench",
    "models": "Models",
    "tasks": "Tasks",
    "plan": "Plan",
    "live": "Live",
    "results": "Results",
}
_HELP = "?"  # among the places that can be clicked in the top bar


class TopBar(Label):
    """The six places, the one shown marked, and which world the requests go to."""

    DEFAULT_CSS = """
    TopBar { dock: top; height: 1; background: $panel; color: $foreground; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self, place: str) -> None:
        super().__init__(markup=False)
        self._place = place
        self._ends: list[tuple[int, str]] = []  # the cell behind each place's title

    def on_mount(self) -> None:
        """Follow the source of the models."""
        proctor(self).store.watch(self, (proctor(self).store.endpoints,), self._draw)

    def on_resize(self) -> None:
        """Fit the new width."""
        self._draw()

    def _draw(self) -> None:
        store = proctor(self).store
        width = self.size.width or 80
        left = Content.styled(" Proctor ", "bold") if width >= 100 else Content("")
        self._ends = [(left.cell_length, "")]
        for number, (key, title) in enumerate(PLACES.items(), 1):
            style = "bold reverse" if key == self._place else ""
            is_named = width >= 60 or key == self._place
            left += Content.styled(f" {number} {title} " if is_named else f" {number} ", style)
            self._ends.append((left.cell_length, key))
        right = _world(store, brief=width < 100) + Content.styled(f" {proctor(self).key_of('app.help')} ", "bold")
        room = width - left.cell_length - right.cell_length
        self._ends += [(left.cell_length + max(room, 1) + right.cell_length - 3, ""), (width, _HELP)]
        self.update(left + Content(" " * max(room, 1)) + right)

    def on_click(self, event: events.Click) -> None:
        """Go to the place whose title was clicked."""
        place = next((key for end, key in self._ends if event.x < end), "")
        if place == _HELP:
            proctor(self).action_show_help_panel()
        elif place:
            self.post_message(PlaceRequested(place))


def _world(store: Store, *, brief: bool) -> Content:
    if store.endpoints.value is None:
        return Content("")
    if store.endpoints.value.source == "practice":
        return Content.styled("practice " if brief else "practice: simulated models ", "bold $text-warning")
    if not store.endpoints.value.token:
        return Content("no token ")
    from ...evals.catalog.endpoints import PUBLIC_ROUTER_URL

    url = store.endpoints.value.router_url
    host = urlsplit(url).netloc.rpartition("@")[2]  # what precedes it may be a secret
    return Content("Hugging Face " if url == PUBLIC_ROUTER_URL else f"{clean_line(host)} ")


class PlanLine(Label):
    """What the plan would run, cost and take; it follows to every place."""

    DEFAULT_CSS = """
    PlanLine {
        height: 1; background: $surface; color: $foreground; padding: 0 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)

    def on_mount(self) -> None:
        """Follow the plan."""
        store = proctor(self).store
        store.watch(self, (store.plan, store.draft, store.endpoints, store.runs_when_planned), self._draw)

    def _draw(self) -> None:
        store = proctor(self).store
        self.update(Content(clean_line(plan_words(store))))

    def on_click(self) -> None:
        """Go to the plan."""
        self.post_message(PlaceRequested("plan"))


def plan_words(store: Store) -> str:
    """The plan in one line, what it waits for, or what to do to get one."""
    asked = " · it runs as soon as it is ready: r takes that back" if store.runs_when_planned.value else ""
    return _plan_words(store) + asked


def _plan_words(store: Store) -> str:
    if failure := store.plan.failure:
        return f"Plan: {failure}"
    draft = store.draft.value
    if draft is None and (awaited := store.endpoints.waiting):
        return f"Plan: {awaited} …"
    if draft is None or not draft.tasks or not draft.models:
        models, tasks = (draft.models, draft.tasks) if draft is not None else ([], [])
        missing = [words for words, there in (("a model (2)", models), ("a task (3)", tasks)) if not there]
        return f"Plan: pick {' and '.join(missing)}"
    awaited = store.plan.waiting
    if store.plan.value is None or awaited not in ("", REPLANNED):  # while the next one is made, the old one is read
        return f"Plan: {awaited or REPLANNED} …"
    from ...evals.views.plan import totals_line

    errors = len(store.plan.value.errors)
    see = f" · {errors} error{'' if errors == 1 else 's'}: see 4" if errors else ""
    return f"Plan: {totals_line(store.plan.value)}{see}"


def proctor(widget: Widget) -> ProctorApp:
    """The application of a widget, by its own type."""
    return cast("ProctorApp", widget.app)  # pyright: ignore[reportUnknownMemberType]
