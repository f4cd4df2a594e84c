"""API keys of services beside the router: which variables they stand in, and where those are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from proctor.evals.catalog.api_keys import key_variables, missing_key, set_variables


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("openai/gpt-5", ("OPENAI_API_KEY",)),
        ("openai/azure/gpt-5", ()),  # signed in to in other ways
        ("openrouter/openai/gpt-5", ("OPENROUTER_API_KEY",)),
        ("openai-api/my-service/some/model", ("MY_SERVICE_API_KEY",)),
        ("ollama/llama3", ()),
        ("mockllm/model", ()),
        ("hf-inference-providers/openai/gpt-oss-120b", ()),
    ],
)
def test_the_variables_of_a_service(name: str, variables: tuple[str, ...]) -> None:
    assert key_variables(name) == variables


def test_the_table_names_what_inspects_providers_look_for() -> None:
    import inspect_ai.model._providers as providers
    from proctor.evals.catalog import api_keys

    source = "".join(path.read_text() for path in Path(providers.__path__[0]).glob("*.py"))
    compatible = {
        f"{name.upper()}_API_KEY" for name in ("deepseek", "fireworks", "moonshot", "perplexity", "sambanova")
    }
    for service, variables in api_keys._VARIABLES.items():
        assert f'@modelapi(name="{service}")' in source
        assert all(variable in source or variable in compatible for variable in variables), service


def test_a_key_may_stand_in_the_environment_or_in_the_nearest_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# a comment\nexport OPENAI_API_KEY='sk'\nGROQ_API_KEY=\n")
    (tmp_path / "inner").mkdir()
    found = set_variables({"XAI_API_KEY": "x", "TOGETHER_API_KEY": ""}, tmp_path / "inner")
    assert missing_key("openai/gpt-5", found) == ()
    assert missing_key("grok/grok-4", found) == ()
    assert missing_key("groq/llama", found) == ("GROQ_API_KEY",)
    assert missing_key("together/llama", found) == ("TOGETHER_API_KEY",)
    assert missing_key("google/gemini", found) == ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_USE_ADC")
