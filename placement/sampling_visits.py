"""The random numbers of sampled runs: times of visits, routes of runs, and counts of control nodes.

Each operator, group and control node has a generator of its own, fixed by the seed and its place in the problem, so
that its draws do not depend on what else is placed where.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from placement.shared_latency import Served
from placement.shared_routing import Move

Floats = NDArray[np.float64]
Runs = NDArray[np.intp]
ByRun = float | Floats
"""The same for every run, or [run]."""

_KINDS = {"visit": 0, "route": 1, "node": 2}


@dataclass(frozen=True, slots=True)
class Seed:
    """What fixes the draws of an agent."""

    seed: int
    agent: int

    def generator(self, kind: Literal["visit", "route", "node"], index: int) -> np.random.Generator:
        """The generator of one operator, group or control node."""
        return np.random.Generator(np.random.SFC64([self.seed, self.agent, _KINDS[kind], index]))


@dataclass(frozen=True, slots=True)
class Visits:
    """Draws visits of one operator: a lognormal time exp(`log_mean` + `log_sd` * normal) after an exponential wait.

    A call waits with `probability`, and then `wait_s` seconds on average.
    """

    generator: np.random.Generator
    log_mean: ByRun
    log_sd: ByRun
    probability: ByRun
    wait_s: ByRun

    def draw(self, runs: Runs) -> tuple[Floats, Floats]:
        """[visit] seconds waited and seconds in a slot, one visit for each of `runs`."""
        service = self.generator.standard_normal(len(runs))
        service *= at(self.log_sd, runs)
        service += at(self.log_mean, runs)
        np.exp(service, out=service)
        chance = 1.0 - self.generator.random(len(runs))  # never 0, so that an endless wait is endless
        probability, wait_s = at(self.probability, runs), at(self.wait_s, runs)
        wait = np.zeros(len(runs))
        waits = np.flatnonzero(chance < probability)
        if len(waits):
            # 1 - chance / probability is uniform over (0, 1) where a call waits.
            wait[waits] = -at(wait_s, waits) * np.log1p(-chance[waits] / at(probability, waits))
        return wait, service


def at(value: ByRun, runs: Runs) -> ByRun:
    """The values of some runs."""
    return value[runs] if isinstance(value, np.ndarray) else value


def draw_counts(generator: np.random.Generator, probabilities: Sequence[float], runs: int) -> Runs:
    """[run] a count n with probability `probabilities[n]`."""
    bounds = np.cumsum(probabilities)
    drawn = np.searchsorted(bounds / bounds[-1], generator.random(runs), side="right")
    return np.minimum(drawn, len(probabilities) - 1)


def routes_of(served: Served, seed: Seed, runs: int) -> dict[int, Runs]:
    """By operator that has several, [run] its option. Operators of a group follow one draw."""
    found: dict[int, Runs] = {}
    for operator, shares in enumerate(served.routed.shares):
        if len(shares) > 1:
            generator = seed.generator("route", served.agent.group[operator])
            position = draw_counts(generator, [share for _, share in shares], runs)
            found[operator] = np.array([option for option, _ in shares], dtype=np.intp)[position]
    return found


def visits_of(served: Served, seed: Seed, routes: Mapping[int, Runs]) -> dict[int, Visits]:
    """By operator that the placement takes, what draws its visits."""
    found: dict[int, Visits] = {}
    for operator, shares in enumerate(served.routed.shares):
        if shares:
            by_option = {option: _parameters(served, operator, option) for option, _ in shares}
            chosen = routes.get(operator)
            columns = zip(*by_option.values(), strict=True)
            first, second, third, fourth = (_by_run(dict(zip(by_option, row, strict=True)), chosen) for row in columns)
            found[operator] = Visits(seed.generator("visit", operator), first, second, third, fourth)
    return found


def edge_seconds(moves: Sequence[Move], source: Runs | None, target: Runs | None) -> ByRun:
    """What a transfer takes, by the options that the runs use at its ends."""
    if not moves:
        return 0.0
    if source is None and target is None:
        return moves[0][3].latency_s
    src = np.int64(moves[0][1]) if source is None else source
    dst = np.int64(moves[0][2]) if target is None else target
    most = max(max(one, other) for _, one, other, _ in moves) + 1
    if source is not None:
        most = max(most, int(source.max()) + 1)
    if target is not None:
        most = max(most, int(target.max()) + 1)
    table = np.zeros((most, most))
    for _, one, other, move in moves:
        table[one, other] = move.latency_s
    return table[src, dst]


def _parameters(served: Served, operator: int, option: int) -> tuple[float, float, float, float]:
    """Of a lognormal with mean m and deviation d: sd^2 = ln(1 + (d / m)^2), mean = ln m - sd^2 / 2; and the wait."""
    service = served.agent.load.services[operator][option]
    wait = served.waits[operator, option]
    waited = wait.mean_s / wait.probability if wait.probability > 0.0 else 0.0
    if service.visit_s == 0.0:
        return -math.inf, 0.0, wait.probability, waited
    variance = math.log1p((service.sd_s / service.visit_s) ** 2)
    log_mean = math.log(service.visit_s * served.margin) - variance / 2.0
    return log_mean, math.sqrt(variance), wait.probability, waited


def _by_run(values: Mapping[int, float], chosen: Runs | None) -> ByRun:
    if chosen is None:
        return next(iter(values.values()))
    table = np.zeros(max(values) + 1)
    for option, value in values.items():
        table[option] = value
    return table[chosen]
