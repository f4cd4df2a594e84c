import io
import random
from pathlib import Path

import pytest
from PIL import Image
from proctor.evals.simulator.pictures import draw_picture, make_dataset
from proctor.evals.simulator.protocol import BadRequest
from proctor.evals.simulator.solvers.vision import count_in_bytes


def encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_animals_are_counted_from_pixels_whatever_the_encoding() -> None:
    rng = random.Random("test")
    for _ in range(12):
        data, animals = draw_picture(rng)
        small = Image.open(io.BytesIO(data))
        small.thumbnail((1024, 1024))
        tiny = small.copy()
        tiny.thumbnail((480, 480))
        for version in (
            data,
            encoded(small, "JPEG", quality=70),
            encoded(small, "PNG"),
            encoded(tiny, "JPEG", quality=85),
        ):
            assert count_in_bytes(version) == animals


def test_the_pixels_decide() -> None:
    """Painting over one tile's eyes takes one animal away."""
    rng = random.Random(5)
    data, animals = draw_picture(rng)
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    counts = set()
    for x in range(0, picture.width - 200, 100):
        for y in range(0, picture.height - 200, 100):
            painted = picture.copy()
            painted.paste((150, 180, 150), (x, y, x + 200, y + 200))
            counts.add(count_in_bytes(encoded(painted, "PNG")))
    assert min(counts) < animals
    assert max(counts) <= animals


def test_a_picture_without_a_grid_is_one_tile() -> None:
    assert count_in_bytes(encoded(Image.new("RGB", (300, 200), (90, 140, 90)), "PNG")) == 0
    assert count_in_bytes(encoded(Image.new("RGB", (300, 200)), "PNG")) == 0


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut off", b"\x89PNG\r\n\x1a\n"])
def test_what_cannot_be_decoded_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        count_in_bytes(data)


def test_the_dataset_has_the_records_of_the_real_one_and_is_reproducible(tmp_path: Path) -> None:
    from inspect_ai.dataset import Sample, hf_dataset

    def records(folder: Path) -> list[dict[str, object]]:
        kept: list[dict[str, object]] = []

        def keep(record: dict[str, object]) -> Sample:
            kept.append(record)
            return Sample(input="")

        hf_dataset(path=str(folder), split="train", sample_fields=keep, cached=False)
        return kept

    first = records(make_dataset(tmp_path / "a", samples=5))
    assert len(first) == 5
    for record in first:
        image = record["image"]
        assert isinstance(image, dict)
        assert isinstance(image["bytes"], bytes)
        assert count_in_bytes(image["bytes"]) == int(str(record["target"]))
    assert records(make_dataset(tmp_path / "b", samples=5)) == first
    assert records(make_dataset(tmp_path / "a", samples=3, seed=1)) != first[:3]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["train-00000-of-00001.parquet"]


def test_the_default_dataset_asks_for_different_counts(tmp_path: Path) -> None:
    from datasets import load_dataset

    folder = make_dataset(tmp_path)
    targets = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))["target"]
    assert len(targets) >= 30
    assert len(set(targets)) >= 5
