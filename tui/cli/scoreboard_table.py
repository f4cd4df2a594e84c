"""The scoreboard on a terminal, wide or narrow.

Where the columns do not fit they are left out in this order: served by, tok/s, p50, cost, $/1k, the drawn interval.
Target, score, samples, errors and verdict always stay; a long target is folded, never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...evals.engine.status import RunStatus
from ...evals.results.client import Reader
from ...evals.results.gather import gather_run
from ...evals.results.index import reading_with
from ...evals.results.labels import split_target
from ...evals.results.scoreboard import Order, Scoreboard, ScoreGroup, ScoreRow, build_scoreboard
from ...evals.results.sentences import versus_words
from ...profiles.schema import HF_PREFIX
from ..clean import clean_line
from ..figures import UNKNOWN, format_latency, format_speed, format_usd, number_of
from .live_table import GLYPHS

GAP = 2
MIN_TARGET_WIDTH = 20  # what a target is folded to before other columns would have to stay out
BAR_WIDTH = 17
DROPPED_FIRST = ("served by", "tok/s", "p50", "cost", "$/1k", "95% interval")

_BAR = "·┝━●┥"
_ASCII_BAR = ".[-o]"
_NEEDED = _BAR + "≈…±‖○◐✓✗■"
_ASCII = str.maketrans(
    {"·": "-", "≈": "~", "…": "...", "✓": "+", "✗": "x", "■": "#", "●": "o", "○": "o", "◐": "o", "‖": "=", "⚠": "!"}
)
_STYLES = {"best": "bold green", "tied": "", "worse": "red", "better": "green", "unknown": "dim"}


def print_run_scoreboard(run_dir: Path, status: RunStatus, console: Console) -> None:
    """Print the scoreboard of a run, with the best score first."""
    print_scoreboard(run_scoreboard(run_dir, status), console)


def run_scoreboard(run_dir: Path, status: RunStatus, order_by: Order = "score") -> Scoreboard:
    """The scoreboard of a run. Logs that are not in the cache are read by a reader process.

    A log that cannot be read costs its row the statistics, and the row says so.
    """
    with closing(Reader()) as reader:
        cells = gather_run(run_dir, status, reading_with(reader))
    practice = status.source == "practice"
    return build_scoreboard(status.title or status.run_id, status.run_id, cells, practice=practice, order_by=order_by)


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
    printer.line(f"{count} {'cell' if count == 1 else 'cells'} · {_total([row.cost_usd for row in rows])}", "dim")
    for line in _grading(rows):
        printer.line(line, "dim")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    cells: Sequence[Text]
    right: bool = True

    @property
    def width(self) -> int:
        return max(cell_len(line) for text in self.cells for line in [*text.plain.split("\n"), *self.name.split("\n")])


class _Printer:
    """Writes to a console whose encoding may know only some of our characters."""

    def __init__(self, console: Console) -> None:
        self._console = console
        try:
            _NEEDED.encode(console.encoding)
            self._plain = False
        except (UnicodeEncodeError, LookupError):
            self._plain = True

    def text(self, words: str, style: str = "") -> Text:
        line = clean_line(words)
        if self._plain:
            line = line.translate(_ASCII).encode("ascii", "backslashreplace").decode()
        return Text(line, style)

    def line(self, words: str, style: str = "") -> None:
        self._console.print(self.text(words, style), highlight=False)

    def group(self, group: ScoreGroup) -> None:
        rows = group.rows
        same_n = {row.n for row in rows}
        graders = {row.grader for row in rows}
        grader = next(iter(graders)) if len(graders) == 1 else None
        head = [group.title, group.metric]
        head.append(number_of(rows[0].n, "sample") if len(same_n) == 1 else None)
        head.append(f"graded by {grader.removeprefix(HF_PREFIX)}" if grader and not rows[0].self_graded else None)
        self.line(" · ".join(filter(None, head)), "bold")
        columns = self._fitting(self._columns(rows, with_n=len(same_n) > 1))
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_edge=False)
        for column in columns:
            table.add_column(
                Text(column.name),
                justify="right" if column.right else "left",
                no_wrap=column.name != "target",
                overflow="fold",
                header_style="dim",
            )
        for cells in zip(*(column.cells for column in columns), strict=True):
            table.add_row(*cells)
        self._console.print(table, highlight=False)
        for row in rows:
            if row.reason:
                glyph, style = GLYPHS[row.state]
                self.line(f"{glyph} {row.label}: {row.reason}", style if row.state != "succeeded" else "yellow")
        if group.summary:
            self.line(group.summary)
        for warning in group.warnings:
            self.line(f"⚠ {warning}", "yellow")

    def _fitting(self, columns: list[_Column]) -> list[_Column]:
        for name in DROPPED_FIRST:
            widths = [column.width for column in columns]
            widths[1] = min(widths[1], MIN_TARGET_WIDTH) if name == DROPPED_FIRST[-1] else widths[1]
            if sum(widths) + GAP * (len(columns) - 1) <= self._console.width:
                break
            columns = [column for column in columns if not column.name.startswith(name)]
        return columns

    def _columns(self, rows: Sequence[ScoreRow], *, with_n: bool) -> list[_Column]:
        columns = [
            _Column("", [self.text(GLYPHS[row.state][0], GLYPHS[row.state][1]) for row in rows]),
            _Column("target", [self._target(row) for row in rows], right=False),
            _Column("score", self._scores(rows)),
        ]
        if with_n:
            columns.append(_Column("n", [self.text(str(row.n)) for row in rows]))
        if any(row.errors for row in rows):
            columns.append(_Column("errors", [self.text(str(row.errors), "red" * bool(row.errors)) for row in rows]))
        columns += self._intervals(rows)
        if len(rows) > 1:
            versus = [self.text(versus_words(row) or _unknown(row), _STYLES[row.verdict]) for row in rows]
            columns.append(_Column("against the best", versus, right=False))
        columns += [
            _Column("$/1k", self._figures(rows, lambda row: format_usd(row.usd_per_1k))),
            _Column("cost", self._figures(rows, lambda row: format_usd(row.cost_usd))),
            _Column(
                "p50", self._figures(rows, lambda row: format_latency(None if row.p50_s is None else row.p50_s * 1000))
            ),
            _Column("tok/s", self._figures(rows, lambda row: format_speed(row.tokens_per_s))),
            _Column("served by", [self._served_by(row) for row in rows], right=False),
        ]
        return [column for column in columns if any(cell.plain for cell in column.cells) or column.name == ""]

    def _figures(self, rows: Sequence[ScoreRow], figure: Callable[[ScoreRow], str]) -> list[Text]:
        """A column of figures; a cell that has answered nothing has none."""
        return [self.text(figure(row) if row.samples else "") for row in rows]

    def _target(self, row: ScoreRow) -> Text:
        return self.text(row.label + (" (grades itself)" if row.self_graded else ""))

    def _scores(self, rows: Sequence[ScoreRow]) -> list[Text]:
        known = [row.score for row in rows if row.score is not None]
        digits = 2 if all(abs(score - round(score, 2)) < 1e-9 for score in known) else 3
        shown = ["" if row.score is None else f"{row.score:.{digits}f}" for row in rows]
        return [self.text(score or _unknown(row)) for row, score in zip(rows, shown, strict=True)]

    def _intervals(self, rows: Sequence[ScoreRow]) -> list[_Column]:
        """The intervals drawn on one scale, whose ends stand in the heading."""
        ends = [end for row in rows if row.interval for end in (row.interval.low, row.interval.high)]
        if not ends:
            return []
        low, high = min(ends), max(ends)
        heading = "95% interval\n" + f"{low:.2f}{f'{high:.2f}':>{BAR_WIDTH - len(f'{low:.2f}')}}"
        bar = _ASCII_BAR if self._plain else _BAR
        return [_Column(heading, [Text(draw_interval(row, low, high, bar)) for row in rows], right=False)]

    def _served_by(self, row: ScoreRow) -> Text:
        if not row.target.startswith(HF_PREFIX) or not row.samples:
            return Text("")
        named = split_target(row.target)[1]
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


def _grading(rows: Sequence[ScoreRow]) -> Iterator[str]:
    """What each grader cost of the total, and who served it where that was not one provider."""
    for grader in dict.fromkeys(row.grader for row in rows if row.grader and not row.self_graded):
        graded = [row for row in rows if row.grader == grader and not row.self_graded]
        words = f"of it for grading by {grader.removeprefix(HF_PREFIX)} · {_total([r.grader_cost_usd for r in graded])}"
        servers = list(dict.fromkeys(name for row in graded for name in row.grader_served_by))
        named = split_target(grader)[1]
        yield words + (f" · served by {', '.join(servers)}" if servers and servers != [named] else "")
    if themselves := [row.grader_cost_usd for row in rows if row.self_graded]:
        yield f"of it for grading themselves · {_total(themselves)}"


def _total(costs: Sequence[float | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    if len(known) == len(costs):
        return format_usd(sum(known))
    return f"{format_usd(sum(known))} + {UNKNOWN}" if any(known) else UNKNOWN
