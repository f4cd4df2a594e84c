"""Tasks: what can be examined, and the parameters of what is picked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from ..clean import clean, clean_line
from ..draft_tasks import anchor, picked_entries, task_name, with_args, with_task, without_tasks
from ..feeds import facts_key
from ..messages import DraftChanged
from ..typed_text import UNSET, read_table, read_value
from ..widgets.ask import AskScreen, Objection
from ..widgets.filter_bar import FilterBar
from ..widgets.form import Form
from ..widgets.line_table import LineTable
from .place import PlaceScreen
from .task_rows import TASK_COLUMNS, WHOLE, details, matches, parameter_fields, task_row

if TYPE_CHECKING:
    from ...evals.engine.plan import TaskFacts
    from ...evals.tasks.listing import TaskInfo
    from ...profiles.schema import Profile
    from ..store import State

REST_S = 0.08  # the details follow the cursor when it has rested for so long


class _TaskTable(LineTable, inherit_bindings=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "parameters", id="tasks.parameters", tooltip="Type the task's arguments"),
    ]


class TasksScreen(PlaceScreen):
    """The tasks that were found, and those of the draft."""

    HELP = """
    What can be examined: shipped tasks, those of your files and packages, and by their name those of the Hub. What is
    picked goes into the plan (4); the arguments of the task under the cursor are typed below the list.
    """
    PLACE = "tasks"
    CSS = """
    TasksScreen {
        & #tasks { height: 1fr; min-height: 3; }
        & .tasks--note { height: auto; max-height: 3; padding: 0 2; color: $text-warning; }
        & .tasks--details {
            height: auto; max-height: 50%; padding: 0 2; border-top: solid $foreground-muted;
            scrollbar-size-vertical: 1;
        }
        & .tasks--details:focus-within { border-top: solid $accent; }
        & .tasks--details > Static { height: auto; max-height: 6; }
        & #parameters FieldRow > Static { width: 32; }
        &.-wide #parameters FieldRow > Input { max-width: 48; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pick", "pick", id="tasks.pick", tooltip="Pick the task, or put it back"),
        Binding("slash", "filter", "filter", id="tasks.filter", tooltip="Show some of them"),
        Binding("a", "add", "add by name", id="tasks.add", tooltip="Add a task of the Hub, a package or a file"),
    ]

    table = query_one("#tasks", _TaskTable)
    parameters = query_one("#parameters", Form)
    _bar = query_one(FilterBar)
    _details = query_one(".tasks--details > Static", Static)
    _note = query_one(".tasks--note", Static)

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""
        self._detailed: str | None = None  # the reference of the task whose details are shown
        self._rest: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """The filter, the tasks, and the details of one."""
        yield FilterBar(placeholder="words, !not these")
        yield _TaskTable(TASK_COLUMNS, id="tasks")
        yield Static(classes="tasks--note", markup=False)
        yield VerticalScroll(
            Static(markup=False), Form(self._read, id="parameters"), classes="tasks--details", can_focus=False
        )

    def on_mount(self) -> None:
        """Follow the tasks and the draft."""
        self.store.subscribe(
            self, {"tasks", "draft", "draft_path", "facts", "endpoints", "waiting", "failures"}, self._draw
        )
        self.set_focus(self.table)

    # What is shown

    def _draw(self, state: State) -> None:
        infos = self._infos(state)
        picked = picked_entries(state.draft, infos, anchor(state.draft_path))
        shown = [info for info in infos if matches(info, self._filter)]
        self.table.empty = self._empty(state, bool(infos))
        self.table.show(
            [
                task_row(info, len(entries), self._facts(state, entries))
                for info in shown
                for entries in (picked.get(info.reference, ()),)
            ]
        )
        notes = list(state.tasks.notes) if state.tasks is not None else []
        if state.tasks is not None and (failure := state.failures.get("tasks")) is not None:
            notes.insert(0, str(failure))
        elif infos and "tasks" in state.waiting:
            notes.insert(0, f"{state.waiting['tasks']} …")
        self._note.update(Content("\n".join(clean(note) for note in notes)))
        self._note.display = bool(notes)
        self._draw_details()

    def _empty(self, state: State, is_any: bool) -> str:
        if is_any:
            return f'no task has "{self._filter}"\nesc in the filter takes it away'
        if (failure := state.failures.get("tasks")) is not None:
            return f"✗ {failure}"
        if (words := state.waiting.get("tasks")) is not None:
            return f"{words} …"
        if (failure := state.failures.get("endpoints")) is not None:
            return f"✗ {failure}"
        return "no tasks found" if state.tasks is not None else "waiting for the connection …"

    def _draw_details(self) -> None:
        """Show the task under the cursor in full."""
        if self._rest is not None:
            self._rest.stop()
            self._rest = None
        state, info = self.state, self._info()
        reference = info.reference if info is not None else None
        if reference != self._detailed:
            self.parameters.forget()
            self._detailed = reference
        entries = self._entries(info)
        args = state.draft.tasks[entries[0]].args if state.draft is not None and entries else {}
        practice = state.endpoints is not None and state.endpoints.source == "practice"
        self._details.update(details(info, entries, self._facts(state, entries)) if info is not None else "")
        self.parameters.show(parameter_fields(info, args, practice) if info is not None else [])
        self.query_one(".tasks--details").display = info is not None

    def _infos(self, state: State) -> Sequence[TaskInfo]:
        """The tasks that were found, and before them those of the draft that were not."""
        from ...evals.tasks.listing import TaskInfo

        found = state.tasks.tasks if state.tasks is not None else ()
        known = {info.reference for info in found}
        strangers: list[TaskInfo] = []
        for reference, entries in picked_entries(state.draft, found, anchor(state.draft_path)).items():
            if reference not in known and state.draft is not None:
                name = state.draft.tasks[entries[0]].task
                origin = "file" if reference.startswith("/") else "installed"
                words = "of the Hub" if name.startswith("hf/") else "of the plan"
                strangers.append(TaskInfo(name, origin, reference, words, parameters=None))
        return (*strangers, *found)

    def _info(self) -> TaskInfo | None:
        key = self.table.cursor_key
        return next((info for info in self._infos(self.state) if info.reference == key), None)

    def _entries(self, info: TaskInfo | None) -> tuple[int, ...]:
        """The places in the draft that mean a task."""
        if info is None:
            return ()
        state = self.state
        return picked_entries(state.draft, self._infos(state), anchor(state.draft_path)).get(info.reference, ())

    @staticmethod
    def _facts(state: State, entries: Sequence[int]) -> TaskFacts | None:
        if state.draft is None or state.endpoints is None or not entries:
            return None
        entry = state.draft.tasks[entries[0]]
        return state.facts.get(facts_key(entry.task, entry.args, state.endpoints.source == "practice"))

    def on_line_table_row_highlighted(self, _: LineTable.RowHighlighted) -> None:
        """Show the details when the cursor rests."""
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST_S, self._draw_details)

    def on_line_table_row_selected(self, _: LineTable.RowSelected) -> None:
        """Type the arguments."""
        self._draw_details()
        if not self.parameters.enter():
            info = self._info()
            words = info.error if info is not None and info.error else "it has no parameters"
            self.notify(clean_line(words), markup=False)

    # Picking

    def action_pick(self) -> None:
        """Pick the task under the cursor, or put it back."""
        info, draft = self._info(), self.state.draft
        if info is None or draft is None:
            return
        if entries := self._entries(info):
            self._change(without_tasks(draft, entries))
        elif info.error is not None:
            self.notify(clean_line(f"{info.name}: {info.error}"), severity="error", markup=False)
        else:
            self._change(with_task(draft, task_name(info)))

    def action_add(self) -> None:
        """Ask for the name of a task that is not listed, and pick it."""
        if self.state.draft is None:
            return

        def add(name: str | None) -> None:
            if name is not None and (draft := self.state.draft) is not None:
                self._change(with_task(draft, name))
                from ...profiles.references import task_reference

                entry = with_task(draft, name).tasks[-1]
                self.table.move_to(task_reference(entry, anchor(self.state.draft_path)))

        explains = "hf/<org>/<dataset>, inspect_evals/<task>, or a path: file.py@task"
        ask = AskScreen("Add a task by its name", hint="hf/org/dataset", explains=explains, check=self._against_task)
        self.app.push_screen(ask, add)  # pyright: ignore[reportUnknownMemberType]

    def _against_task(self, name: str) -> Objection | None:
        draft = self.state.draft
        if draft is None:
            return None
        if any(entry.task == name for entry in draft.tasks):
            return Objection(f"{name} is picked already")
        try:
            with_task(draft, name)
        except ValueError as error:
            return Objection(str(error))
        return None

    # Arguments

    def _read(self, key: str, text: str) -> object:
        info = self._info()
        if key == WHOLE:
            return read_table("args", text)
        parameter = next((one for one in (info.parameters or ()) if one.name == key), None) if info else None
        return read_value(key, parameter.type if parameter else "", text, parameter.default if parameter else None)

    def on_form_edited(self, message: Form.Edited) -> None:
        """The draft's entry has other arguments; a task that was not picked is picked by that."""
        state = self.state
        info = next((one for one in self._infos(state) if one.reference == self._detailed), None)
        draft = state.draft
        if info is None or draft is None:
            return
        entries = self._entries(info)
        args: dict[str, Any] = dict(draft.tasks[entries[0]].args) if entries else {}
        for name, value in message.values.items():
            if name == WHOLE:
                args = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
            elif value is UNSET:
                args.pop(name, None)
            else:
                args[name] = value
        if entries:
            self._change(with_args(draft, entries[0], args))
        elif args:
            self._change(with_task(draft, task_name(info), args))

    def on_form_left(self, _: Form.Left) -> None:
        """Back to the tasks."""
        self.set_focus(self.table)

    # The filter

    def action_filter(self) -> None:
        """Type what to see."""
        self._bar.open()

    def on_filter_bar_filtered(self, message: FilterBar.Filtered) -> None:
        """Show what the filter lets through."""
        self._filter = message.text
        self._draw(self.state)

    def _change(self, draft: Profile) -> None:
        self.post_message(DraftChanged(draft))
