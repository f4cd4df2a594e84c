"""Finding things by a few letters: what fits, in which order, and how long it takes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest
from proctor.tui.dialogs.palette.fuzzy import Item, Shelf, find_items


def shelf(kind: str, titles: Sequence[str], more: Sequence[str] = (), first: int = 0) -> Shelf:
    return Shelf(kind, titles, lambda at: Item(kind, titles[at], titles[at]), more, first)


def found(query: str, *shelves: Shelf) -> list[str]:
    return [item.title for item in find_items(shelves, query).items]


MODELS = shelf("model", ["Qwen/Qwen3-8B", "openai/gpt-oss-20b", "openai/gpt-oss-120b", "me/my-gpt-oss"])


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("gpt-oss", ["openai/gpt-oss-20b", "openai/gpt-oss-120b", "me/my-gpt-oss"]),
        ("OSS openai", ["openai/gpt-oss-20b", "openai/gpt-oss-120b"]),
        ("oss120", ["openai/gpt-oss-120b"]),
        ("gptoss 20b", ["openai/gpt-oss-120b", "openai/gpt-oss-20b"][::-1]),
        ("qw8b", ["Qwen/Qwen3-8B"]),
        ("me", ["me/my-gpt-oss"]),
        ("(", []),
        ("zz", []),
    ],
)
def test_words_and_letters_in_their_order_find(query: str, titles: list[str]) -> None:
    assert found(query, MODELS) == titles


def test_the_closest_comes_first_and_words_behind_the_title_last() -> None:
    other = shelf("task", ["b", "openai"], ["about openai", ""])
    assert found("openai", MODELS, other) == ["openai", "openai/gpt-oss-20b", "openai/gpt-oss-120b", "b"]


def test_nothing_typed_finds_the_first_of_every_shelf() -> None:
    assert found(" ", shelf("a", ["1", "2", "3"], first=2), shelf("b", ["4"]), shelf("c", ["5"], first=9)) == [
        "1", "2", "5",
    ]  # fmt: skip


def test_an_answer_is_capped_and_says_of_how_many() -> None:
    answer = find_items([shelf("a", [f"x{at}" for at in range(500)])], "x", limit=10)
    assert (len(answer.items), answer.total) == (10, 500)


def test_five_thousand_models_and_a_hundred_thousand_samples_are_found_in_a_moment() -> None:
    letters = random.Random(1)
    names = [f"org{at % 40}/{''.join(letters.choices('abcdefgh-', k=24))}-{at}B" for at in range(5000)]
    shelves = [shelf("model", names), shelf("sample", [f"#{at}" for at in range(100_000)])]
    for query in ("org7", "a b c", "gahbdc", "zzzzzz", "#55"):
        took_s = _seconds(shelves, query)
        assert took_s < 2, f"{query}: {took_s:.3f} s of processor time, in a thread beside the screen"


def test_no_text_takes_long() -> None:
    hostile = [shelf("model", ["a" * 4000, "a b" * 1500])]
    assert min(_seconds(hostile, "a" * 60 + "b") for _ in range(3)) < 2


def _seconds(shelves: Sequence[Shelf], query: str) -> float:
    began_s = time.thread_time()
    find_items(shelves, query)
    return time.thread_time() - began_s
