"""Pictures and records of proctor/animals_or_else."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from inspect_ai.model import ContentImage, ContentText
from PIL import Image
from proctor.evals.tasks.builtin.animals_or_else import animals_or_else, record_to_sample
from proctor.evals.tasks.builtin.images import jpeg_data_uri
from proctor.profiles.base.errors import UsageError


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(uri: str) -> Image.Image:
    prefix = "data:image/jpeg;base64,"
    assert uri.startswith(prefix)
    return Image.open(BytesIO(base64.b64decode(uri.removeprefix(prefix))))


def sample_of(record: dict[str, Any]) -> Any:
    return record_to_sample(record, 7, dataset="some/set", max_size=64, quality=85)


@pytest.mark.parametrize(
    ("mode", "kind", "size", "expected"),
    [
        ("RGB", "PNG", (3000, 1500), (1024, 512)),
        ("RGB", "JPEG", (1500, 3000), (512, 1024)),
        ("CMYK", "JPEG", (2048, 2048), (1024, 1024)),
        ("I;16", "PNG", (1200, 1200), (1024, 1024)),
        ("L", "WEBP", (1025, 10), (1024, 10)),
        ("P", "GIF", (40, 30), (40, 30)),
        ("1", "PNG", (1, 1), (1, 1)),
    ],
)
def test_every_picture_becomes_an_rgb_jpeg_that_fits(
    mode: str, kind: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    picture = decoded(jpeg_data_uri(encoded(Image.new(mode, size), kind), 1024, 85))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", expected)


def test_what_is_transparent_becomes_white() -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    clear.paste((200, 0, 0, 255), (0, 0, 10, 20))
    picture = decoded(jpeg_data_uri(encoded(clear, "PNG"), 1024, 95))
    red, white = picture.getpixel((2, 10)), picture.getpixel((17, 10))
    assert isinstance(red, tuple)
    assert isinstance(white, tuple)
    assert red[0] > 180 and red[1] < 40
    assert min(white) > 240


def test_a_photo_taken_sideways_is_sent_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned by 90 degrees
    picture = decoded(jpeg_data_uri(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif), 1024, 85))
    assert picture.size == (20, 40)


def test_a_record_becomes_a_question_with_its_picture_and_target() -> None:
    sample = sample_of({"image": {"bytes": encoded(Image.new("RGB", (100, 50)), "PNG"), "path": None}, "target": "3"})
    text, image = sample.input[0].content
    assert isinstance(text, ContentText) and "animals" in text.text
    assert isinstance(image, ContentImage) and decoded(image.image).size == (64, 32)
    assert (sample.id, sample.target, sample.files) == (7, "3", None)


@pytest.mark.parametrize(("target", "expected"), [(4, "4"), (4.0, "4"), (" four\n", "four"), (0, "0")])
def test_targets_of_any_column_type_become_text(target: object, expected: str) -> None:
    assert sample_of({"image": {"bytes": encoded(Image.new("1", (1, 1)), "PNG")}, "target": target}).target == expected


PICTURE = {"bytes": encoded(Image.new("RGB", (100, 100), "navy"), "PNG")}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"image": {"bytes": b"no picture"}, "target": "1"}, "cannot be read"),
        ({"image": {"bytes": PICTURE["bytes"][:120]}, "target": "1"}, "cannot be read"),
        ({"image": {"bytes": b""}, "target": "1"}, "cannot be read"),
        ({"image": {"bytes": None, "path": "/etc/passwd"}, "target": "1"}, "no `image` with bytes"),
        ({"image": None, "target": "1"}, "no `image` with bytes"),
        ({"picture": PICTURE, "target": "1"}, "its columns are picture, target"),
        ({"image": PICTURE, "label": 1}, "no `target`"),
    ],
)
def test_a_bad_record_is_named(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        sample_of(record)
    assert "record 7 of some/set" in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("args", [{"max_size": 0}, {"max_size": 100_000}, {"quality": 0}, {"quality": 100}])
def test_absurd_sizes_are_refused_before_anything_is_read(args: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(args))):
        animals_or_else("no/such-dataset", **args)
