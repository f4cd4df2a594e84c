"""Text of others, made safe to show."""

from __future__ import annotations

import pytest
from proctor.profiles.base.text import clean


def test_a_flood_of_combining_marks_is_counted_and_not_drawn() -> None:
    assert clean("a" + "\u0301" * 500 + "b") == "a" + "\u0301" * 4 + "<496 marks>b"


@pytest.mark.parametrize("text", ["e\u0301té", "ที่นี้", "שָׁלוֹם", "مُحَمَّدٌ", "Z͑a̘l"])
def test_the_marks_of_languages_stay(text: str) -> None:
    assert clean(text) == text
