"""A scoreboard as a Markdown document: a heading and a table for every group, as GitHub renders them."""

from __future__ import annotations

import re

from ...results.scoreboard import Scoreboard, ScoreGroup, ScoreRow
from ..narrative import versus_words

_COLUMNS = (
    ("model", "---"),
    ("score", "---:"),
    ("95% interval", "---:"),
    ("n", "---:"),
    ("errors", "---:"),
    ("against the best", "---"),
    ("cost, USD", "---:"),
    ("USD/1k", "---:"),
    ("p50", "---:"),
    ("tok/s", "---:"),
    ("served by", "---"),
    ("state", "---"),
)
# What Markdown or HTML would obey; an underscore inside a word is none of it.
_SPECIAL = re.compile(r"[\\`*{}\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")


def to_markdown(scoreboard: Scoreboard) -> str:
    """The scoreboard as Markdown. Unknown is empty; text from elsewhere is escaped."""
    parts = [f"# {escape(scoreboard.title)}"]
    if scoreboard.practice:
        parts.append("Practice: the models are simulated.")
    for group in scoreboard.groups:
        parts += [f"## {escape(group.title)}", _table(group)]
        if group.summary:
            parts.append(escape(group.summary))
        if group.warnings:
            parts.append("\n".join(f"- {escape(warning)}" for warning in group.warnings))
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Foreign text as plain words on one line: nothing in it is Markdown, HTML or the border of a cell."""
    return _SPECIAL.sub(lambda match: "\\" + match.group(), " ".join(text.split()))


def _table(group: ScoreGroup) -> str:
    names, rules = zip(*_COLUMNS, strict=True)
    lines = [names, rules, *(_cells(row) for row in group.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(row: ScoreRow) -> tuple[str, ...]:
    state = row.state if row.reason is None else f"{row.state}: {row.reason}"
    return (
        escape(row.label) + (" (grades itself)" if row.self_graded else ""),
        "" if row.score is None else f"{row.score:.3f}",
        "" if row.interval is None else f"{row.interval.low:.3f} to {row.interval.high:.3f}",
        str(row.n),
        str(row.errors),
        versus_words(row),
        _usd(row.cost_usd),
        _usd(row.usd_per_1k),
        "" if row.p50_s is None else f"{row.p50_s:.2f}s",
        "" if row.tokens_per_s is None else f"{row.tokens_per_s:.0f}",
        escape(", ".join(f"{name} {share:.0%}" for name, share in row.served_by.items())),
        escape(state),
    )


def _usd(cost: float | None) -> str:
    if cost is None:
        return ""
    return f"{cost:.2f}" if cost >= 1 else f"{cost:.4f}" if cost >= 0.01 or cost == 0 else f"{cost:.6f}"
