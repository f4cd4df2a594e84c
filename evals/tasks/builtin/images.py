"""Pictures as they are sent to a model."""

from __future__ import annotations

import base64
from io import BytesIO


def jpeg_data_uri(data: bytes, max_size: int, quality: int) -> str:
    """A picture as a `data:` URI of an RGB JPEG, upright, on white, at most `max_size` pixels wide and high.

    Args:
        data: The bytes of a picture in any format that Pillow reads.
        max_size: Pixels; smaller pictures keep their size.
        quality: JPEG quality, 1 to 95.

    Raises:
        OSError: It is no picture, or a damaged one.
    """
    from PIL import Image, ImageOps

    with Image.open(BytesIO(data)) as opened:
        opened.draft("RGB", (max_size, max_size))
        picture = ImageOps.exif_transpose(opened)
        picture.thumbnail((max_size, max_size))
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        buffer = BytesIO()
        picture.convert("RGB").save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
