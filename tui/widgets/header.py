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
    from ..state.store import State

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
        proctor(self).store.subscribe(self, {"endpoints"}, self._draw)

    def on_resize(self) -> None:
        """Fit the new width."""
        self._draw(proctor(self).store.state)

    def _draw(self, state: State) -> None:
        width = self.size.width or 80
        left = Content.styled(" Proctor ", "bold") if width >= 100 else Content("")
        self._ends = [(left.cell_length, "")]
        for number, (key, title) in enumerate(PLACES.items(), 1):
            style = "bold reverse" if key == self._place else ""
            is_named = width >= 60 or key == self._place
            left += Content.styled(f" {number} {title} " if is_named else f" {number} ", style)
            self._ends.append((left.cell_length, key))
        right = _world(state, brief=width < 100) + Content.styled(f" {proctor(self).key_of('app.help')} ", "bold")
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


def _world(state: State, *, brief: bool) -> Content:
    if state.endpoints is None:
        return Content("")
    if state.endpoints.source == "practice":
        return Content.styled("practice " if brief else "practice: simulated models ", "bold $text-warning")
    if not state.endpoints.token:
        return Content("no token ")
    from ...evals.catalog.endpoints import PUBLIC_ROUTER_URL

    url = state.endpoints.router_url
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
        fields = {"plan", "draft", "runs_when_planned", "waiting", "failures"}
        proctor(self).store.subscribe(self, fields, self._draw)

    def _draw(self, state: State) -> None:
        self.update(Content(clean_line(plan_words(state))))

    def on_click(self) -> None:
        """Go to the plan."""
        self.post_message(PlaceRequested("plan"))


def plan_words(state: State) -> str:
    """The plan in one line, what it waits for, or what to do to get one."""
    asked = " · it runs as soon as it is ready: r takes that back" if state.runs_when_planned else ""
    return _plan_words(state) + asked


def _plan_words(state: State) -> str:
    if failure := state.failures.get("plan"):
        return f"Plan: {failure}"
    draft = state.draft
    if draft is None and (awaited := state.waiting.get("endpoints")):
        return f"Plan: {awaited} …"
    if draft is None or not draft.tasks or not draft.models:
        models, tasks = (draft.models, draft.tasks) if draft is not None else ([], [])
        missing = [words for words, there in (("a model (2)", models), ("a task (3)", tasks)) if not there]
        return f"Plan: pick {' and '.join(missing)}"
    awaited = state.waiting.get("plan")
    if state.plan is None or awaited not in (None, REPLANNED):  # while the next one is made, the old one is read
        return f"Plan: {awaited or REPLANNED} …"
    from ..cli.plan_view import totals_line

    errors = len(state.plan.errors)
    see = f" · {errors} error{'' if errors == 1 else 's'}: see 4" if errors else ""
    return f"Plan: {totals_line(state.plan)}{see}"


def proctor(widget: Widget) -> ProctorApp:
    """The application of a widget, by its own type."""
    return cast("ProctorApp", widget.app)  # pyright: ignore[reportUnknownMemberType]
