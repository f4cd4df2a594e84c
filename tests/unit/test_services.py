"""What Inspect's providers need and send: keys, addresses, packages; and which hosts may get which key."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from proctor.evals.catalog.endpoints import Endpoints
from proctor.evals.catalog.services import (
    SERVICES,
    Address,
    Surroundings,
    host_of,
    is_loopback,
    look_around,
    missing_keys,
    missing_packages,
    provider_names,
    service_of,
)
from proctor.evals.planning.consent import KeyUse, accepting, key_uses, read_accepted, write_accepted
from proctor.evals.planning.plan import Endpoint

HUB = Endpoints("hub", "https://router.huggingface.co/v1", "https://huggingface.co", "hf_secret")
ALL_KEYS = frozenset(
    {"OPENAI_API_KEY", "GROQ_API_KEY", "FAKE_API_KEY", "ANTHROPIC_AUTH_TOKEN", "HF_TOKEN", "VLLM_API_KEY"}
)


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("openai/gpt-5", ("OPENAI_API_KEY",)),
        ("openai/azure/gpt-5", ()),  # signed in to in other ways
        ("openrouter/openai/gpt-5", ("OPENROUTER_API_KEY",)),
        ("openai-api/my-service/some/model", ("MY_SERVICE_API_KEY",)),
        ("ollama/llama3", ()),
        ("mockllm/model", ()),
        ("hf-inference-providers/openai/gpt-oss-120b", ("HF_TOKEN",)),
    ],
)
def test_the_keys_that_a_model_needs(name: str, variables: tuple[str, ...]) -> None:
    assert missing_keys(name, ()) == variables


def test_the_table_names_what_inspects_providers_look_for() -> None:
    import inspect_ai.model._providers as providers

    source = "".join(path.read_text() for path in Path(providers.__path__[0]).rglob("*.py"))
    made_of_names = {
        f"{name.upper().replace('-', '_')}_{kind}" for name in provider_names() for kind in ("API_KEY", "BASE_URL")
    }
    made_of_names |= {"LLAMA_CPP_PYTHON_BASE_URL"}
    for name, service in SERVICES.items():
        variables = (*service.keys, *service.addresses)
        assert [one for one in variables if one not in source and one not in made_of_names] == [], name
        assert [host for host in service.hosts if host not in source and not _is_sdks_own(host)] == [], name


def _is_sdks_own(host: str) -> bool:
    """Defaults of the services' own packages, which Inspect does not name."""
    return host in {
        "api.anthropic.com", "api.groq.com", "api.mistral.ai", "api.openai.com", "generativelanguage.googleapis.com",
    }  # fmt: skip


def test_the_table_has_the_providers_and_the_packages_that_inspect_has() -> None:
    from inspect_ai.model._providers import providers

    source = Path(providers.__file__).read_text()
    assert set(re.findall(r'@modelapi\(name="([^"]+)"\)', source)) == set(provider_names())
    for function in source.split("@modelapi")[1:]:
        name = re.findall(r'name="([^"]+)"', function)[0]
        package = re.findall(r'PACKAGE = "([^"]+)"', function)
        version = re.findall(r'MIN_VERSION = "([^"]+)"', function)
        if package and package != ["openai"] and "def validate_" not in function:
            found = {one.name: one.at_least for one in SERVICES[name].packages}
            assert found == dict([(package[0], version[0] if version else "")]), name


def test_a_key_may_stand_in_the_environment_or_in_the_nearest_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\nexport OPENAI_API_KEY='sk'\nGROQ_API_KEY=\nOPENAI_BASE_URL=http://x/v1\n"
    )
    (tmp_path / "inner").mkdir()
    around = look_around(
        [], {"XAI_API_KEY": "x", "TOGETHER_API_KEY": "", "GROQ_BASE_URL": "http://g"}, tmp_path / "inner"
    )
    assert [missing_keys(name, around.variables) for name in ("openai/gpt-5", "grok/grok-4")] == [(), ()]
    assert missing_keys("groq/llama", around.variables) == ("GROQ_API_KEY",)
    assert missing_keys("together/llama", around.variables) == ("TOGETHER_API_KEY",)
    assert around.addresses == {
        "OPENAI_BASE_URL": Address("http://x/v1", in_dotenv=True),
        "GROQ_BASE_URL": Address("http://g", in_dotenv=False),
    }


def test_packages_that_are_there_are_not_missed_and_others_are() -> None:
    around = look_around(["transformer_lens/gpt2", "bedrock/x", "vllm/x"])
    assert missing_packages("transformer_lens/gpt2", None, around) == ("transformer_lens",)
    assert missing_packages("bedrock/x", None, around) == (), "s3fs brings it"
    assert missing_packages("vllm/x", None, around) == ("vllm",), "it would start a server"
    assert missing_packages("vllm/x", "http://gpu:8000/v1", around) == ()


def uses(
    model: str, base_url: str | None = None, around: Surroundings | None = None, hub: Endpoints = HUB
) -> list[KeyUse]:
    return list(key_uses("", Endpoint(model, base_url=base_url), hub, around or Surroundings(ALL_KEYS)))


@pytest.mark.parametrize(
    ("model", "base_url", "expected"),
    [
        ("openai/gpt-5", None, None),
        ("openai/gpt-5", "https://api.openai.com/v1", None),
        ("openai/gpt-5", "https://api.openai.com:443/v1", None),
        ("openai/gpt-5", "http://api.openai.com/v1", ("OPENAI_API_KEY", "api.openai.com")),  # for all to read
        ("openai/gpt-5", "https://API.OPENAI.COM.evil.example/v1", ("OPENAI_API_KEY", "api.openai.com.evil.example")),
        ("openai/gpt-5", "http://127.0.0.1:8000/v1", None),
        ("openai/gpt-5", "http://[::1]:8000/v1", None),
        ("openai/gpt-5", "http://localhost/v1", None),
        ("openai/gpt-5", "http://localhost.evil.example/v1", ("OPENAI_API_KEY", "localhost.evil.example")),
        ("openai/gpt-5", "http://127.1:80/v1", ("OPENAI_API_KEY", "127.1")),  # may be anything
        ("openai/gpt-5", "http://0.0.0.0:80/v1", ("OPENAI_API_KEY", "0.0.0.0")),
        ("openai-api/fake/m", "http://gpu-fake.lan/v1", None),
        ("openai-api/openai/gpt-5", "https://evil.example/v1", ("OPENAI_API_KEY", "evil.example")),
        ("openai-api/openai/gpt-5", "https://api.openai.com/v1", None),
        ("openai-api/groq/llama", "https://evil.example/v1", ("GROQ_API_KEY", "evil.example")),
        ("anthropic/claude", "https://evil.example", ("ANTHROPIC_AUTH_TOKEN", "evil.example")),
        ("mistral/large", "https://evil.example", None),  # no key is set
        ("ollama/llama3", "http://gpu.lan:11434/v1", None),
        ("vllm/m", "http://gpu.lan:8000/v1", ("VLLM_API_KEY", "gpu.lan:8000")),
        ("bedrock/m", "https://evil.example", ("the AWS sign-in", "evil.example")),
        ("their-own/m", "https://evil.example", ("any key that their-own reads", "evil.example")),
        ("hf-inference-providers/a/b:c", "https://evil.example/v1", ("HF_TOKEN", "evil.example")),
        ("hf-inference-providers/a/b:c", "https://router.huggingface.co/v1", None),
    ],
)  # fmt: skip
def test_which_key_waits_for_consent_to_which_host(
    model: str, base_url: str | None, expected: tuple[str, str] | None
) -> None:
    found = [(use.key, use.host) for use in uses(model, base_url) if use.needs_consent]
    assert found == ([] if expected is None else [expected])


def test_an_address_in_the_users_environment_is_accepted_and_one_in_a_folder_is_not() -> None:
    for variable in ("OPENAI_BASE_URL", "INSPECT_EVAL_MODEL_BASE_URL"):
        for in_dotenv in (False, True):
            around = Surroundings(ALL_KEYS, {variable: Address("https://proxy.example/v1", in_dotenv)})
            (use,) = uses("openai/gpt-5", around=around)
            assert (use.key, use.host, use.source, use.needs_consent) == (
                "OPENAI_API_KEY", "proxy.example", variable, in_dotenv,
            )  # fmt: skip


def test_practice_has_no_token_to_lose() -> None:
    practice = Endpoints("practice", "http://127.0.0.1:1/v1", "http://127.0.0.1:1", "practice")
    assert uses("hf-inference-providers/a/b", "https://evil.example/v1", hub=practice) == []


def test_what_was_accepted_is_remembered_for_the_profile_and_the_key_by_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    mine, other = Path("/p/mine.toml"), Path("/p/other.toml")
    found = uses("openai/gpt-5", "https://evil.example:8443/v1")
    write_accepted(mine, accepting(found, ["EVIL.example"]))
    assert read_accepted(mine) == {"evil.example:8443": {"OPENAI_API_KEY"}}
    assert read_accepted(other) == {}
    assert accepting(found, ["example", "other"]) == {}
    (file,) = tmp_path.rglob("accepted-hosts.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("{broken")
    assert read_accepted(mine) == {}, "it is asked again"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user@evil.example/v1", "evil.example"),
        ("https://evil.example\\@api.openai.com/v1", "evil.example"),
        ("HTTP://Evil.Example.:80/v1", "evil.example"),
        ("http://[::1]:99/", "[::1]:99"),
        ("http://x:notaport/", ""),
        ("api.x.ai", "api.x.ai"),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert host_of(url) == host


def test_names_that_only_look_like_this_machine() -> None:
    assert is_loopback("http://127.8.9.1/") and is_loopback("http://a.localhost:1/")
    assert not any(map(is_loopback, ("http://localhost@evil.example/", "http://2130706433/", "http://[::]/")))


def test_a_provider_of_another_package_is_left_to_inspect() -> None:
    assert service_of("their-own/m") is None and missing_keys("their-own/m", ()) == ()
