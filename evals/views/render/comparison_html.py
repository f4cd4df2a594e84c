"""A comparison as a page: what has changed, how sure that is, and what it costs now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, groupby

from ....profiles.base.format import UNKNOWN, format_seconds, format_usd
from ...results.compare import ComparedCell, Figure, RunComparison
from ...results.scoreboard import ScoreRow
from ..narrative import change_words, side_names, step_words
from . import page
from .comparison import title_words
from .html import TONES, footer, practice_badge
from .page import Axis, Column, escape


def to_html(comparison: RunComparison, about: Sequence[tuple[str, str]] = ()) -> str:
    """The comparison as a document.

    Args:
        comparison: The comparison.
        about: What is compared: names and words, as `compared_facts` tells them.
    """
    title = title_words(comparison)
    groups = [(task, list(cells)) for task, cells in groupby(comparison.cells, key=lambda cell: cell.task)]
    body = [
        f"<header><h1>{escape(title)}</h1>",
        practice_badge(comparison.practice),
        page.facts(about),
        *page.says(comparison.summary, comparison.warnings),
        "</header>",
        *chain.from_iterable(_section(comparison, task, cells) for task, cells in groups),
        footer(),
    ]
    return page.page(title, body)


def _section(comparison: RunComparison, task: str, cells: Sequence[ComparedCell]) -> list[str]:
    return ["<section>", f"<h2>{escape(task)}</h2>", page.table(_columns(comparison, cells)), "</section>"]


def _columns(comparison: RunComparison, cells: Sequence[ComparedCell]) -> list[Column]:
    before, after = side_names(comparison)
    known = [cell.comparison for cell in cells if cell.comparison is not None]
    ends = [end for one in known if one.interval for end in (one.interval.low, one.interval.high)]
    axis = Axis.over([0.0, *ends, *(one.difference for one in known)], mark=0.0) if known else None

    def steps(title: str, figure: Figure, words: Callable[[float | None], str]) -> Column:
        return Column(title, [_step(*step_words(cell, figure, words)) for cell in cells], "step")

    return [
        Column("model", [_name(cell) for cell in cells], "name", is_titled=False),
        Column(escape(before), [_score(cell.before) for cell in cells], "figure"),
        Column(escape(after), [_score(cell.after) for cell in cells], "figure"),
        Column(
            "" if axis is None else axis.head(),
            ["" if axis is None else _chart(axis, cell) for cell in cells],
            "chart",
            is_titled=False,
        ),
        Column("difference", [escape(_difference(cell)) for cell in cells], "figure"),
        Column("95% interval", [escape(_interval(cell)) for cell in cells], "figure"),
        Column("change", [_change(cell) for cell in cells], "words"),
        Column("pairs", [_pairs(cell) for cell in cells], "figure"),
        steps("$/1k", "usd_per_1k", format_usd),
        steps("p50", "p50_s", format_seconds),
        steps("a sample takes", "sample_s", format_seconds),
    ]


def _name(cell: ComparedCell) -> str:
    notes: list[str] = []
    for row, when in ((cell.before, "before"), (cell.after, "now")):
        if row is not None and (row.state != "succeeded" or row.reason):
            words = f"{when} {row.state}" + (f": {row.reason}" if row.reason else "")
            notes.append(f'<small class="bad">{escape(words)}</small>')
    return escape(cell.label) + "".join(notes)


def _step(step: str, by: str) -> str:
    if not step:
        return ""
    # Where there is no room for both sides on a line, the arrow stays with the first.
    sides = escape(step).replace(" →", "\N{NO-BREAK SPACE}→")
    return f"<span>{sides}{f' <small>{escape(by)}</small>' if by else ''}</span>"


def _score(row: ScoreRow | None) -> str:
    return "" if row is None else UNKNOWN if row.score is None else f"{row.score:.3f}"


def _difference(cell: ComparedCell) -> str:
    return "" if cell.comparison is None else f"{cell.comparison.difference:+.3f}"


def _interval(cell: ComparedCell) -> str:
    between = cell.comparison.interval if cell.comparison else None
    return "" if between is None else f"{between.low:+.3f} to {between.high:+.3f}"


def _change(cell: ComparedCell) -> str:
    words = change_words(cell) or UNKNOWN
    return f'<span class="{TONES[cell.change]}">{escape(words)}</span>'


def _pairs(cell: ComparedCell) -> str:
    return "" if cell.comparison is None or cell.comparison.samples is None else f"{cell.comparison.samples:,}"


def _chart(axis: Axis, cell: ComparedCell) -> str:
    comparison = cell.comparison
    if comparison is None:
        return ""
    low, high = (comparison.interval.low, comparison.interval.high) if comparison.interval else (None, None)
    words = f"{cell.label}: difference {_difference(cell)}, 95% interval {_interval(cell) or UNKNOWN}"
    return axis.draw(comparison.difference, low, high, TONES[cell.change], words)
