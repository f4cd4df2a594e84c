"""Pictures of animals, and of things that only look like animals: how many are animals?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, Content, ContentImage, ContentText
from inspect_ai.scorer import match, model_graded_fact
from inspect_ai.solver import generate

from ....profiles.base.errors import UsageError
from .hub_dataset import practice_pictures, read_records
from .images import jpeg_data_uri

PRACTICE = "practice"

QUESTION = "Count the images containing animals. End with the count alone, as a number, on the last line."


@task(practice={"dataset": PRACTICE})
def animals_or_else(
    dataset: str = "dvilasuero/animal_or_else",
    split: str = "train",
    max_size: int = 1024,
    quality: int = 85,
    shuffle_seed: int | None = None,
    graded_by: Literal["auto", "number", "model"] = "auto",
) -> Task:
    """Count the pictures that show animals among look-alikes, such as muffins and mops.

    Args:
        dataset: Dataset of the Hub or folder with `image` and `target`; "practice" draws a small one.
        split: Split of the dataset.
        max_size: Pictures are made to fit a square of so many pixels.
        quality: JPEG quality of the pictures that are sent, 1 to 95.
        shuffle_seed: Seed to shuffle the samples with; without one they keep their order.
        graded_by: "number" compares the last number of the answer, "model" asks the grader, "auto" compares numbers
            where every target is one.
    """
    if not 16 <= max_size <= 8192:
        raise UsageError(f"proctor/animals_or_else: max_size is {max_size}", "give pixels from 16 to 8192")
    if not 1 <= quality <= 95:
        raise UsageError(f"proctor/animals_or_else: quality is {quality}", "give a JPEG quality from 1 to 95")
    path = str(practice_pictures()) if dataset == PRACTICE else os.path.expanduser(dataset)
    samples = [
        record_to_sample(record, number, dataset=dataset, max_size=max_size, quality=quality)
        for number, record in enumerate(read_records(path, split, name=dataset), start=1)
    ]
    pictures = MemoryDataset(samples, name=dataset, location=path)
    if shuffle_seed is not None:
        pictures.shuffle(shuffle_seed)
    by_number = graded_by == "number" or (graded_by == "auto" and all(_is_number(str(s.target)) for s in samples))
    return Task(
        dataset=pictures,
        solver=[generate()],
        scorer=match(numeric=True) if by_number else model_graded_fact(),
    )


def record_to_sample(record: Mapping[str, Any], number: int, *, dataset: str, max_size: int, quality: int) -> Sample:
    """The sample of a record: the question and its picture, to be answered with the target.

    The picture travels inside the sample, as a data URI: there is no file to clean up, the log is complete in itself,
    and a picture of the default size weighs about a tenth of a megabyte.

    Args:
        record: `image`, a mapping with `bytes`, and `target`.
        number: Its number in the dataset, from 1; also the sample's id.
        dataset: The dataset's name, for errors.
        max_size: Pixels of the square that the picture is made to fit.
        quality: JPEG quality.

    Raises:
        UsageError: It is no such record, or its picture cannot be read.
    """
    where = f"record {number} of {dataset}"
    image: Any = record.get("image")
    data: Any = image.get("bytes") if isinstance(image, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(data, bytes):
        raise UsageError(f"{where} has no `image` with bytes", f"its columns are {', '.join(record)}")
    if record.get("target") is None:
        raise UsageError(f"{where} has no `target`", f"its columns are {', '.join(record)}")
    try:
        uri = jpeg_data_uri(data, max_size, quality)
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them stumble over
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"{where}: its image cannot be read: {reason}"
        raise UsageError(message, "choose another dataset or split") from error
    content: list[Content] = [ContentText(text=QUESTION), ContentImage(image=uri)]
    return Sample(id=number, input=[ChatMessageUser(content=content)], target=_text(record["target"]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(target: object) -> str:
    """The target as text; whole floats, which is what a column with gaps holds, without their `.0`."""
    if isinstance(target, float) and target.is_integer():
        return str(int(target))
    return str(target).strip()
