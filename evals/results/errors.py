"""What can be wrong with results."""

from __future__ import annotations

from ...profiles.errors import ProctorError


class LogError(ProctorError):
    """A log that is missing, damaged, or of a newer format."""
