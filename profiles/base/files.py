"""Writing a file in one step: whoever reads it finds the old one or the new one, never half of either."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_private(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Put a file, readable by its owner alone, in the place of whatever stands there.

    Args:
        path: Where; its folder exists.
        content: All of it.
        durable: See it onto the disk first, so that it survives a crash of the machine.

    Raises:
        OSError: It cannot be written; what stood there still stands.
    """
    with writing_private(path, durable=durable) as file:
        file.write(content)


@contextmanager
def writing_private(path: Path, *, durable: bool = True) -> Generator[BinaryIO]:
    """As `write_private`, of what comes bit by bit: it takes its place at the end, and only if nothing was raised.

    Raises:
        OSError: It cannot be written; what stood there still stands.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
