"""Figures as tables show them: short, with their unit, `?` where they are unknown."""

from __future__ import annotations

UNKNOWN = "?"
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def format_size(parameters: float | None) -> str:
    """A model's size in parameters: 120B, 1.5B, 350M."""
    return _scaled(parameters, _STEPS[:3])


def format_context(tokens: float | None) -> str:
    """A context length in tokens: 131k, 1M."""
    return _scaled(tokens, _STEPS[2:])


def format_count(count: float | None) -> str:
    """A count: 970, 4.1k, 2.3M."""
    return _scaled(count, _STEPS[1:])


def format_usd_per_mtok(price: float | None) -> str:
    """USD per million tokens: 0.05, 12.50, 0.0004."""
    if price is None:
        return UNKNOWN
    if price == 0 or price >= 0.01:
        return f"{price:.2f}"
    return f"{price:.1g}" if price >= 0.0001 else "<0.0001"


def format_speed(tokens_per_s: float | None) -> str:
    """Tokens per second: 1840, 4.2."""
    if tokens_per_s is None:
        return UNKNOWN
    return f"{tokens_per_s:.0f}" if tokens_per_s >= 9.95 else f"{tokens_per_s:.1f}"


def format_latency(latency_ms: float | None) -> str:
    """A wait: 0.18s, 4.9s, 52s."""
    if latency_ms is None:
        return UNKNOWN
    seconds = latency_ms / 1000
    if seconds < 0.995:
        return f"{seconds:.2f}s"
    return f"{seconds:.1f}s" if seconds < 9.95 else f"{seconds:.0f}s"


def format_ability(has: bool | None) -> str:
    """Whether it can: a tick, nothing where it cannot, `?` where that is unknown."""
    return UNKNOWN if has is None else "✓" if has else ""


def _scaled(number: float | None, steps: tuple[tuple[float, str], ...]) -> str:
    """The number in the largest unit that leaves at least one before the point; one decimal below ten."""
    if number is None:
        return UNKNOWN
    for unit, letter in steps:
        if number >= unit * 0.9995:
            value = number / unit
            return (f"{value:.1f}" if value < 9.95 else f"{value:.0f}").removesuffix(".0") + letter
    return f"{number:.0f}"
