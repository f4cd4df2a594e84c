"""The one family of errors that a person is meant to read."""

from __future__ import annotations


class ProctorError(Exception):
    """Something a person can understand and act on.

    Args:
        message: What is wrong and where, in one line, without a full stop.
        remedy: What to do about it, in one line; empty where there is nothing to add.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        # The words of a server may end in a full stop.
        return f"{self.message.removesuffix('.')}: {self.remedy}" if self.remedy else self.message


class UsageError(ProctorError):
    """Wrong usage, profile or configuration: found before any request is sent. Exit code 2."""

    exit_code = 2


class ProfileError(UsageError):
    """A profile that cannot be read, does not validate or describes nothing runnable.

    Args:
        message: The first problem.
        remedy: What to do about it.
        details: Every problem, one line each, the first included; empty where there is only the one.
    """

    def __init__(self, message: str, remedy: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.details = details or (str(self),)


class TokenError(UsageError):
    """There is no token, or the token may not do what is asked."""


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


class LogError(ProctorError):
    """A log that is missing, damaged, or of a newer format."""
