"""A scoreboard as a page: what was run and when, the scores with their intervals, which differences are real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import chain

from ....profiles.base.format import UNKNOWN, format_seconds, format_speed, format_usd, number_of
from ...results.labels import split_model
from ...results.report import RunFacts
from ...results.scoreboard import Scoreboard, ScoreGroup, ScoreRow
from ...run.status import ENDED
from ..narrative import grading_words, head_words, total_words, versus_words
from . import page
from .page import Axis, Column, escape

TONES = {"best": "good", "better": "good", "worse": "bad", "tied": "even", "unknown": "even"}
HOW_TO_READ = (
    "Scores have 95% intervals: Wilson's for right or wrong, Student's t otherwise, with epochs clustered by sample. "
    "Differences are tested on the samples that both sides share, by McNemar's exact test or a paired t, and adjusted "
    "by Holm: what is tied, this data does not tell apart."
)


def to_html(scoreboard: Scoreboard, facts: RunFacts) -> str:
    """The scoreboard as a document.

    Args:
        scoreboard: The scoreboard.
        facts: What else there is to tell of the run.
    """
    rows = [row for group in scoreboard.groups for row in group.rows]
    body = [
        f"<header><h1>{escape(scoreboard.title)}</h1>",
        practice_badge(scoreboard.practice),
        page.facts(_facts(scoreboard, rows, facts)),
        "</header>",
        *chain.from_iterable(map(_section, scoreboard.groups)),
        *_failures(scoreboard, facts),
        *_profile(facts),
        footer(),
    ]
    return page.page(scoreboard.title, body)


def practice_badge(is_practice: bool) -> str:
    """The label of simulated models."""
    return '<p class="badge">Practice: the models are simulated.</p>' if is_practice else ""


def footer() -> str:
    """How to read it, and who wrote it."""
    return f"<footer><p>{escape(HOW_TO_READ)}</p><p>Proctor {escape(version('proctor'))}</p></footer>"


def _facts(scoreboard: Scoreboard, rows: Sequence[ScoreRow], facts: RunFacts) -> list[tuple[str, str]]:
    run_id = scoreboard.run_id if scoreboard.run_id != scoreboard.title else None
    took = None if facts.began_at_s is None or facts.ended_at_s is None else facts.ended_at_s - facts.began_at_s
    more = f" · {facts.attempts} attempts" if facts.attempts > 1 else ""
    return [
        ("run", run_id or ""),
        ("state", (facts.state or "") + (f": {facts.message}" if facts.message else "")),
        ("began", page.moment(facts.began_at_s)),
        ("ended", page.moment(facts.ended_at_s) + (f" · after {_duration(took)}" if took is not None else "") + more),
        ("size", f"{number_of(len(rows), 'cell')} · {number_of(sum(row.samples for row in rows), 'sample')}"),
        ("errors", f"{errors:,}" if (errors := sum(row.errors for row in rows)) else ""),
        ("cost", " · ".join([total_words([row.cost_usd for row in rows]), *grading_words(rows)])),
    ]


def _duration(elapsed_s: float) -> str:
    minutes, seconds = divmod(round(elapsed_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def _section(group: ScoreGroup) -> list[str]:
    title, *about = head_words(group)
    return [
        "<section>",
        f"<h2>{escape(title)}</h2>",
        f'<p class="soft">{escape(" · ".join(about))}</p>' if about else "",
        page.table(_columns(group.rows)),
        *page.says(group.summary, group.warnings),
        "</section>",
    ]


def _columns(rows: Sequence[ScoreRow]) -> list[Column]:
    ends = [end for row in rows if row.interval for end in (row.interval.low, row.interval.high)]
    values = [*ends, *(row.score for row in rows if row.score is not None)]
    best = next((row.score for row in rows if row.verdict == "best"), None)
    axis = Axis.over(values, best if len(rows) > 1 else None) if values else None

    def figures(title: str, figure: Callable[[ScoreRow], str]) -> Column:
        """What a cell that has answered nothing has no figure of."""
        return Column(title, [escape(figure(row)) if row.samples else "" for row in rows], "figure")

    same_n = len({row.n for row in rows}) == 1
    return [
        Column("model", [_name(row) for row in rows], "name", is_titled=False),
        figures("score", lambda row: UNKNOWN if row.score is None else f"{row.score:.3f}"),
        Column(
            "" if axis is None else axis.head(),
            ["" if axis is None else _chart(axis, row) for row in rows],
            "chart",
            is_titled=False,
        ),
        figures("95% interval", interval_words),
        Column("against the best", [_versus(row) if len(rows) > 1 else "" for row in rows], "words"),
        figures("n", lambda row: "" if same_n else str(row.n)),
        figures("errors", lambda row: str(row.errors) if any(other.errors for other in rows) else ""),
        figures("$/1k", lambda row: format_usd(row.usd_per_1k)),
        figures("cost", lambda row: format_usd(row.cost_usd)),
        figures("p50", lambda row: format_seconds(row.p50_s)),
        figures("tok/s", lambda row: format_speed(row.tokens_per_s)),
        Column("served by", [escape(served_words(row)) for row in rows]),
    ]


def _name(row: ScoreRow) -> str:
    notes = ["<small>grades itself</small>"] if row.self_graded else []
    if row.state != "succeeded" or row.reason:
        tone = ' class="bad"' if row.state in ENDED else ""
        notes.append(f"<small{tone}>{escape(f'{row.state}: {row.reason}' if row.reason else row.state)}</small>")
    return escape(row.label) + "".join(notes)


def _chart(axis: Axis, row: ScoreRow) -> str:
    low, high = (row.interval.low, row.interval.high) if row.interval else (None, None)
    words = f"{row.label}: {'' if row.score is None else f'{row.score:.3f}'}, 95% interval {interval_words(row)}"
    return axis.draw(row.score, low, high, TONES[row.verdict], words)


def _versus(row: ScoreRow) -> str:
    words = versus_words(row) or (UNKNOWN if row.samples else "")
    return f'<span class="{TONES[row.verdict]}">{escape(words)}</span>' if words else ""


def interval_words(row: ScoreRow) -> str:
    """`0.712 to 0.899`."""
    return UNKNOWN if row.interval is None else f"{row.interval.low:.3f} to {row.interval.high:.3f}"


def served_words(row: ScoreRow) -> str:
    """Who answered, with their shares; `itself` where that is who was asked."""
    if list(row.served_by) == [split_model(row.model)[1]]:
        return "itself"
    return ", ".join(f"{name} {share:.0%}" for name, share in row.served_by.items())


def _failures(scoreboard: Scoreboard, facts: RunFacts) -> list[str]:
    if not facts.errors:
        return []
    names = {row.cell: f"{group.task_title} · {row.label}" for group in scoreboard.groups for row in group.rows}
    return [
        "<section>",
        "<h2>Samples that failed</h2>",
        page.table(
            [
                Column("cell", [escape(names.get(error.cell, error.cell)) for error in facts.errors], "name"),
                Column("samples", [f"{error.samples:,}" for error in facts.errors], "figure"),
                Column("error", [escape(error.message) for error in facts.errors]),
            ]
        ),
        "</section>",
    ]


def _profile(facts: RunFacts) -> list[str]:
    if not facts.profile:
        return []
    return ["<section>", "<h2>The profile, as it was run</h2>", f"<pre>{escape(facts.profile)}</pre>", "</section>"]
