"""Whatever moves, the cursor and the view are among the rows."""

from __future__ import annotations

import random

from proctor.tui.widgets.table.viewport import Window


def test_nothing_leaves_the_rows() -> None:
    chance = random.Random(7)
    window = Window()
    for _ in range(5_000):
        act = chance.randrange(4)
        if act == 0:
            window.resize(chance.randrange(40), chance.randrange(12))
        elif act == 1:
            window.move_cursor(chance.randrange(-50, 90), ahead=chance.randrange(4))
            assert window.sees(window.cursor) or not window.height or not window.count
        elif act == 2:
            window.scroll(chance.randrange(-50, 50))
        else:
            seen = window.sees(window.cursor)
            window.count = chance.randrange(40)
            window.put_cursor(chance.randrange(-5, 45))
            assert window.sees(window.cursor) or not seen or not window.count
        assert 0 <= window.top <= max(window.count - window.height, 0)
        assert 0 <= window.cursor < max(window.count, 1) or act in (0, 2)  # rows that go are followed by `put_cursor`


def test_the_view_goes_on_by_more_than_the_cursor() -> None:
    window = Window(count=100, height=10)
    window.move_cursor(10, ahead=4)
    assert (window.top, window.cursor) == (5, 10)
    window.move_cursor(4, ahead=4)
    assert (window.top, window.cursor) == (0, 4)


def test_a_cursor_in_view_keeps_its_line_among_other_rows() -> None:
    window = Window(count=100, height=10, cursor=50, top=45)
    window.count = 120
    window.put_cursor(70)
    assert (window.top, window.cursor) == (65, 70)
