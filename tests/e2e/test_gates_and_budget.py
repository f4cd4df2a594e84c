"""What a pipeline relies on: exit codes that say which promise a run broke, and a budget that holds."""

from __future__ import annotations

import re
from typing import Any

PROFILE = """
[[tasks]]
task = "proctor/theory_of_mind"
[[models]]
model = "openai/gpt-oss-120b"
providers = ["groq", "together"]
[grader]
model = "hf-inference-providers/openai/gpt-oss-120b:fastest"
[generate]
max_retries = 0
[run]
limit = 10
retry_on_error = 0
"""


def test_every_gate_that_fails_is_told_and_the_exit_code_is_3(user: Any, router: Any) -> None:
    router.fault({"target": "groq", "kind": "500", "count": 2})
    user.write("p.toml", PROFILE + "[gates]\nmin_score = 0.99\nmax_cost_usd = 0.000001\nmax_errors = 1\n")
    did = user.run("run", "p.toml", "--json", **router.environment)
    assert did.code == 3, did
    assert did.events[-1]["exit_code"] == 3
    groq, together = did.cells["groq"], did.cells["together"]
    assert (groq["samples"], groq["errors"], together["errors"]) == (10, 2, 0)
    assert max(groq["score"], together["score"]) < 0.99
    assert [line for line in did.err.splitlines() if line.startswith("gate failed: ")] == [
        f"gate failed: theory_of_mind · gpt-oss-120b:groq: score {groq['score']:.3f} is below min_score 0.99",
        f"gate failed: theory_of_mind · gpt-oss-120b:together: score {together['score']:.3f} is below min_score 0.99",
        f"gate failed: cost ${groq['cost_usd'] + together['cost_usd']:.4f} is above max_cost_usd 1e-06",
        "gate failed: 2 samples failed, more than max_errors 1",
    ]


def test_gates_that_hold_are_silent_and_tolerated_errors_are_no_failure(user: Any, router: Any) -> None:
    router.fault({"target": "groq", "kind": "500", "count": 1})
    user.write("p.toml", PROFILE + "[gates]\nmin_score = 0.1\nmax_cost_usd = 1.0\nmax_errors = 1\n")
    did = user.run("run", "p.toml", **router.environment)
    assert did.code == 0, did
    assert "gate" not in did.err


def test_a_budget_holds_the_run_and_says_so(user: Any, router: Any) -> None:
    router.fault({"target": "*", "kind": "slow", "delay_s": 0.1})
    user.write("p.toml", PROFILE)
    more = ["--set", "run.limit=50", "--set", "run.max_connections=2", "--budget", "0.012"]
    did = user.run("run", "p.toml", *more, **router.environment)
    assert did.code == 4, did
    assert "warning: [run]: budget_usd is $0.012, but the run is expected to cost $" in did.err
    assert " · budget $0.012 · " in did.err
    assert "the run's budget of $0.012 is used up" in did.err
    price = {"groq": (0.1, 0.5), "together": (0.15, 0.6), "cerebras": (0.25, 0.69)}
    spent = sum(
        (r["input_tokens"] * price[r["provider"]][0] + r["output_tokens"] * price[r["provider"]][1]) / 1e6
        for r in router.requests()
    )
    per_request = spent / len(router.requests())
    assert 0.006 < spent <= 0.012 + 4 * 2 * per_request, "over by more than the samples in flight"
    cells = re.findall(r"held +theory_of_mind · gpt-oss-120b:(\w+) .*budget", did.out)
    assert sorted(cells) == ["groq", "together"]

    router.fault()
    (run_dir,) = user.work.glob("logs/*")
    again = user.run("retry", run_dir.name, "--budget", "1", **router.environment)
    assert again.code == 0, again
    stories = [r for r in router.requests() if r["kind"] == "story"]
    assert len(stories) == len({(r["provider"], r["fingerprint"]) for r in stories}) == 100, "nothing is asked twice"
