"""Corrections of samples: Inspect itself reads them from the log, with author and reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from inspect_ai.log import EvalMetric, EvalResults, EvalScore, read_eval_log, write_eval_log
from inspect_ai.scorer import Score
from proctor.evals.inspect.logs.correction import Correction
from proctor.evals.inspect.logs.corrections import correct_sample
from proctor.evals.inspect.logs.sample_reader import read_transcript
from proctor.profiles.base.errors import LogError
from support.made_logs import made_sample, model_event, write_log

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
SUFFIXES = pytest.mark.parametrize("suffix", ["eval", "json"])


def made(folder: Path, suffix: str) -> Path:
    samples = [
        made_sample([model_event("x" * 500)], id=at, uuid=f"u{at}", scores={"m": Score(value=1.0)}) for at in (1, 2)
    ]
    return write_log(folder, *samples, suffix=suffix)


@SUFFIXES
def test_notes_and_tags_are_of_one_sample_with_author_and_time(tmp_path: Path, suffix: str) -> None:
    log = made(tmp_path, suffix)
    for kind, text in (("note", "looks leaked"), ("tag", "leak"), ("tag", "odd"), ("untag", "odd")):
        correct_sample(log, 1, 1, Correction(kind, "ann", text), NOW)  # type: ignore[arg-type]
    about = read_transcript(str(log), 1, 1)
    assert about.notes == ("looks leaked · ann · 2026-01-02 03:04 UTC",) and about.tags == ("leak",)
    assert read_transcript(str(log), 2, 1).notes == ()
    read = read_eval_log(str(log))
    assert read.log_updates is not None and [one.provenance.author for one in read.log_updates] == ["ann"] * 4
    assert read.samples is not None and len(read.samples) == 2


@SUFFIXES
def test_a_sample_is_invalidated_and_taken_back(tmp_path: Path, suffix: str) -> None:
    log = made(tmp_path, suffix)
    correct_sample(log, 2, 1, Correction("invalidate", "ann", "sandbox was broken"), NOW)
    assert "ann" in (read_transcript(str(log), 2, 1).invalidated or "") and read_eval_log(str(log)).invalidated
    correct_sample(log, 2, 1, Correction("uninvalidate", "ann"), NOW)
    assert read_transcript(str(log), 2, 1).invalidated is None and not read_eval_log(str(log)).invalidated


def test_an_edited_score_keeps_what_it_was_and_changes_the_metrics(tmp_path: Path) -> None:
    log = made(tmp_path, "eval")
    read = read_eval_log(str(log))
    scored = EvalScore(name="m", scorer="m", metrics={"mean": EvalMetric(name="mean", value=1.0)})
    read.results = EvalResults(total_samples=2, completed_samples=2, scores=[scored])
    read.eval.scorers = [{"name": "m", "metrics": [{"name": "inspect_ai/mean"}]}]  # type: ignore[list-item]
    write_eval_log(read, str(log))
    correct_sample(log, 1, 1, Correction("score", "ann", "misread", "m", "0"), NOW)
    after = read_eval_log(str(log))
    assert after.results is not None and after.results.scores[0].metrics["mean"].value == 0.5
    sample = (after.samples or [])[0]
    assert sample.scores is not None and sample.scores["m"].value == 0 and len(sample.scores["m"].history) == 2
    titles = [(entry.label, entry.title) for entry in read_transcript(str(log), 1, 1).entries]
    assert ("edit", "m → 0") in titles


def test_what_is_refused_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    log = made(tmp_path, "eval")
    before = log.read_bytes()
    with pytest.raises(LogError, match="has no sample 9"):
        correct_sample(log, 9, 1, Correction("invalidate", "ann", "x"), NOW)
    log.with_name(f"{log.name}.part").touch()
    with pytest.raises(LogError, match="still being written"):
        correct_sample(log, 1, 1, Correction("note", "ann", "x"), NOW)
    assert log.read_bytes() == before and len(list(tmp_path.iterdir())) == 2
