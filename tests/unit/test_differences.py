"""Two transcripts beside each other: what belongs together, and which words differ."""

from __future__ import annotations

from proctor.evals.inspect.logs.transcript import Block, Entry
from proctor.tui.widgets.transcript.differences import counterpart, differing, pair_entries, partner


def entries(*labels: str) -> list[Entry]:
    return [Entry("tool", label) for label in labels]


def test_entries_of_one_kind_and_name_stand_beside_each_other() -> None:
    pairs = pair_entries(entries("model", "bash", "model", "end"), entries("model", "python", "model", "end"))
    assert pairs == [(0, 0), (2, 2), (3, 3)]
    assert partner(pairs, 2) == (2, True) and partner(pairs, 1) == (0, False)
    assert partner(pair_entries(entries("a"), entries("b")), 0) is None


def test_very_long_transcripts_are_paired_by_turn() -> None:
    left = [Entry("model", "model", turn=at) for at in range(1, 4000)]
    assert partner(pair_entries(left, left[10:]), 10) == (0, True)


def test_only_the_words_that_differ_are_marked() -> None:
    text = "the answer is 42, surely"
    assert [text[start:end] for start, end, _ in differing(text, "the answer is 43, surely")] == ["42"]
    assert differing(text, text) == () and differing(text, "") == ((0, len(text), "differs"),)


def test_a_text_of_very_many_words_is_compared_by_lines() -> None:
    lines = [f"line {at} of many words in a text" for at in range(2000)]
    other = [*lines[:7], "changed", *lines[8:]]
    text = "\n".join(lines)
    assert [text[start:end] for start, end, _ in differing(text, "\n".join(other))] == [lines[7]]


def test_the_block_of_the_same_label_is_the_counterpart() -> None:
    own = [Block("a", "user"), Block("b", "model"), Block("c", "model")]
    assert counterpart(own[2], 2, own, [Block("x", "model"), Block("y", "model")]) == Block("y", "model")
    assert counterpart(own[0], 0, own, [Block("x", "model")]) is None
