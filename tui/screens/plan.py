"""Plan: the matrix that would be run, what it takes, what stands in its way, and its settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from ..clean import clean_line
from ..draft_tasks import anchor
from ..figures import number_of
from ..messages import DraftChanged, ProfileOpened, SaveRequested
from ..plan_settings import (
    GRADER,
    SELF_GRADING,
    SETTINGS,
    grader_choices,
    read_setting,
    setting_text,
    setting_value,
    with_settings,
)
from ..widgets.ask import AskScreen, Objection
from ..widgets.bars import plan_words
from ..widgets.choose import ChooseScreen
from ..widgets.form import Field, Form
from ..widgets.line_table import Cell, Column, LineTable, Row
from .place import PlaceScreen

if TYPE_CHECKING:
    from ...evals.engine.plan import Cell as PlanCell
    from ...profiles.schema import Profile
    from ..store import State

_TARGET_COLUMNS = (Column("target", "who grades", 0),)
_ITSELF = ""
_NAME_CHARS = 100


class _Matrix(LineTable, inherit_bindings=True):
    """The cells; there is nothing behind one to open."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Enter out."""
        return action != "select" and super().check_action(action, parameters)


class PlanScreen(PlaceScreen):
    """The draft as a plan."""

    HELP = """
    Every cell that would be run, one task with one target each, with what it is expected to cost and take and what
    stands in its way. Thin it out, change its settings, save it as a profile, and run it.
    """
    PLACE = "plan"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 - as Textual declares it
    CSS = """
    PlanScreen {
        & .plan--head { height: 1; padding: 0 2; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
        & #matrix { height: 1fr; min-height: 3; }
        & .plan--cell {
            height: 1; padding: 0 2; color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & .plan--problems { height: auto; max-height: 8; padding: 0 2; scrollbar-size-vertical: 1; }
        & .plan--problems > Static { height: auto; }
        & .plan--totals { height: auto; max-height: 2; padding: 0 2; text-style: bold; }
        & #settings { padding: 0 2; border-top: solid $foreground-muted; border-title-color: $foreground; }
        & #settings:focus-within { border-top: solid $accent; }
        &.-wide #settings > .form--fields { grid-size: 4; }
        &.-wide #settings .-span { column-span: 4; }
        &.-narrow #settings > .form--fields { grid-size: 2; }
        &.-narrow #settings .-span { column-span: 2; }
        &.-narrow .plan--problems { max-height: 4; }
        &.-short #settings { display: none; }
        &.-short .plan--problems { max-height: 2; }
        &.-short .plan--cell { display: none; }
        &.-short.-editing { & #settings { display: block; } & #matrix { display: none; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "settings", id="plan.edit", tooltip="Change the settings"),
        Binding("x", "take_out", "take out", id="plan.take_out", tooltip="Take the cell out of the plan"),
        Binding("X", "take_target_out", "target", show=False, id="plan.take_target_out", tooltip="Take its target out"),
        Binding("ctrl+g", "choose_grader", "grader", show=False, id="plan.grader", tooltip="Choose who grades"),
        Binding("w", "save_as", "save as", id="plan.save", tooltip="Save the plan as a profile"),
        Binding("o", "open", "open", id="plan.open", tooltip="Open a profile"),
    ]

    matrix = query_one("#matrix", _Matrix)
    settings = query_one("#settings", Form)
    _head = query_one(".plan--head", Static)
    _cell_line = query_one(".plan--cell", Static)
    _problems = query_one(".plan--problems > Static", Static)
    _totals = query_one(".plan--totals", Static)

    def body(self) -> Iterable[Widget]:
        """The matrix, what stands in its way, the totals and the settings."""
        from .plan_rows import PLAN_COLUMNS

        yield Static(classes="plan--head", markup=False)
        yield _Matrix(PLAN_COLUMNS, id="matrix")
        yield Static(classes="plan--cell", markup=False)
        yield VerticalScroll(Static(markup=False), classes="plan--problems", can_focus=False)
        yield Static(classes="plan--totals", markup=False)
        form = Form(self._read, id="settings")
        form.border_title = "Settings"
        yield form

    def on_mount(self) -> None:
        """Follow the plan and the draft."""
        self.store.subscribe(self, {"draft", "draft_path"}, self._draw_settings)
        self.store.subscribe(
            self, {"plan", "draft", "draft_path", "catalog", "endpoints", "waiting", "failures"}, self._draw
        )
        self.set_focus(self.matrix)

    # What is shown

    def _draw(self, state: State) -> None:
        from .plan_rows import plan_rows, problem_lines

        words = clean_line(plan_words(state).removeprefix("Plan: "))
        plan = state.plan
        self.matrix.empty = words
        self.matrix.show(plan_rows(plan) if plan is not None else [])
        self._totals.update(Content(words if plan is not None else ""))
        problems = problem_lines(state)
        self._problems.update(problems)
        self._problems.display = bool(problems)
        title = state.draft.title if state.draft is not None else ""
        parts = [title or "Plan", state.draft_path.name if state.draft_path is not None else "not saved"]
        if plan is not None:
            parts += [
                number_of(len(found), word)
                for found, word in ((plan.errors, "error"), (plan.warnings, "warning"))
                if found
            ]
        self._head.update(Content(clean_line(" · ".join(parts))))
        self._draw_cell()

    def _draw_cell(self) -> None:
        from .plan_rows import cell_words

        plan, cell = self.state.plan, self._cell()
        self._cell_line.update(Content(cell_words(plan, cell) if plan is not None and cell is not None else ""))

    def _draw_settings(self, state: State) -> None:
        if (draft := state.draft) is not None:
            self.settings.show(
                [
                    Field(
                        setting.key,
                        setting.title,
                        setting_value(draft, setting.key),
                        setting_text(draft, setting.key),
                        setting.hint,
                        setting.doc,
                        is_wide=setting.key == GRADER,
                    )
                    for setting in SETTINGS
                ]
            )

    def _cell(self) -> PlanCell | None:
        key, plan = self.matrix.cursor_key, self.state.plan
        return next((cell for cell in plan.cells if cell.id == key), None) if plan is not None else None

    def on_line_table_row_highlighted(self, _: LineTable.RowHighlighted) -> None:
        """Tell more of the cell."""
        self._draw_cell()

    # Settings

    def _read(self, key: str, text: str) -> object:
        draft = self.state.draft
        return read_setting(draft, key, text) if draft is not None else None

    def on_form_edited(self, message: Form.Edited) -> None:
        """The draft has other settings."""
        if (draft := self.state.draft) is not None:
            self.post_message(DraftChanged(with_settings(draft, message.values)))

    def on_form_left(self, _: Form.Left) -> None:
        """Back to the matrix."""
        self.remove_class("-editing")
        self.set_focus(self.matrix)

    def action_edit(self) -> None:
        """Type into the settings."""
        self.add_class("-editing")
        self.settings.enter()

    def action_choose_grader(self) -> None:
        """Choose who grades from what the draft has."""
        draft = self.state.draft
        if draft is None:
            return
        rows = [Row(_ITSELF, (Cell(SELF_GRADING),))]
        rows += [Row(name, (Cell(name),)) for name in grader_choices(draft, self.state.plan)]
        at = draft.grader.target if draft.grader is not None else _ITSELF

        def take(chosen: str | None) -> None:
            if chosen is not None:
                self.settings.type(GRADER, chosen)

        self.app.push_screen(ChooseScreen("Who grades the answers", _TARGET_COLUMNS, rows, at=at), take)  # pyright: ignore[reportUnknownMemberType]

    # The matrix

    def action_take_out(self) -> None:
        """Take the cell out of the draft."""
        from ..draft_cells import without_cell

        state, cell = self.state, self._cell()
        if cell is not None and state.draft is not None:
            self._change(without_cell(state.draft, state.catalog, anchor(state.draft_path), cell))

    def action_take_target_out(self) -> None:
        """Take the cell's target out of the draft, with all of its cells."""
        from ..draft_cells import without_target

        state, cell = self.state, self._cell()
        if cell is not None and state.draft is not None:
            self._change(without_target(state.draft, state.catalog, cell))

    def _change(self, draft: Profile) -> None:
        self.post_message(DraftChanged(draft))

    # Profiles

    def action_save_as(self) -> None:
        """Ask for a name and save the draft under it."""
        state = self.state
        if state.draft is None or not state.draft.tasks or not state.draft.models:
            self.notify(clean_line(plan_words(state)), severity="warning", markup=False)
            return

        def save(name: str | None) -> None:
            if name is not None:
                self.post_message(SaveRequested(name.removesuffix(".toml")))

        stem = state.draft_path.stem if state.draft_path is not None else ""
        explains = "a profile in ./profiles, which `proctor run NAME` runs"
        ask = AskScreen("Save the plan as", text=stem, hint="name", explains=explains, check=self._against_name)
        self.app.push_screen(ask, save)  # pyright: ignore[reportUnknownMemberType]

    def _against_name(self, text: str) -> Objection | None:
        name = text.removesuffix(".toml")
        if not name or name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
            return Objection("a name is no path, and does not begin with a dot")
        if len(name) > _NAME_CHARS:
            return Objection(f"a name has at most {_NAME_CHARS} characters")
        profiles = self.state.profiles
        if profiles is None:
            return Objection("the profiles are not read yet, so it might overwrite one", insist=True)
        taken = {found.name.casefold() for found in profiles if found.place == "project"}
        if name.casefold() in taken:
            return Objection(f"profiles/{name}.toml is there already and would be overwritten", insist=True)
        return None

    def action_open(self) -> None:
        """Choose a profile and make it the draft."""
        from .plan_rows import PROFILE_COLUMNS, profile_rows

        state = self.state
        rows, refusals = profile_rows(state.profiles or ())
        failure = state.failures.get("profiles")
        empty = str(failure) if failure is not None else state.waiting.get("profiles", "there are no profiles")
        by_key = {str(found.path): found for found in state.profiles or ()}

        def open_it(key: str | None) -> None:
            from ...profiles.files import LoadedProfile

            if key is not None and isinstance(found := by_key[key], LoadedProfile):
                self.post_message(ProfileOpened(found))

        choose = ChooseScreen("Open a profile", PROFILE_COLUMNS, rows, refusals=refusals, empty=empty)
        self.app.push_screen(choose, open_it)  # pyright: ignore[reportUnknownMemberType]
