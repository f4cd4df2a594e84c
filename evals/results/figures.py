"""Figures of results, as tables and reports show them: short, with their unit, `?` where they are unknown."""

from __future__ import annotations

import time

UNKNOWN = "?"


def format_usd(usd: float | None) -> str:
    """Money: $1.20, $0.021, $0.00042; three significant figures below a dollar."""
    if usd is None:
        return UNKNOWN
    if usd == 0:
        return "$0"
    if usd < 0.000005:
        return "<$0.00001"
    if usd >= 0.995:
        return f"${usd:,.2f}"
    digits = 3
    while usd < 10 ** (2 - digits) and digits < 5:
        digits += 1
    return f"${usd:.{digits}f}"


def format_latency(latency_ms: float | None) -> str:
    """A wait: 0.18s, 4.9s, 52s."""
    if latency_ms is None:
        return UNKNOWN
    seconds = latency_ms / 1000
    if seconds < 0.995:
        return f"{seconds:.2f}s"
    return f"{seconds:.1f}s" if seconds < 9.95 else f"{seconds:.0f}s"


def format_seconds(value_s: float | None) -> str:
    """A duration in seconds, as `format_latency`."""
    return format_latency(None if value_s is None else value_s * 1000)


def format_speed(tokens_per_s: float | None) -> str:
    """Tokens per second: 1840, 4.2."""
    if tokens_per_s is None:
        return UNKNOWN
    return f"{tokens_per_s:.0f}" if tokens_per_s >= 9.95 else f"{tokens_per_s:.1f}"


def format_moment(at_s: float) -> str:
    """A local date and time: 2026-11-23 21:44."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))


def number_of(count: int, word: str) -> str:
    """1 error, 3 errors: a count with its word, for words whose plural takes an s."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
