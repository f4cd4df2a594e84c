"""Asking before money is spent: where somebody sits at a terminal, and what is started may cost any."""

from __future__ import annotations

import sys

import click

from ...profiles.preferences import read_preferences

NOT_STARTED = 130  # as for Ctrl-C: the user took it back


def yes_option(command: click.decorators.FC) -> click.decorators.FC:
    """The option that answers beforehand."""
    return click.option("--yes", "-y", is_flag=True, help="Start without asking, also where it may cost money.")(
        command
    )


def may_start(*, may_cost: bool, yes: bool, as_json: bool) -> bool:
    """Whether to start: asked where it may cost money, nobody said so before, and somebody can answer.

    Raises:
        UsageError: The preferences cannot be read.
    """
    if not may_cost or yes or as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    if read_preferences().confirm == "never":
        return True
    if click.confirm("Start it?", err=True):
        return True
    click.echo("Not started: nothing was asked of any model", err=True)
    return False
