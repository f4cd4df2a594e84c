"""What a plan is expected to take: more for more, unknown where something is unknown, bounded by what is set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from proctor.evals.catalog.listings import Listing, Price
from proctor.evals.planning.estimate import estimate_cell, output_tokens_per_call, totals
from proctor.evals.planning.plan import Cell, Endpoint, Estimate, Plan, Range, RunSettings
from proctor.evals.tasks.info import TaskFacts

FACTS = TaskFacts("t", samples=100, mean_input_chars=500, mean_target_chars=20, images_per_sample=0, model_graded=True)
OFFER = Listing("p", "live", Price(1.0, 3.0), tokens_per_s=100, first_token_ms=500)
CELL = Cell(
    "id", "t", {}, Endpoint("x/some-instruct"), "", {}, 1, None, Endpoint("x/g-instruct"), False, "p", None, None
)


def estimate(
    *,
    facts: TaskFacts = FACTS,
    offer: Listing | None = OFFER,
    grader_offer: Listing | None = OFFER,
    max_connections: int | None = None,
    **cell: Any,
) -> Estimate:
    return estimate_cell(replace(CELL, **cell), facts, offer, grader_offer, max_connections=max_connections)


def ranges(found: Estimate) -> list[Range]:
    known = [found.input_tokens, found.output_tokens, found.cost_usd, found.time_s]
    return [value for value in known if value is not None]


def test_samples_are_those_of_the_dataset_within_the_limit_in_every_epoch() -> None:
    assert estimate().samples == 100
    assert estimate(limit=30).samples == 30
    assert estimate(limit=3000).samples == 100
    assert estimate(limit=30, epochs=4).samples == 120


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"limit": 50}, {"limit": 51}),
        ({"epochs": 1}, {"epochs": 2}),
        ({"facts": FACTS}, {"facts": replace(FACTS, mean_input_chars=600)}),
        ({"facts": replace(FACTS, model_graded=False)}, {}),
        ({"generate": {"max_tokens": 15}}, {"generate": {"max_tokens": 100}}),
        ({"endpoint": Endpoint("x/some-instruct")}, {"endpoint": Endpoint("x/some-thinking")}),
        ({"grader": Endpoint("x/g-instruct")}, {"grader": Endpoint("x/gpt-oss-20b:groq")}),
        ({"generate": {"reasoning_effort": "low"}}, {"generate": {"reasoning_effort": "high"}}),
    ],
)
def test_more_takes_more(less: dict[str, Any], more: dict[str, Any]) -> None:
    pairs = list(zip(ranges(estimate(**less)), ranges(estimate(**more)), strict=True))
    assert len(pairs) == 4
    assert all(a.low <= b.low and a.high <= b.high for a, b in pairs)
    assert pairs[2][0].high < pairs[2][1].high


def test_low_is_never_above_high() -> None:
    for name in ("x/plain", "x/deepseek-r1", "x/y-it:groq"):
        for settings in ({}, {"max_tokens": 10}, {"reasoning_effort": "none"}, {"reasoning_tokens": 5}):
            for graded in (True, False, None):
                found = estimate(
                    facts=replace(FACTS, model_graded=graded), endpoint=Endpoint(name), grader=None, generate=settings
                )
                assert len(ranges(found)) == 4
                assert all(0 <= value.low <= value.high for value in ranges(found))


def test_images_weigh() -> None:
    seen, blind = estimate(facts=replace(FACTS, images_per_sample=2.0)).input_tokens, estimate().input_tokens
    assert seen is not None
    assert blind is not None
    assert (seen.low - blind.low, seen.high - blind.high) == (
        pytest.approx(100 * 2 * 85),
        pytest.approx(100 * 2 * 1500),
    )


def test_the_price_is_what_tokens_cost() -> None:
    alone = replace(FACTS, model_graded=False)
    found = estimate(facts=alone)
    assert found.input_tokens is not None
    assert found.output_tokens is not None
    assert found.cost_usd is not None
    for end in ("low", "high"):
        tokens = getattr(found.input_tokens, end) * 1.0 + getattr(found.output_tokens, end) * 3.0
        assert getattr(found.cost_usd, end) == pytest.approx(tokens / 1e6)
    dear = estimate(facts=alone, offer=replace(OFFER, price=Price(2.0, 6.0))).cost_usd
    assert dear is not None
    assert dear.high == pytest.approx(found.cost_usd.high * 2)


def test_an_unknown_price_is_never_zero() -> None:
    no_price = replace(OFFER, price=None)
    assert estimate(offer=no_price).cost_usd is None
    assert estimate(offer=None).cost_usd is None
    assert estimate(grader_offer=no_price).cost_usd is None
    assert estimate(grader_offer=None, facts=replace(FACTS, model_graded=None)).cost_usd is None
    assert estimate(grader=None, offer=no_price).cost_usd is None, "who grades itself pays its own price"
    assert estimate(grader=None, grader_offer=None).cost_usd is not None
    assert estimate(grader_offer=None, facts=replace(FACTS, model_graded=False)).cost_usd is not None
    assert estimate(offer=replace(OFFER, price=Price(0, 0)), grader=None).cost_usd == Range(0, 0)


def test_what_is_unknown_of_the_task_stays_unknown() -> None:
    assert estimate(facts=TaskFacts("t"), limit=5) == Estimate()
    assert estimate(facts=replace(FACTS, mean_input_chars=None)) == Estimate(samples=100)
    assert estimate(facts=replace(FACTS, sandbox="docker")) == Estimate(samples=100)


def test_an_unknown_speed_is_an_unknown_time() -> None:
    assert estimate(offer=replace(OFFER, tokens_per_s=None)).time_s is None
    assert estimate(offer=replace(OFFER, tokens_per_s=0.0)).time_s is None
    assert estimate(grader_offer=None).time_s is None
    assert estimate(offer=replace(OFFER, first_token_ms=None)).time_s is not None


def test_time_follows_speed_and_connections_down_to_what_one_process_can() -> None:
    one, twenty, adaptive = (estimate(max_connections=n).time_s for n in (1, 20, None))
    quick = replace(OFFER, tokens_per_s=1e9, first_token_ms=0)
    bound = estimate(offer=quick, grader_offer=quick, limit=None).time_s
    assert one is not None
    assert twenty is not None
    assert adaptive is not None
    assert bound is not None
    assert one.low > 10 * twenty.low
    assert adaptive.low < twenty.low < adaptive.high
    assert bound.low >= 100 * 2 / 60


def test_settings_bound_what_a_model_says() -> None:
    assert output_tokens_per_call("x/gpt-oss-20b", {"max_tokens": 64}) == Range(64, 64)
    assert output_tokens_per_call("x/thing-instruct", {"max_tokens": 64}) == Range(1, 64)
    none = output_tokens_per_call("x/gpt-oss-20b", {"reasoning_effort": "none"})
    assert none == output_tokens_per_call("x/thing-instruct", {})
    unsaid = output_tokens_per_call("x/thing", {})
    assert (unsaid.low, unsaid.high) == (none.low, output_tokens_per_call("x/gpt-oss-20b", {}).high)


def plan(*estimates: Estimate, cells_at_once: int = 2) -> Plan:
    cells = tuple(replace(CELL, id=str(n), estimate=found) for n, found in enumerate(estimates))
    return Plan("t", "hub", "r", "h", cells, RunSettings(cells_at_once, None, 1, None))


def taking(low_s: float, high_s: float, **fields: Any) -> Estimate:
    return Estimate(samples=10, time_s=Range(low_s, high_s), **fields)


def test_totals_sum_what_is_known_and_count_what_is_not() -> None:
    sums = totals(
        plan(taking(1, 2, cost_usd=Range(1, 2)), taking(1, 2, cost_usd=Range(0.5, 1)), taking(1, 2), Estimate()),
        cores=9,
    )
    assert (sums.tasks, sums.endpoints, sums.cells) == (1, 1, 4)
    assert (sums.samples, sums.cells_without_samples) == (30, 1)
    assert (sums.known_cost_usd, sums.cells_without_cost) == (Range(1.5, 3), 2)
    assert (sums.time_s, sums.cells_without_time) == (Range(2, 4), 1)
    assert totals(plan()).time_s is None


def test_cells_run_side_by_side_as_far_as_cells_and_cores_allow() -> None:
    times = [taking(4, 8), taking(2, 4), taking(2, 4), taking(2, 4)]
    assert totals(plan(*times, cells_at_once=1), cores=9).time_s == Range(10, 20)
    assert totals(plan(*times, cells_at_once=2), cores=9).time_s == Range(6, 12)
    assert totals(plan(*times, cells_at_once=9), cores=9).time_s == Range(4, 8)
    busy = [replace(time, samples=3600) for time in times]
    assert totals(plan(*busy, cells_at_once=9), cores=2).time_s == Range(120, 120)
