"""JSON: indented, with a newline at its end. ASCII: other characters are escaped."""

from __future__ import annotations

import json
from typing import Any

from ..report import Report


def render(report: Report, **more: Any) -> str:
    """A report as JSON.

    Args:
        report: The report.
        **more: Further keys at its top.
    """
    return json.dumps({**report.record(), **more}, indent=2, allow_nan=False, default=str) + "\n"
