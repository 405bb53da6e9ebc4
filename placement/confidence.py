"""How sure a limit on a sampled statistic is: another seed draws other runs, whose percentile may lie over the limit.

A limit is sure where the upper confidence limit of the statistic keeps it. Of a percentile that is a later one of the
sampled runs in order, whatever their distribution (the number of runs below the true percentile is binomial; here by
its normal approximation); of a mean the mean and so many of its standard errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ir.sla import Sla, Stat
from placement.evaluate import exceeds
from placement.quantile import QUANTILE
from placement.sampling_visits import Floats
from placement.shared_agent import AgentEvaluation
from placement.shared_evaluate import SharedEvaluation
from placement.shared_problem import AgentLoad, SharedProblem

DEVIATIONS = 3.09
"""Of a normal variable, 1 in 1,000 lies further above the mean."""


def upper_s(values: Floats, stat: Stat, deviations: float = DEVIATIONS) -> float:
    """The upper confidence limit of the statistic, or the lower one for deviations below 0.

    The longest run, or the shortest, where there are too few runs for such a percentile.
    """
    count = len(values)
    if stat == "worst":
        return float(values.max())
    if stat == "mean":
        deviation = float(values.std()) if np.isfinite(values).all() else 0.0
        return float(values.mean()) + deviations * deviation / math.sqrt(count)
    share = QUANTILE[stat]
    rank = math.ceil(share * count + deviations * math.sqrt(share * (1.0 - share) * count) - 1e-9) - 1
    rank = min(count - 1, max(0, rank))
    return float(np.partition(values, rank)[rank])


def is_sure(load: AgentLoad, verdict: AgentEvaluation) -> bool:
    """Whether the upper confidence limits of all sampled statistics keep the agent's hard limits on time."""
    return not any(exceeds(upper_s(values, sla.stat), sla.limit_s) for sla, values in _limits(load, verdict))


def percentiles_are_sure(load: AgentLoad, verdict: AgentEvaluation) -> bool:
    """As `is_sure` without the means: where no run takes longer, no percentile's upper confidence limit is larger."""
    rows = (row for row in _limits(load, verdict) if row[0].stat != "mean")
    return not any(exceeds(upper_s(values, sla.stat), sla.limit_s) for sla, values in rows)


def agents_that_hold(problem: SharedProblem, verdict: SharedEvaluation) -> list[bool]:
    """[agent] whether the judge finds all its limits on time kept."""
    late = [limit.what for limit in verdict.violations if limit.kind in ("sla", "first_output", "ttft")]
    return [not any(what == each.name or what.startswith(f"{each.name} ") for what in late) for each in problem.agents]


def surely_hold(problem: SharedProblem, verdict: SharedEvaluation) -> list[bool]:
    """[agent] whether the judge finds all its limits on time kept, and another seed would too."""
    rows = zip(problem.agents, verdict.agents, agents_that_hold(problem, verdict), strict=True)
    return [holds and is_sure(load, one) for load, one, holds in rows]


def _limits(load: AgentLoad, verdict: AgentEvaluation) -> Iterator[tuple[Sla, Floats]]:
    """The limits that are held against samples; the worst case is structural."""
    sampled, sla = verdict.sampled, load.problem.sla
    if sampled is None:
        return
    found: list[tuple[Sla | None, Floats | None]] = [
        (sla if load.problem.penalty_usd_per_s is None else None, sampled.run_s),
        (load.first_output.sla if load.first_output else None, sampled.first_output_s),
        *((call.ttft, values) for call, values in zip(load.calls, sampled.ttft_s, strict=True)),
    ]
    for limit, values in found:
        if limit is not None and values is not None and len(values) and limit.stat != "worst":
            yield limit, values
