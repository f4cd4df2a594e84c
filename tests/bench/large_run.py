"""A run with a hundred running samples and more, over a slow practice router: its profile, and where it lives."""

from __future__ import annotations

import os
from pathlib import Path

from proctor.evals.run.status_file import read_status
from proctor.evals.simulator.launch import PracticeServer

TITLE = "A large run"
PROFILE = f"""
title = "{TITLE}"
[[tasks]]
task = "proctor/theory_of_mind"
[[models]]
model = "openai/gpt-oss-120b"
providers = ["groq", "novita", "together", "nscale"]
[run]
limit = 100
epochs = 4
max_connections = 30
"""
SLOW = ("--speed", "0.25")  # of the router


def environ_of(home: Path, server: PracticeServer) -> dict[str, str]:
    """An environment in which everything is kept in one folder, and asked of one practice router."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))},
        **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "STATE")},
        **{"XDG_RUNTIME_DIR": str(home), "HF_HOME": str(home / "hf"), "HF_TOKEN": "hf_practice"},
        **{"PROCTOR_ROUTER_URL": server.url, "HF_ENDPOINT": server.hub_url},
    }


def is_busy(run_dir: Path) -> bool:
    """Whether a hundred samples are being worked on."""
    return sum(cell.in_flight + cell.waiting for cell in read_status(run_dir).cells) >= 100
