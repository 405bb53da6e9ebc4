"""The random numbers of sampled runs: times of visits, routes of runs, and counts of control nodes.

The generators are in `placement.draws`; here is what the drawn numbers mean under a placement.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placement.draws import Draws, Floats, Numbers, Seed
from placement.queueing import Waiting
from placement.shared_latency import Served
from placement.shared_routing import Move

Runs = NDArray[np.intp]
ByRun = float | Floats
"""The same for every run, or [run]."""


@dataclass(frozen=True, slots=True)
class Law:
    """How one option of an operator is drawn: a lognormal time exp(`log_mean` + `log_sd` * normal), and its wait."""

    log_mean: float
    log_sd: float
    wait: Waiting

    def wait_s(self, chance: Floats, ahead: Runs | None) -> Floats:
        """[visit] seconds waited: one number between 0 and 1 decides, the smaller the fuller the level.

        Below `busy` the first call of a batch waits, for an exponential time; below P(no slot free), P(one free) and so
        on the calls behind it do. `ahead` [visit] are the calls of its batch ahead of a call, which share `chance`.
        """
        waited = np.zeros(len(chance))
        waits = np.flatnonzero(chance < self.wait.busy)
        if len(waits):  # chance / busy is uniform over (0, 1) where a call waits
            waited[waits] = -self.wait.busy_s * np.log(chance[waits] / self.wait.busy)
        if ahead is not None and self.wait.free:
            free = np.searchsorted(np.cumsum(self.wait.free), chance, side="right")
            late = np.where(free == 0, ahead, np.maximum(ahead + 1 - free, 0))
            waited += np.where(free < len(self.wait.free), late, 0) * self.wait.ahead_s
        return waited


@dataclass(frozen=True, slots=True)
class Visits:
    """Draws visits of one operator: by option its law, and [run] the option where there are several."""

    numbers: Numbers
    laws: Mapping[int, Law]
    chosen: Runs | None

    def draw(self, runs: Runs, batch: Runs | None) -> tuple[Floats, Floats]:
        """[visit] seconds waited and seconds in a slot, one visit for each of `runs`.

        `batch` [visit], never falling, numbers the batches that the visits come in; None where each comes alone.
        """
        normal, chance = self.numbers.draw(len(runs))
        ahead: Runs | None = None
        if batch is not None:
            order = np.arange(len(runs))
            begins = np.ones(len(runs), dtype=np.bool_)
            begins[1:] = batch[1:] != batch[:-1]
            first = np.maximum.accumulate(np.where(begins, order, 0))
            ahead = order - first
            chance = chance[first]
        if self.chosen is None:
            (law,) = self.laws.values()
            return law.wait_s(chance, ahead), np.exp(law.log_mean + law.log_sd * normal)
        waited, service = np.zeros(len(runs)), np.zeros(len(runs))
        for option, law in self.laws.items():
            here = np.flatnonzero(self.chosen[runs] == option)
            waited[here] = law.wait_s(chance[here], None if ahead is None else ahead[here])
            service[here] = np.exp(law.log_mean + law.log_sd * normal[here])
        return waited, service


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


def visits_of(served: Served, seed: Seed, routes: Mapping[int, Runs], draws: Draws) -> dict[int, Visits]:
    """By operator that the placement takes, what draws its visits."""
    return {
        operator: Visits(
            numbers=draws.of(seed, operator),
            laws={option: _law(served, operator, option) for option, _ in shares},
            chosen=routes.get(operator),
        )
        for operator, shares in enumerate(served.routed.shares)
        if shares
    }


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


def _law(served: Served, operator: int, option: int) -> Law:
    """Of a lognormal with mean m and deviation d: sd^2 = ln(1 + (d / m)^2), mean = ln m - sd^2 / 2."""
    service = served.services[operator, option]
    wait = served.waits[operator, option]
    if service.visit_s == 0.0:
        return Law(-math.inf, 0.0, wait)
    variance = math.log1p((service.sd_s / service.visit_s) ** 2)
    return Law(math.log(service.visit_s) - variance / 2.0, math.sqrt(variance), wait)
