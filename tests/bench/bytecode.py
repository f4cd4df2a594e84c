"""Compiled modules, as users have them after the first start, also where the environment keeps none."""

from __future__ import annotations

import os
import subprocess
import sys


def keep_bytecode(folder: str, *modules: str) -> None:
    """Have all that is started from now on keep compiled modules in a folder, and fill it.

    Args:
        folder: Where.
        *modules: What is compiled before anything is measured.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = folder
    if modules:
        subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], check=True)
