"""What is known about a running practice router, and the version that ties it to this code. Light to import."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...profiles.base.files import write_private

NAME = "proctor practice"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Where a practice router answers."""

    url: str  # of the router, with /v1
    hub_url: str
    pid: int
    version: str


def code_version() -> str:
    """The version of Proctor with a digest of the practice sources, so that changed code is a different version."""
    try:
        release = version("proctor")
    except PackageNotFoundError:
        release = "0"
    digest = blake2b(digest_size=6)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        facts = path.stat()
        digest.update(f"{path.name}:{facts.st_size}:{facts.st_mtime_ns};".encode())
    return f"{release}+{digest.hexdigest()}"


def write_announcement(path: Path, announcement: Announcement) -> None:
    """Write the file that others find the server by, atomically and readable by its owner only."""
    write_private(path, json.dumps(asdict(announcement)).encode(), durable=False)


def read_announcement(path: Path) -> Announcement | None:
    """Read such a file; `None` where there is none that makes sense."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Announcement(str(data["url"]), str(data["hub_url"]), int(data["pid"]), str(data["version"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
