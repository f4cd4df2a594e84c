"""The table: what is seen, where the cursor goes, what is told, and what is drawn again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from proctor.tui.themes import THEMES, choose_theme, native_ansi
from proctor.tui.widgets.table.layout import changed_width, fitted, lay_out
from proctor.tui.widgets.table.table import Column, LineTable, Row, TableCell
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip

COLUMNS = (
    Column("name", "name", 0),
    Column("price", "price", 7, "right"),
    Column("status", "status", 8, drop=1),
    Column("likes", "likes", 6, "right", drop=2),
)


def row(key: str, price: str = "0.10", status: TableCell | None = None) -> Row:
    return Row(
        key, (TableCell(f"name of {key}"), TableCell(price), status or TableCell("● live", "good"), TableCell("4.1k"))
    )


def numbered(count: int) -> list[Row]:
    return [row(f"k{number}") for number in range(count)]


class TableApp(App[None]):
    def __init__(self, rows: Sequence[Row], theme: str = "dark", empty: str = "nothing here") -> None:
        super().__init__()
        self.rows, self.empty = rows, empty
        self.told: list[tuple[str, str]] = []
        for one in THEMES.values():
            self.register_theme(one)
        self.theme = theme

    def compose(self) -> ComposeResult:
        table = LineTable(COLUMNS, empty=self.empty)
        table.show(self.rows)
        yield table

    def on_mount(self) -> None:
        self.table.focus()

    @property
    def table(self) -> LineTable:
        return self.screen.query_one(LineTable)

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        self.told.append(("highlighted", message.key))

    def on_line_table_row_selected(self, message: LineTable.RowSelected) -> None:
        self.told.append(("selected", message.key))

    def on_line_table_header_selected(self, message: LineTable.HeaderSelected) -> None:
        self.told.append(("header", message.column_key))


def lines(app: TableApp) -> list[str]:
    """What the screen shows."""
    return [strip.text.rstrip() for strip in painted(app)]


def painted(app: TableApp) -> list[Strip]:
    return app.screen._compositor.render_strips()


Scenario = Callable[[TableApp, Pilot[None]], Awaitable[None]]


def play(scenario: Scenario, app: TableApp | None = None, size: tuple[int, int] = (80, 12)) -> None:
    async def run() -> None:
        one = app or TableApp(numbered(100))
        async with one.run_test(size=size) as pilot:
            await pilot.pause()
            await scenario(one, pilot)

    asyncio.run(run())


def test_keys_move_the_cursor_and_say_so() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        assert app.told == [("highlighted", "k0")]
        for keys, key in (("j", "k1"), ("down", "k2"), ("k", "k1"), ("up", "k0"), ("G", "k99"), ("g", "k0")):
            await pilot.press(keys)
            assert app.table.cursor_key == key, keys
        await pilot.press("end", "home", "pagedown", "pagedown", "pageup", "enter")
        assert app.table.cursor_key == "k10"
        await pilot.pause()
        assert app.told[-1] == ("selected", "k10")

    play(scenario)


def test_moving_at_an_end_tells_nothing() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        app.told.clear()
        await pilot.press("up", "home", "pageup")
        await pilot.pause()
        assert app.told == []

    play(scenario)


def test_the_cursor_is_always_in_view_and_marked() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        for keys in (*["j"] * 25, *["k"] * 25, "G", "pageup", "g", "pagedown"):
            await pilot.press(keys)
            await pilot.pause()
            marked = [line for line in lines(app) if line.startswith("▸ ")]
            assert len(marked) == 1
            assert f"name of {app.table.cursor_key} " in marked[0]

    play(scenario)


def test_new_rows_keep_the_cursor_on_its_key_and_tell_nothing() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        await pilot.press("j", "j", "j")
        await pilot.pause()
        app.told.clear()
        app.table.show(numbered(100)[::-1])
        await pilot.pause()
        assert app.table.cursor_key == "k3"
        assert app.told == []
        assert any(line.startswith("▸ name of k3 ") for line in lines(app))

    play(scenario)


def test_a_row_that_goes_leaves_the_cursor_at_its_place() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        await pilot.press("j", "j")
        app.table.show([one for one in numbered(100) if one.key != "k2"])
        assert app.table.cursor_key == "k3"
        app.table.show(numbered(2))
        assert app.table.cursor_key == "k1"
        await pilot.pause()
        assert app.told[-2:] == [("highlighted", "k3"), ("highlighted", "k1")]

    play(scenario)


def test_no_rows_for_a_while_do_not_lose_the_place() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        await pilot.press("j", "j")
        app.table.show([])
        await pilot.press("enter", "j", "G")
        assert app.table.cursor_key is None
        app.table.show(numbered(100))
        assert app.table.cursor_key == "k2"

    play(scenario)


def test_a_key_asked_for_before_it_comes_is_gone_to_then() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.move_to("k500")
        assert app.table.cursor_key == "k0"
        app.table.show(numbered(1000))
        await pilot.pause()
        assert app.table.cursor_key == "k500"
        assert any(line.startswith("▸ name of k500 ") for line in lines(app))

    play(scenario)


def test_a_key_asked_for_is_forgotten_when_the_user_moves() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.move_to("k500")
        await pilot.press("j")
        app.table.show(numbered(1000))
        assert app.table.cursor_key == "k1"

    play(scenario)


def test_looking_elsewhere_with_the_wheel_survives_new_rows() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        for _ in range(10):
            await pilot._post_mouse_events([_wheel_down()], LineTable, offset=(5, 5))
        await pilot.pause()
        seen = lines(app)[1]
        assert "name of k30 " in seen
        app.table.show([*numbered(100), row("later")])
        await pilot.pause()
        assert lines(app)[1].rstrip("▐ ") == seen.rstrip("▐ ")
        assert app.table.cursor_key == "k0"

    play(scenario)


def _wheel_down() -> type[Message]:
    from textual.events import MouseScrollDown

    return MouseScrollDown


def test_one_cell_changed_is_seen_and_nothing_else_drawn() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        drawn = _watch_regions(app.table)
        app.table.set_cell("k4", "price", TableCell("9.99"))
        app.table.set_cell("k90", "price", TableCell("9.99"))
        app.table.set_cell("gone", "price", TableCell("9.99"))
        assert [(region.y, region.height) for region in drawn] == [(5, 1)]
        await pilot.pause()
        assert "9.99" in lines(app)[5]
        with pytest.raises(KeyError):
            app.table.set_cell("k4", "weight", TableCell("1"))

    play(scenario)


def test_equal_rows_draw_nothing_and_one_changed_row_draws_one_line() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        drawn = _watch_regions(app.table)
        app.table.show(numbered(100))
        app.table.sorted_by = None
        app.table.empty = "nothing here"
        assert drawn == []
        rows = numbered(100)
        rows[3] = row("k3", "7.77")
        app.table.show(rows)
        assert [(region.y, region.height) for region in drawn] == [(4, 1)]

    play(scenario)


def _watch_regions(table: LineTable) -> list:
    drawn = []
    refresh = type(table).refresh.__get__(table)

    def watched(*regions, **how):
        drawn.extend(regions)
        return refresh(*regions, **how)

    table.refresh = watched
    return drawn


def test_every_cell_that_changes_is_drawn_again() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        before = _cells(app)
        for number, keys in enumerate(["j"] * 12 + ["pagedown", "k", "k", "G", "g", "j"]):
            drawn = _watch_regions(app.table)
            await pilot.press(keys)
            app.table.set_cell(f"k{number}", "status", TableCell(f"✗ {number}", "bad"))
            if number % 4 == 0:
                app.table.show([row(f"k{(n * 7) % (60 + number)}") for n in range(60 + number)])
            await pilot.pause()
            in_parts = _cells(app)
            differing = {at for at, cell in in_parts.items() if before[at] != cell}
            assert differing
            assert all(any(region.contains(*at) for region in drawn) for at in differing)
            app.table.refresh()
            await pilot.pause()
            before = _cells(app)
            assert before == in_parts, "drawn in parts, it is not what is drawn at once"

    play(scenario, size=(60, 10))


def _cells(app: TableApp) -> dict[tuple[int, int], tuple[str, str]]:
    """Each cell of the screen, by its place: the character and its style."""
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    for y, strip in enumerate(painted(app)):
        x = 0
        for segment in strip:
            for character in segment.text:
                cells[x, y] = (character, str(segment.style))
                x += cell_len(character)
    return cells


def test_clicks_move_open_once_and_name_headers() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        app.told.clear()
        await pilot.click(LineTable, offset=(5, 3))
        await pilot.pause()
        assert app.told == [("highlighted", "k2")]
        app.told.clear()
        await pilot.click(LineTable, offset=(5, 6), times=2)
        await pilot.pause()
        assert app.told == [("highlighted", "k5"), ("selected", "k5")]
        app.told.clear()
        await pilot.click(LineTable, offset=(5, 6), times=2)
        await pilot.pause()
        assert app.told == [("selected", "k5")]
        app.told.clear()
        await pilot.click(LineTable, offset=(lines(app)[0].index("price"), 0))
        await pilot.pause()
        assert app.told == [("header", "price")]

    play(scenario)


def test_the_sort_is_shown_in_the_header() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.sorted_by = ("price", True)
        await pilot.pause()
        assert "price▾" in lines(app)[0]
        app.table.sorted_by = ("name", False)
        await pilot.pause()
        assert lines(app)[0].startswith("  name ▴")
        assert "▾" not in lines(app)[0]

    play(scenario)


def test_hostile_text_is_shown_and_never_sent() -> None:
    hostile = "\x1b]52;c;AAAA\x07\x1b[31mred\u202e\ud800[bold]x[/]\nline"
    rows = [Row("k", (TableCell(hostile), TableCell("\x1b[2J"), TableCell("a\x9bb"), TableCell("\u200b")))]

    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        shown = "\n".join(lines(app))
        assert "␛]52;c;AAAA␇␛[31mred<U+202E>" in shown
        assert not set(shown) & set("\x1b\x07\x9b\u202e\ud800\u200b")

    play(scenario, TableApp(rows), (160, 5))


def test_markup_is_text() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        assert "[bold]x[/]" in lines(app)[1]

    play(scenario, TableApp([Row("k", (TableCell("[bold]x[/]"),))]))


def test_every_line_has_the_width_of_the_table() -> None:
    texts = [
        "日本語のモデル" * 20,
        "e\u0301" * 400,
        "\u0301" * 5000,
        "👩‍🔬🏽" * 30,
        "x" * 1_000_000,
        " " * 5000 + "y",
        "한글" * 60,
    ]
    rows = [
        Row(str(number), (TableCell(text), TableCell(text), TableCell(text, "warn")))
        for number, text in enumerate(texts)
    ]

    for size in ((120, 12), (80, 12), (41, 9), (10, 3), (1, 1), (3, 2)):

        async def scenario(app: TableApp, pilot: Pilot[None], width: int = size[0]) -> None:
            for strip in painted(app):
                assert sum(cell_len(segment.text) for segment in strip) == width
                assert len(strip.text) < 6 * width

        play(scenario, TableApp(rows), size)


@pytest.mark.parametrize(
    ("width", "kept"),
    [(80, "name price status likes"), (50, "name price status"), (40, "name price"), (20, "name price"), (10, "name")],
)
def test_columns_go_in_their_order_where_it_is_narrow(width: int, kept: str) -> None:
    places = lay_out(COLUMNS, width)
    assert " ".join(place.column.key for place in places) == kept
    assert all(place.x + place.width < width for place in places)


def test_a_resize_lays_out_again_and_keeps_the_cursor_in_view() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        await pilot.press("G")
        for size in ((40, 6), (10, 3), (120, 36), (80, 200), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            shown = lines(app)
            assert sum(line.startswith("▸ ") for line in shown) == 1
            assert all(shown[1 : min(size[1], 101)]), "empty lines although there are rows above"

    play(scenario)


def test_the_empty_words_stand_in_the_middle_and_wrap() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        assert [line.strip() for line in lines(app)[1:] if line] == ["no runs yet", "press 2 to", "pick a model"]
        app.table.empty = "no\x1b"
        await pilot.pause()
        assert [line.strip() for line in lines(app)[1:] if line] == ["no␛"]
        app.table.show(numbered(1))
        await pilot.pause()
        assert "no␛" not in "".join(lines(app))

    play(scenario, TableApp([], empty="no runs yet\npress 2 to pick a model"), (14, 9))


@pytest.mark.parametrize("theme", list(THEMES))
def test_the_cursor_row_looks_different_with_and_without_the_focus(theme: str) -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        def style(y: int) -> str:
            return str(next(iter(painted(app)[y])).style)

        focused, other = style(1), style(2)
        app.screen.set_focus(None)
        await pilot.pause()
        blurred = style(1)
        assert len({focused, other, blurred}) == 3

    play(scenario, TableApp(numbered(20), theme))


def test_the_theme_changes_what_is_drawn_in_parts_too() -> None:
    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        before = str(next(iter(painted(app)[2])).style)
        app.theme = "light"
        await pilot.pause()
        await pilot.press("j", "k")
        app.table.set_cell("k1", "price", TableCell("8.88"))
        await pilot.pause()
        after = [str(next(iter(painted(app)[y])).style) for y in (2, 5)]
        assert after[0] == after[1] != before

    play(scenario)


def test_no_color_sends_no_colour_and_keeps_the_cursor_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    class PlainApp(TableApp):
        def __init__(self) -> None:
            App.__init__(self, ansi_color=native_ansi({"NO_COLOR": "1"}))
            self.rows, self.empty, self.told = numbered(5), "", []
            self.register_theme(THEMES["ansi"])
            self.theme = choose_theme({"NO_COLOR": "1"})

    async def scenario(app: TableApp, pilot: Pilot[None]) -> None:
        styles = [segment.style for strip in painted(app) for segment in strip if segment.style is not None]
        assert all(color is None or color.is_default for style in styles for color in (style.color, style.bgcolor))
        assert any(style.reverse for style in styles)

    play(scenario, PlainApp())


def test_text_is_cut_to_cells_with_an_ellipsis() -> None:
    assert fitted("abcdef", 4) == "abc…"
    assert fitted("日本語", 4) == "日… "
    assert fitted("7", 3, "right") == "  7"
    assert fitted("a\tb\nc", 8) == "a b c   "
    assert fitted("x" * 9999, 5) == "xxxx…"


def test_what_differs_between_two_lines_ends_where_they_become_equal() -> None:
    from rich.segment import Segment
    from rich.style import Style

    red = Style(color="red")
    line = Strip([Segment("name   0.10  "), Segment("live", red), Segment("  4k")])
    assert changed_width(line, line) == 0
    assert changed_width(line, Strip([Segment("name   0.20  "), Segment("live", red), Segment("  4k")])) == 10
    assert changed_width(line, Strip([Segment("name   0.10  "), Segment("live"), Segment("  4k")])) == 17
    assert changed_width(line, Strip([Segment("name   0.10  "), Segment("live", red), Segment("  5k")])) == 20
    assert changed_width(line, Strip([Segment("longer")])) == 6
