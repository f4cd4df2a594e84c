"""The scoreboard on a terminal, wide or narrow.

Where the columns do not fit they are left out in this order: served by, tok/s, p50, cost, $/1k, the drawn interval.
Model, score, samples, errors and verdict always stay; a long model is folded, never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ...evals.inspect.logs.index_cache import reading_with
from ...evals.results.labels import split_model
from ...evals.results.reader.client import Reader
from ...evals.results.scoreboard import Scoreboard, ScoreGroup, ScoreRow
from ...evals.run.status import RunStatus
from ...evals.views.narrative import grading_words, head_words, total_words, versus_words
from ...evals.views.run_states import GLYPHS
from ...profiles.base.format import UNKNOWN, format_seconds, format_speed, format_usd, number_of
from ...profiles.schema import HF_PREFIX
from .output import Printer, TableColumn
from .resolve import gathered_run

BAR_WIDTH = 17
DROPPED_FIRST = ("served by", "tok/s", "p50", "cost", "$/1k", "95% interval")

_BAR = "·┝━●┥"
_ASCII_BAR = ".[-o]"
_STYLES = {"best": "bold green", "tied": "", "worse": "red", "better": "green", "unknown": "dim"}


def print_run_scoreboard(run_dir: Path, status: RunStatus, console: Console) -> None:
    """Print the scoreboard of a run, with the best score first."""
    with closing(Reader()) as reader:
        gathered = gathered_run(run_dir, status, reading_with(reader))
    print_scoreboard(gathered.scoreboard(), console)


def print_scoreboard(scoreboard: Scoreboard, console: Console) -> None:
    """Print a scoreboard: a table for every group, then what it says and what to beware of."""
    printer = _Printer(console)
    title = scoreboard.title
    if scoreboard.run_id and scoreboard.run_id != title:
        title += f" · {scoreboard.run_id}"
    printer.line(title + (" · practice: simulated models" if scoreboard.practice else ""), "bold")
    for group in scoreboard.groups:
        printer.line("")
        printer.group(group)
    printer.line("")
    count = sum(len(group.rows) for group in scoreboard.groups)
    rows = [row for group in scoreboard.groups for row in group.rows]
    printer.line(f"{number_of(count, 'cell')} · {total_words([row.cost_usd for row in rows])}", "dim")
    for line in grading_words(rows):
        printer.line(line, "dim")


class _Printer(Printer):
    """Prints groups of a scoreboard."""

    def group(self, group: ScoreGroup) -> None:
        rows = group.rows
        same_n = {row.n for row in rows}
        self.line(" · ".join(head_words(group)), "bold")
        self.table(self._columns(rows, with_n=len(same_n) > 1), DROPPED_FIRST)
        for row in rows:
            if row.reason:
                glyph, style = GLYPHS[row.state]
                self.line(f"{glyph} {row.label}: {row.reason}", style if row.state != "succeeded" else "yellow")
        self.says(group.summary, group.warnings)

    def _columns(self, rows: Sequence[ScoreRow], *, with_n: bool) -> list[TableColumn]:
        columns = [
            TableColumn("", [self.text(GLYPHS[row.state][0], GLYPHS[row.state][1]) for row in rows]),
            TableColumn("model", [self._model(row) for row in rows], right=False),
            TableColumn("score", self._scores(rows)),
        ]
        if with_n:
            columns.append(TableColumn("n", [self.text(str(row.n)) for row in rows]))
        if any(row.errors for row in rows):
            columns.append(
                TableColumn("errors", [self.text(str(row.errors), "red" * bool(row.errors)) for row in rows])
            )
        columns += self._intervals(rows)
        if len(rows) > 1:
            versus = [self.text(versus_words(row) or _unknown(row), _STYLES[row.verdict]) for row in rows]
            columns.append(TableColumn("against the best", versus, right=False))
        columns += [
            TableColumn("$/1k", self._figures(rows, lambda row: format_usd(row.usd_per_1k))),
            TableColumn("cost", self._figures(rows, lambda row: format_usd(row.cost_usd))),
            TableColumn("p50", self._figures(rows, lambda row: format_seconds(row.p50_s))),
            TableColumn("tok/s", self._figures(rows, lambda row: format_speed(row.tokens_per_s))),
            TableColumn("served by", [self._served_by(row) for row in rows], right=False),
        ]
        return [column for column in columns if any(cell.plain for cell in column.cells) or column.name == ""]

    def _figures(self, rows: Sequence[ScoreRow], figure: Callable[[ScoreRow], str]) -> list[Text]:
        """A column of figures; a cell that has answered nothing has none."""
        return [self.text(figure(row) if row.samples else "") for row in rows]

    def _model(self, row: ScoreRow) -> Text:
        return self.text(row.label + (" (grades itself)" if row.self_graded else ""))

    def _scores(self, rows: Sequence[ScoreRow]) -> list[Text]:
        known = [row.score for row in rows if row.score is not None]
        digits = 2 if all(abs(score - round(score, 2)) < 1e-9 for score in known) else 3
        shown = ["" if row.score is None else f"{row.score:.{digits}f}" for row in rows]
        return [self.text(score or _unknown(row)) for row, score in zip(rows, shown, strict=True)]

    def _intervals(self, rows: Sequence[ScoreRow]) -> list[TableColumn]:
        """The intervals drawn on one scale, whose ends stand in the heading."""
        ends = [end for row in rows if row.interval for end in (row.interval.low, row.interval.high)]
        if not ends:
            return []
        low, high = min(ends), max(ends)
        heading = "95% interval\n" + f"{low:.2f}{f'{high:.2f}':>{BAR_WIDTH - len(f'{low:.2f}')}}"
        bar = _ASCII_BAR if self.is_plain else _BAR
        return [TableColumn(heading, [Text(draw_interval(row, low, high, bar)) for row in rows], right=False)]

    def _served_by(self, row: ScoreRow) -> Text:
        if not row.model.startswith(HF_PREFIX) or not row.samples:
            return Text("")
        named = split_model(row.model)[1]
        if list(row.served_by) == [named]:
            return self.text("itself")
        shares = " ".join(f"{name} {share:.0%}" for name, share in row.served_by.items())
        return self.text(shares or UNKNOWN, "yellow" if named in row.served_by else "")


def draw_interval(row: ScoreRow, low: float, high: float, bar: str = _BAR) -> str:
    """An interval and its score on a scale: `····┝━━●━┥·`; `?` where it is unknown.

    Args:
        row: Whose interval.
        low: The left end of the scale.
        high: Its right end.
        bar: The characters for outside, left end, inside, score, right end.
    """
    if row.interval is None or row.score is None:
        return UNKNOWN if row.score is not None else ""
    outside, left, inside, score, right = bar
    scale = (BAR_WIDTH - 1) / (high - low) if high > low else 0.0

    def place(value: float) -> int:
        return min(max(round((value - low) * scale), 0), BAR_WIDTH - 1)

    first, last = place(row.interval.low), place(row.interval.high)
    drawn = [outside] * BAR_WIDTH
    drawn[first : last + 1] = inside * (last - first + 1)
    drawn[first], drawn[last] = left, right
    drawn[place(row.score)] = score
    return "".join(drawn)


def _unknown(row: ScoreRow) -> str:
    return UNKNOWN if row.samples else ""
