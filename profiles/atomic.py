"""Writing a file in one step: whoever reads it finds the old one or the new one, never half of either."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Put a file, readable by its owner alone, in the place of whatever stands there.

    Args:
        path: Where; its folder exists.
        content: All of it.
        durable: See it onto the disk first, so that it survives a crash of the machine.

    Raises:
        OSError: It cannot be written; what stood there still stands.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
