"""Imported once in the forkserver: all that Inspect's first eval would import, and nothing that starts threads.

A module that is gone in a later version is passed over.
"""

from __future__ import annotations

import gc
import importlib
import os

from . import compat

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["INSPECT_DISPLAY"] = "none"  # Inspect reads it once, while it is loaded

_MODULES = (
    "inspect_ai",
    "inspect_ai.dataset",
    "inspect_ai.hooks",
    "inspect_ai.log",
    "inspect_ai.model",
    "inspect_ai.scorer",
    "inspect_ai.solver",
    "aiohttp",
    "fastapi",
    "fsspec.implementations.chained",
    "httpcore2",
    "numpy",
    "openai.resources.beta",
    "openai.resources.chat",
    "openai.types.chat",
    "pydantic.v1",
    "rich.markdown",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.h11_impl",
    "proctor.evals.tasks.builtin.registry",
    "proctor.evals.run.worker.main",
    "proctor.evals.inspect.logs.log_reader",
)


def _load() -> None:
    gc.disable()  # nothing that is loaded is garbage: looking for it takes a third of the time
    for name in (*_MODULES, *compat.PRELOADED):
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"not preloaded: {name}: {error}")
    compat.losses(*compat.OF_CELLS)  # looks every name up, for all cells
    from inspect_ai.model import get_model_info

    get_model_info("hf-inference-providers/none/none")  # reads the model database
    # What is loaded stays for good: the collector of a cell need not walk it, nor copy its pages by walking.
    gc.collect()
    gc.freeze()
    gc.enable()


_load()
