"""Statistics against figures that others have published, and against what chance really does."""

from __future__ import annotations

import math
import random
from itertools import product
from statistics import NormalDist

import pytest
from proctor.evals.results.statistics import (
    Comparison,
    Interval,
    Scores,
    compare,
    fisher,
    holm,
    mcnemar,
    mean_score,
    newcombe_paired,
    newcombe_unpaired,
    samples_needed,
    wilson,
)

# Student's sleep data (R: datasets::sleep).
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def once(values: list[float], start: int = 0) -> Scores:
    return {start + i: [value] for i, value in enumerate(values)}


def right(count: int, n: int, start: int = 0) -> Scores:
    return once([1.0] * count + [0.0] * (n - count), start)


def paired_table(both: int, only_a: int, only_b: int, neither: int) -> tuple[Scores, Scores]:
    a = [1.0] * both + [1.0] * only_a + [0.0] * only_b + [0.0] * neither
    b = [1.0] * both + [0.0] * only_a + [1.0] * only_b + [0.0] * neither
    return once(a), once(b)


def bounds(interval: Interval | None, digits: int = 4) -> tuple[float, float]:
    assert interval is not None
    return round(interval.low, digits), round(interval.high, digits)


def compared(a: Scores, b: Scores) -> Comparison:
    found = compare(a, b)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_figures_of_newcombe_1998_table_1(successes: int, n: int, low: float, high: float) -> None:
    assert bounds(wilson(successes, n)) == (low, high)


def test_wilson_mirrors_and_ends_at_exactly_0_and_1() -> None:
    for n in (1, 2, 7, 100, 100_000):
        assert wilson(0, n).low == 0.0
        assert wilson(n, n).high == 1.0
        mirrored = wilson(n // 3, n), wilson(n - n // 3, n)
        assert mirrored[0].low == pytest.approx(1 - mirrored[1].high)
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0)


def test_unpaired_difference_gives_the_figures_of_newcombe_1998() -> None:
    assert bounds(newcombe_unpaired(56, 70, 48, 80)) == (0.0524, 0.3339)
    assert bounds(newcombe_unpaired(9, 10, 3, 10)) == (0.1705, 0.8090)
    assert bounds(newcombe_unpaired(10, 10, 0, 10)) == (0.6075, 1.0)


def test_paired_difference_gives_the_figure_of_newcombe_1998() -> None:
    assert bounds(newcombe_paired(36, 12, 2, 0)) == (0.0569, 0.3404)


def test_mcnemar_gives_the_figure_of_fagerland_2013() -> None:
    # Bentur et al. 2009, table 1: airway hyper-responsiveness before and after, 7 and 1 discordant of 21.
    assert mcnemar(1, 7) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar(7, 1) == mcnemar(1, 7)
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(4, 4) == 1.0


def test_fisher_gives_the_lady_her_tea_and_equals_counting() -> None:
    assert fisher(3, 1, 1, 3) == pytest.approx(0.4857, abs=5e-5)  # R: fisher.test(TeaTasting)
    for a, b, c, d in product(range(5), repeat=4):
        n_a, n_b, k = a + b, c + d, a + c
        chances = {x: math.comb(n_a, x) * math.comb(n_b, k - x) for x in range(max(0, k - n_b), min(n_a, k) + 1)}
        exact = sum(chance for chance in chances.values() if chance <= chances[a]) / math.comb(n_a + n_b, k)
        assert fisher(a, b, c, d) == pytest.approx(exact)


def test_holm_adjusts_like_r() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # R: p.adjust
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_paired_t_gives_students_own_figures() -> None:
    found = compared(once(SLEEP_1), once(SLEEP_2))
    assert (found.method, found.samples) == ("paired t", 10)
    assert found.p_value == pytest.approx(0.002833, abs=5e-7)  # R: t.test(extra ~ group, sleep, paired = TRUE)
    assert bounds(found.interval, 7) == (-2.4598858, -0.7001142)


def test_welch_gives_rs_figures() -> None:
    found = compared(once(SLEEP_1), once(SLEEP_2, start=100))
    assert (found.method, found.samples) == ("Welch's t", None)
    assert found.p_value == pytest.approx(0.07939, abs=5e-6)  # R: t.test(extra ~ group, sleep)
    assert bounds(found.interval, 7) == (-3.3654832, 0.2054832)


def test_the_guides_scores_differ_by_chance() -> None:
    """hugging-face.md: 0.84 and 0.80 of 100: half-width 0.075, of the unpaired difference 0.106, not significant."""
    for successes in (80, 84):
        interval = wilson(successes, 100)
        assert (interval.high - interval.low) / 2 == pytest.approx(0.075, abs=0.005)
    found = compared(right(84, 100), right(80, 100, start=1000))
    assert found.method == "Fisher's exact"
    assert found.p_value is not None and found.p_value == pytest.approx(0.5813, abs=5e-5)
    assert found.interval is not None
    assert (found.interval.high - found.interval.low) / 2 == pytest.approx(0.106, abs=0.0015)
    assert found.variance is not None
    # (1.95996 + 0.84162)² × (0.84 × 0.16 + 0.80 × 0.20) / 0.04²
    assert samples_needed(found.difference, found.variance) == 1445


def test_pairs_see_what_groups_cannot() -> None:
    a, b = paired_table(both=80, only_a=10, only_b=0, neither=10)
    paired = compared(a, b)
    apart = compared(a, {sample + 1000: values for sample, values in b.items()})  # pyright: ignore[reportOperatorIssue]
    assert paired.method == "exact McNemar"
    assert paired.p_value is not None and apart.p_value is not None
    assert paired.p_value == pytest.approx(2 * 0.5**10)
    assert apart.p_value > 0.05
    assert paired.variance is not None and apart.variance is not None
    needed, needed_apart = samples_needed(0.1, paired.variance), samples_needed(0.1, apart.variance)
    assert needed is not None and needed_apart is not None
    assert needed == math.ceil(7.8489 * (0.1 - 0.01) / 0.01) < needed_apart


def test_pairing_needs_half_of_either_and_takes_only_what_is_common() -> None:
    assert compared(right(50, 100), right(40, 100, start=50)).samples == 50
    assert compared(right(50, 100), right(40, 100, start=51)).samples is None
    assert compared(right(50, 100), right(40, 40)).samples is None
    assert compare({}, right(3, 4)) is None
    assert compare(right(3, 4), {}) is None


def test_nothing_and_next_to_nothing_claim_nothing() -> None:
    assert mean_score({}).value is None
    one = mean_score({"x": [0.3]})
    assert (one.value, one.samples, one.stderr, one.interval) == (0.3, 1, None, None)
    assert bounds(mean_score(right(1, 1)).interval) == (0.2065, 1.0)
    for a, b in ((right(1, 1), right(0, 1)), (once([0.2]), once([0.9])), (once([0.2]), once([0.9], start=5))):
        p_value = compared(a, b).p_value
        assert p_value is None or p_value == 1.0
    assert samples_needed(0.0, 0.2) is None
    assert samples_needed(1.0, 0.0) == 2


def test_all_right_is_not_certain() -> None:
    assert bounds(mean_score(right(10, 10)).interval) == (0.7225, 1.0)
    over_epochs = mean_score({i: [1.0] * 5 for i in range(10)})
    assert bounds(over_epochs.interval) == (0.7225, 1.0)  # epochs are no new samples
    assert mean_score(once([0.3] * 10)).interval is None


def test_the_same_scores_are_not_told_apart() -> None:
    same = right(7, 10)
    assert compared(same, same).p_value == 1.0
    assert compared(once([0.3] * 9), once([0.3] * 9)).p_value == 1.0
    assert compared(once([0.3] * 9), once([0.3] * 9, start=50)).p_value == 1.0


def test_a_constant_difference_is_evidence_only_by_its_count() -> None:
    a = [0.9, 0.4, 0.7]
    few = compared(once(a), once([value - 0.1 for value in a]))
    assert (few.method, few.p_value) == ("sign test", 0.25)
    many = compared(once(a * 10), once([value - 0.1 for value in a * 10]))
    assert many.p_value is not None and many.p_value < 1e-8
    assert compared(once([0.4] * 3), once([0.6] * 3, start=9)).p_value == pytest.approx(2 / math.comb(6, 3))


def test_epochs_are_clustered_by_sample() -> None:
    """Five looks that always agree are one look: the standard error is that of the samples."""
    draw = random.Random(5)
    once_each = {i: [float(draw.random() < 0.6)] for i in range(40)}
    five_each = {i: values * 5 for i, values in once_each.items()}
    assert mean_score(five_each).stderr == pytest.approx(mean_score(once_each).stderr)
    uneven = mean_score({"a": [1.0, 1.0, 1.0], "b": [0.0]})
    assert uneven.value == 0.5  # samples weigh alike, however many of their epochs were scored


def cut_normal_mean(mean: float, deviation: float) -> float:
    """Of a normal variable cut at 0 and 1."""
    normal, standard = NormalDist(mean, deviation), NormalDist()
    low, high = -mean / deviation, (1 - mean) / deviation
    inside = normal.cdf(1) - normal.cdf(0)
    return mean * inside + deviation * (standard.pdf(low) - standard.pdf(high)) + (1 - normal.cdf(1))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    draw = random.Random(11)
    held_once = held_epochs = 0
    truth = cut_normal_mean(0.7, 0.25)
    rounds = 1500
    for _ in range(rounds):
        skills = [min(1.0, max(0.0, draw.gauss(0.7, 0.25))) for _ in range(60)]
        looks = {i: [float(draw.random() < skill) for _ in range(4)] for i, skill in enumerate(skills)}
        clustered = mean_score(looks).interval
        single = wilson(sum(draw.random() < 0.7 for _ in range(60)), 60)
        assert clustered is not None
        held_epochs += clustered.low <= truth <= clustered.high
        held_once += single.low <= 0.7 <= single.high
    assert 0.93 < held_epochs / rounds < 0.97
    assert 0.93 < held_once / rounds < 0.975


def test_equal_models_are_called_different_no_more_often_than_said() -> None:
    draw = random.Random(3)
    false = {"exact McNemar": 0, "Fisher's exact": 0, "paired t": 0, "Welch's t": 0}
    rounds = 500
    for _ in range(rounds):
        chance = [draw.random() for _ in range(50)]
        binary = [once([float(draw.random() < p) for p in chance]) for _ in range(2)]
        graded = [once([p + draw.gauss(0, 0.2) for p in chance]) for _ in range(2)]
        for a, b in (binary, graded):
            apart = {sample + 99: values for sample, values in b.items()}  # pyright: ignore[reportOperatorIssue]
            for found in (compared(a, b), compared(a, apart)):
                assert found.p_value is not None
                false[found.method] += found.p_value < 0.05
    assert false["exact McNemar"] / rounds < 0.06
    assert false["Fisher's exact"] / rounds < 0.06
    assert 0.03 < false["paired t"] / rounds < 0.07
    assert false["Welch's t"] / rounds < 0.06


def test_the_promised_number_of_samples_has_the_promised_power() -> None:
    draw = random.Random(7)
    n = samples_needed(0.3, 1.0)
    assert n == 88  # (1.95996 + 0.84162)² / 0.09 = 87.2
    rounds = 600
    seen = 0
    for _ in range(rounds):
        a = [draw.gauss(0, 1) for _ in range(n)]
        found = compared(once([value + draw.gauss(0.3, 1) for value in a]), once(a))
        assert found.p_value is not None
        seen += found.p_value < 0.05
    assert 0.75 < seen / rounds < 0.85


def test_an_interval_of_grades_stays_on_the_scale_and_others_need_not() -> None:
    grades = mean_score(once([1.0, 1.0, 1.0, 0.5]))
    assert grades.interval is not None and grades.interval.high == 1.0
    marks = mean_score(once([10.0, 9.0, 10.0]))
    assert marks.interval is not None and marks.interval.high > 10.0
