"""The API keys of services that the router does not stand for: which variables of the environment hold them.

The names are those that Inspect's providers look for (`inspect_ai/model/_providers/`). A service that is not here, or
that lets one sign in in other ways, is left for Inspect to judge.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

# Any one of them will do.
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "cloudflare": ("CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN"),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks": ("FIREWORKS_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_USE_ADC"),
    "grok": ("XAI_API_KEY", "GROK_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "meta": ("META_API_KEY", "MODEL_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "perplexity": ("PERPLEXITY_API_KEY",),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "together": ("TOGETHER_API_KEY",),
}
_ELSEWHERE = frozenset({"azure", "bedrock", "vertex"})  # `openai/azure/gpt-5`: signed in to in other ways
_COMPATIBLE = frozenset({"openai-api", "openai-api-completions"})  # `openai-api/<service>/<model>`
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*[^\s#]", re.MULTILINE)
_DOTENV_CHARS = 1_000_000


def key_variables(model_name: str) -> tuple[str, ...]:
    """The variables of which one must be set to ask a model; none where that is not known.

    Args:
        model_name: A full Inspect model name.
    """
    service, _, rest = model_name.partition("/")
    inner, slash, _ = rest.partition("/")
    if service in _COMPATIBLE:
        return (f"{inner.upper().replace('-', '_')}_API_KEY",) if slash else ()
    return () if slash and inner in _ELSEWHERE else _VARIABLES.get(service, ())


def set_variables(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> frozenset[str]:
    """The names of the variables that a cell will find set: the environment's, and those of the nearest `.env`.

    Inspect reads the `.env` of the working folder or of the nearest folder above it that has one.

    Args:
        environ: The environment; this process's when left out.
        cwd: The working folder; this process's when left out.
    """
    names = {name for name, value in (os.environ if environ is None else environ).items() if value}
    cwd = Path.cwd() if cwd is None else cwd
    for folder in (cwd, *cwd.parents):
        path = folder / ".env"
        if path.is_file():
            try:
                with path.open(encoding="utf-8", errors="replace") as file:
                    names.update(_ASSIGNMENT.findall(file.read(_DOTENV_CHARS)))
            except OSError:
                pass  # Inspect cannot read it either
            break
    return frozenset(names)


def missing_key(model_name: str, variables: Collection[str]) -> tuple[str, ...]:
    """The variables of which one should be set and none is; none where nothing is amiss."""
    wanted = key_variables(model_name)
    return () if set(wanted).intersection(variables) else wanted
