"""What can go wrong between here and a router or a Hub."""

from __future__ import annotations

from ...profiles.errors import ProctorError


class CatalogError(ProctorError):
    """A router or a Hub did not answer, or answered something that cannot be used.

    Args:
        message: What is wrong and with which address, in one line, without a full stop.
        remedy: What to do about it, in one line.
        status: The HTTP status of the answer, where there was one. 401 and 403 end a command with exit code 2.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(message, remedy)
        self.status = status
        if status in {401, 403}:
            self.exit_code = 2
