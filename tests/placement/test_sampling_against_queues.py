"""The sampled percentiles against runs through real queues: first come first served, event by event.

The judge draws the waits of a run apart from each other; a queue does not. These say what that costs.
"""

import heapq
import math

import numpy as np
import pytest

from placement.problem import FanoutNode, OpNode
from placement.sampling import statistic
from placement.shared_evaluate import judge_shared
from placement.shared_problem import AgentLoad, Level
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, at, level, op, shared

RUNS = 60_000
WARM_UP = 5_000


def lognormal(generator: np.random.Generator, mean: float, sd: float, size: int) -> np.ndarray:  # type: ignore[type-arg]
    variance = math.log1p((sd / mean) ** 2)
    return generator.lognormal(math.log(mean) - variance / 2, math.sqrt(variance), size)


def queue(arrive: np.ndarray, service: np.ndarray, servers: int) -> np.ndarray:  # type: ignore[type-arg]
    """When each call ends; they need not come in order."""
    free = [0.0] * servers
    ends = np.empty(len(arrive))
    for call in np.argsort(arrive, kind="stable"):
        begin = max(arrive[call], heapq.heappop(free))
        ends[call] = begin + service[call]
        heapq.heappush(free, float(ends[call]))
    return ends


def percentiles(run_s: np.ndarray) -> list[float]:  # type: ignore[type-arg]
    return [statistic(run_s, stat) for stat in ("mean", "p50", "p95", "p99")]


def judged(levels: tuple[Level, ...], one: AgentLoad) -> list[float]:
    placement = at(*(0,) * len(one.problem.operators), replicas=(1,) * len(levels))
    found = judge_shared(shared(levels, one), placement, samples=10_000).agents[0].sampled
    assert found is not None
    return percentiles(found.run_s)


@pytest.mark.parametrize(("slots", "utilisation"), [(1, 0.6), (4, 0.5), (4, 0.8), (16, 0.9)])
def test_one_queue(slots: int, utilisation: float) -> None:
    levels = (level("a", slots=slots, cap=1.0),)
    rate = utilisation * slots
    generator = np.random.default_rng(1)
    arrive = np.cumsum(generator.exponential(1 / rate, RUNS))
    ends = queue(arrive, lognormal(generator, 1.0, 0.8, RUNS), slots)
    found = judged(levels, agent(levels, chain(OpNode(0)), op("o", (0, 1.0, 0.8)), rate=rate))
    assert found == pytest.approx(percentiles((ends - arrive)[WARM_UP:]), rel=0.15)


def test_two_queues_one_after_another() -> None:
    levels = (level("a", slots=4, cap=1.0), level("b", slots=8, cap=1.0))
    generator = np.random.default_rng(2)
    arrive = np.cumsum(generator.exponential(1 / 3.0, RUNS))
    ends = queue(queue(arrive, lognormal(generator, 1.0, 0.5, RUNS), 4), lognormal(generator, 2.0, 1.0, RUNS), 8)
    rows = op("o", (0, 1.0, 0.5)), op("p", (1, 2.0, 1.0))
    found = judged(levels, agent(levels, chain(OpNode(0), OpNode(1)), *rows, rate=3.0))
    assert found == pytest.approx(percentiles((ends - arrive)[WARM_UP:]), rel=0.15)


@pytest.mark.parametrize(("slots", "utilisation"), [(1, 0.5), (4, 0.5), (4, 0.8), (16, 0.8)])
def test_a_fanout_of_eight_through_one_queue(slots: int, utilisation: float) -> None:
    levels = (level("a", slots=slots, cap=1.0),)
    rate = utilisation * slots / 8
    generator = np.random.default_rng(3)
    arrive = np.cumsum(generator.exponential(1 / rate, RUNS // 4))
    ends = queue(np.repeat(arrive, 8), lognormal(generator, 1.0, 0.5, 8 * len(arrive)), slots)
    exact = percentiles((ends.reshape(-1, 8).max(axis=1) - arrive)[WARM_UP // 4 :])
    root = chain(FanoutNode("fan", 8.0, 8, chain(OpNode(0))))
    found = judged(levels, agent(levels, root, op("o", (0, 1.0, 0.5), visits=8.0), rate=rate))
    assert found == pytest.approx(exact, rel=0.15)
