"""Chance, reproducibly: a number from a seed and whatever it is drawn for."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_SPAN = float(1 << 64)


def draw(seed: int, *about: object) -> float:
    """A number in [0, 1), the same for the same seed and the same things."""
    digest = blake2b("\x1f".join([str(seed), *map(str, about)]).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") / _SPAN


def pick(options: Sequence[T], seed: int, *about: object) -> T:
    """One of the options, the same for the same seed and the same things."""
    return options[int(draw(seed, *about) * len(options))]


def fingerprint(text: str) -> str:
    """What a sample is known by in the practice log: 16 hexadecimal digits of its text without outer blanks."""
    return blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
