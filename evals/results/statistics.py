"""Which differences are real: intervals of scores, comparisons of two cells, and how many samples it would take.

A cell's scores are given as `Scores`: for each sample the values of its epochs. The sample is the unit of chance,
its epochs are no more than repeated looks at it, so everything is computed over the means of samples (Miller 2024,
"Adding Error Bars to Evals", arXiv:2411.00640, sections 2.2 and 4.2). A sample without a value belongs in no
`Scores`. Everything here is two-sided and at 95% unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from statistics import NormalDist, fmean
from typing import Any, Literal

Scores = Mapping[Hashable, Sequence[float]]

CONFIDENCE = 0.95
POWER = 0.80
PAIRED_SHARE = 0.5  # of either cell's samples that must be common for a paired comparison

_SAME = 1e-12  # values nearer to each other differ by rounding

Method = Literal["exact McNemar", "paired t", "sign test", "Fisher's exact", "Welch's t", "permutation"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MeanScore:
    """The mean score of a cell and how sure it is."""

    value: float | None  # None: nothing was scored
    samples: int  # samples that have a value
    stderr: float | None = None  # None: fewer than two samples
    interval: Interval | None = None  # None: the data say nothing about it


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two cells, a minus b."""

    difference: float
    samples: int | None  # pairs; None for an unpaired comparison
    method: Method
    p_value: float | None  # None: too few samples to say anything
    interval: Interval | None  # of the difference
    variance: float | None  # per sample: of the differences of pairs, or of a plus of b where unpaired


def _special() -> Any:
    # The distribution functions alone: scipy.stats takes four times as long to import.
    return import_module("scipy.special")


def _z(share: float) -> float:
    return NormalDist().inv_cdf(share)


def _t(share: float, freedom: float) -> float:
    return float(_special().stdtrit(freedom, share))


def _t_p_value(statistic: float, freedom: float) -> float:
    return 2 * float(_special().stdtr(freedom, -abs(statistic)))


def _means(scores: Scores) -> list[float]:
    return [values[0] if len(values) == 1 else fmean(values) for values in scores.values()]


def _variance(values: Sequence[float], mean: float, *, of_sample: bool = True) -> float | None:
    """Of the population that the values are a sample of, or of just these values. `None` without a second one."""
    freedom = len(values) - of_sample
    if not freedom:
        return None
    if max(values) - min(values) <= _SAME * max(1.0, abs(mean)):
        return 0.0
    return math.fsum((value - mean) ** 2 for value in values) / freedom


def is_binary(scores: Scores) -> bool:
    """Whether every sample was looked at once and is either right or wrong."""
    return all(len(values) == 1 and values[0] in (0.0, 1.0) for values in scores.values())


def wilson(successes: float, n: int) -> Interval:
    """The score interval of a share (Wilson 1927, JASA 22:209-212).

    Raises:
        ValueError: `n` is not positive.
    """
    if n <= 0:
        raise ValueError("an interval needs at least one sample")
    z = _z((1 + CONFIDENCE) / 2)
    share = successes / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends the bound is 0 or 1 but for rounding.
    return Interval((centre - half) / scale if successes else 0.0, (centre + half) / scale if successes < n else 1.0)


def mean_score(scores: Scores) -> MeanScore:
    """The mean over samples, its standard error and its interval.

    One look at right-or-wrong samples: Wilson's interval. Otherwise Student's t over the means of the samples, which
    with several epochs is the standard error clustered by sample (Miller 2024, section 2.2), cut at 0 and 1 where
    the values are grades. Samples that are all right or all wrong have Wilson's interval even over several epochs,
    with the samples counted once; other values that are all the same tell nothing about their spread, so there is
    no interval then.
    """
    n = len(scores)
    if n == 0:
        return MeanScore(None, 0)
    means = _means(scores)
    value = fmean(means)
    spread = _variance(means, value)
    stderr = None if spread is None else math.sqrt(spread / n)
    graded = all(one in (0.0, 0.5, 1.0) for values in scores.values() for one in values)
    if is_binary(scores) or (graded and value in (0.0, 1.0)):
        return MeanScore(value, n, stderr, wilson(value * n, n))
    if not stderr:
        return MeanScore(value, n, stderr)
    half = _t((1 + CONFIDENCE) / 2, n - 1) * stderr
    low, high = value - half, value + half
    return MeanScore(value, n, stderr, Interval(max(low, 0.0), min(high, 1.0)) if graded else Interval(low, high))


def normal_interval(value: float | None, stderr: float | None) -> Interval | None:
    """The interval of a metric of which no more than the standard error is known; `None` without one."""
    if value is None or not stderr:
        return None
    half = _z((1 + CONFIDENCE) / 2) * stderr
    return Interval(value - half, value + half)


def compare(a: Scores, b: Scores) -> Comparison | None:
    """Compare two cells: in pairs where at least half of either's samples are common, else as two groups.

    Pairs take out what the samples themselves differ in, which is most of the noise of an eval (Miller 2024,
    section 4.2). The samples that only one cell has are left out of a paired comparison.

    Returns:
        The comparison, `None` where one of them has no samples.
    """
    if not a or not b:
        return None
    common = [sample for sample in a if sample in b]
    if len(common) >= PAIRED_SHARE * max(len(a), len(b)):
        return _compare_pairs({sample: a[sample] for sample in common}, {sample: b[sample] for sample in common})
    return _compare_groups(a, b)


def _compare_pairs(a: Scores, b: Scores) -> Comparison:
    n = len(a)
    differences = [of_a - of_b for of_a, of_b in zip(_means(a), _means(b), strict=True)]
    mean = fmean(differences)
    spread = _variance(differences, mean)
    if is_binary(a) and is_binary(b):
        only_a = sum(one > 0 for one in differences)
        only_b = sum(one < 0 for one in differences)
        both = sum(a[sample][0] == 1.0 == b[sample][0] for sample in a)
        interval = newcombe_paired(both, only_a, only_b, n - both - only_a - only_b)
        discord = _variance(differences, mean, of_sample=False)
        return Comparison(mean, n, "exact McNemar", mcnemar(only_a, only_b), interval, discord)
    if spread is None:
        return Comparison(mean, n, "paired t", None, None, None)
    if spread == 0:
        # The same difference everywhere leaves t without a spread; its sign still is evidence.
        return Comparison(mean, n, "sign test", mcnemar(n, 0) if abs(mean) > _SAME else 1.0, None, spread)
    stderr = math.sqrt(spread / n)
    half = _t((1 + CONFIDENCE) / 2, n - 1) * stderr
    return Comparison(mean, n, "paired t", _t_p_value(mean / stderr, n - 1), Interval(mean - half, mean + half), spread)


def _compare_groups(a: Scores, b: Scores) -> Comparison:
    means_a, means_b = _means(a), _means(b)
    n_a, n_b = len(a), len(b)
    mean_a, mean_b = fmean(means_a), fmean(means_b)
    difference = mean_a - mean_b
    spread_a, spread_b = _variance(means_a, mean_a), _variance(means_b, mean_b)
    spread = None if spread_a is None or spread_b is None else spread_a + spread_b
    if is_binary(a) and is_binary(b):
        right_a, right_b = round(sum(means_a)), round(sum(means_b))
        p_value = fisher(right_a, n_a - right_a, right_b, n_b - right_b)
        interval = newcombe_unpaired(right_a, n_a, right_b, n_b)
        of_shares = mean_a * (1 - mean_a) + mean_b * (1 - mean_b)
        return Comparison(difference, None, "Fisher's exact", p_value, interval, of_shares)
    if spread_a is None or spread_b is None:
        return Comparison(difference, None, "Welch's t", None, None, None)
    if spread == 0:
        # Two groups without any spread: of all ways to deal the samples out, these two separate them as well.
        ways = math.lgamma(n_a + n_b + 1) - math.lgamma(n_a + 1) - math.lgamma(n_b + 1)
        p_value = min(1.0, 2 * math.exp(-ways)) if abs(difference) > _SAME else 1.0
        return Comparison(difference, None, "permutation", p_value, None, spread)
    part_a, part_b = spread_a / n_a, spread_b / n_b
    stderr = math.sqrt(part_a + part_b)
    freedom = (part_a + part_b) ** 2 / (part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1))  # Welch 1947
    half = _t((1 + CONFIDENCE) / 2, freedom) * stderr
    interval = Interval(difference - half, difference + half)
    return Comparison(difference, None, "Welch's t", _t_p_value(difference / stderr, freedom), interval, spread)


def mcnemar(only_a: int, only_b: int) -> float:
    """The exact conditional p-value of McNemar's test, from the pairs on which the two disagree.

    McNemar 1947; Fagerland, Lydersen and Laake 2013 (BMC Med Res Methodol 13:91), whose figures the tests hold. It
    never rejects more often than it says, which the mid-p version may.
    """
    n = only_a + only_b
    return min(1.0, 2 * float(_special().bdtr(min(only_a, only_b), n, 0.5))) if n else 1.0


def fisher(right_a: int, wrong_a: int, right_b: int, wrong_b: int) -> float:
    """The p-value of Fisher's exact test of two shares: all tables as unlikely as this one or more so (Fisher 1934)."""
    np, log_gamma = import_module("numpy"), _special().gammaln
    n_a, n_b, right = right_a + wrong_a, right_b + wrong_b, right_a + right_b

    def log_choose(n: int, k: Any) -> Any:
        return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1)

    first = max(0, right - n_b)
    k = np.arange(first, min(n_a, right) + 1)
    chance = np.exp(log_choose(n_a, k) + log_choose(n_b, right - k) - log_choose(n_a + n_b, right))
    # Tables that are equally likely differ by rounding.
    return min(1.0, float(chance[chance <= chance[right_a - first] * (1 + 1e-7)].sum()))


def newcombe_paired(both: int, only_a: int, only_b: int, neither: int) -> Interval:
    """The interval of the difference of two shares over the same samples (Newcombe 1998, method 10).

    Improved confidence intervals for the difference between binomial proportions based on paired data, Statistics in
    Medicine 17:2635-2650.
    """
    n = both + only_a + only_b + neither
    right_a, right_b = both + only_a, both + only_b
    share_a, share_b = right_a / n, right_b / n
    of_a, of_b = wilson(right_a, n), wilson(right_b, n)
    margins = right_a * (n - right_a) * right_b * (n - right_b)
    covariance = both * neither - only_a * only_b
    if covariance > 0:
        covariance = max(covariance - n / 2, 0)
    phi = covariance / math.sqrt(margins) if margins else 0.0
    down_a, up_a = share_a - of_a.low, of_a.high - share_a
    down_b, up_b = share_b - of_b.low, of_b.high - share_b
    difference = share_a - share_b
    below = math.sqrt(max(0.0, down_a**2 - 2 * phi * down_a * up_b + up_b**2))
    above = math.sqrt(max(0.0, up_a**2 - 2 * phi * up_a * down_b + down_b**2))
    return Interval(difference - below, difference + above)


def newcombe_unpaired(right_a: int, n_a: int, right_b: int, n_b: int) -> Interval:
    """The interval of the difference of two independent shares (Newcombe 1998, method 10).

    Interval estimation for the difference between independent proportions, Statistics in Medicine 17:873-890.
    """
    share_a, share_b = right_a / n_a, right_b / n_b
    of_a, of_b = wilson(right_a, n_a), wilson(right_b, n_b)
    difference = share_a - share_b
    below = math.hypot(share_a - of_a.low, of_b.high - share_b)
    above = math.hypot(of_a.high - share_a, share_b - of_b.low)
    return Interval(difference - below, difference + above)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of a family of tests, adjusted so that its chance of one false alarm is held (Holm 1979).

    In the order given; comparable with one minus the confidence.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def samples_needed(difference: float, variance_per_sample: float) -> int | None:
    """How many samples would show a difference at 95% with 80% power (Miller 2024, section 5).

    Args:
        difference: The difference of the means.
        variance_per_sample: `Comparison.variance`: of the differences of pairs, then the answer is in pairs; or the
            sum of both cells' variances, then it is samples of each.

    Returns:
        At least 2; `None` where there is no difference to show.
    """
    if difference == 0:
        return None
    z = _z((1 + CONFIDENCE) / 2) + _z(POWER)
    return max(2, math.ceil(z * z * variance_per_sample / difference**2))
