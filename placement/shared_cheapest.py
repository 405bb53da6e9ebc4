"""The cheapest plan that the judge accepts, of all there are: every placement in the order of its cost, the judge last.

Waiting and percentiles are in no program, but more replicas never hurt a run: where even no waiting, or waiting at one
level alone, is too much, all plans with fewer replicas are out, and of a small problem so few are left that each can be
judged.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, product

from placement.brute_force import every_placement, placements
from placement.confidence import percentiles_are_sure, surely_hold
from placement.evaluate import score
from placement.held import HeldServices, held_services
from placement.problem import Placement
from placement.queueing import NO_WAITING, Waiting
from placement.sampling import Sampling
from placement.shared_agent import Bill, evaluate_agent
from placement.shared_evaluate import SharedEvaluation, judge_prepared
from placement.shared_latency import Served
from placement.shared_limits import agent_limits
from placement.shared_load import Visit, level_loads
from placement.shared_prepared import PreparedShared, prepare_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_routing import Routed, route
from placement.shared_score import excess
from placement.shared_surrogate import Surrogate, allowed, fees_of

_ROUND = 1e-9
_NO_BILL = Bill(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """Plans of less than `below` of the aim, judged with so many `samples`; no more than `most` verdicts, until `end`.

    `end` is in `time.monotonic()`. `sure`: the upper confidence limits keep the SLAs too (`placement.confidence`).
    """

    below: float
    samples: int
    seed: int
    most: int
    end: float
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """A plan that the judge accepts, its verdict, and its aim an hour."""

    plan: SharedPlacement
    evaluation: SharedEvaluation
    worth: float


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The cheapest plan that the judge accepts, None for none, after so many `verdicts`.

    `is_proven`: every plan that costs less than the one found, or than what was asked, was refused.
    """

    best: Judged | None
    is_proven: bool
    verdicts: int


def enumerable(table: Surrogate, most: int) -> bool:
    """Whether all plans can be looked at: at most so many placements, none whose times or cost depend on samples."""
    few = math.prod(placements(one) for one in table.agents) <= most
    loads = any(service.loading is not None for one in table.problem.agents for row in one.services for service in row)
    soft = any(one.problem.penalty_usd_per_s is not None for one in table.problem.agents)
    return few and not loads and not soft and table.aim.latency == 0.0


def cheapest_judged(table: Surrogate, asked: Asked) -> Cheapest:
    """Judges plans in the order of their cost until one is accepted. Only for a problem that is `enumerable`."""
    search = _Search(table, prepare_shared(table.problem), asked)
    for combination in _combinations(table):
        search.push(combination, combination.fewest, 0)
    while search.heap:
        worth, _, combination, replicas, first = heapq.heappop(search.heap)
        if search.spent:
            break
        if not search.may_hold(combination):
            continue
        verdict = search.judge(combination, replicas)
        if verdict.feasible and (not asked.sure or all(surely_hold(table.problem, verdict))):
            plan = SharedPlacement(combination.agents, replicas)
            return Cheapest(Judged(plan, verdict, worth), is_proven=True, verdicts=search.verdicts)
        search.expand(combination, replicas, first)
    return Cheapest(None, is_proven=not search.spent, verdicts=search.verdicts)


@dataclass(slots=True)
class _Combination:
    """A placement of every agent: fees an hour as they weigh in the aim and the dollars of operators' alone, the fewest
    replicas, and once known the `floor` of each."""

    indices: tuple[int, ...]
    agents: tuple[Placement, ...]
    fees: float
    usd: float
    fewest: tuple[int, ...]
    floor: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    """One agent's placement: its fees, and replicas that it fills by level."""

    placement: Placement
    fees: float
    shares: Mapping[int, float]


def _combinations(table: Surrogate) -> Iterator[_Combination]:
    rows = [list(_rows(table, agent)) for agent in range(len(table.agents))]
    for indices in product(*(range(len(each)) for each in rows)):
        chosen = [each[index] for each, index in zip(rows, indices, strict=True)]
        shares = [0.0] * len(table.prices)
        for row in chosen:
            for level, share in row.shares.items():
                shares[level] += share
        fewest = tuple(math.ceil(share * (1.0 - _ROUND)) for share in shares)
        agents = tuple(row.placement for row in chosen)
        yield _Combination(indices, agents, math.fsum(row.fees for row in chosen), fees_of(table, agents), fewest)


def _rows(table: Surrogate, agent: int) -> Iterator[_Row]:
    """The placements that break no rule of groups, transfers and tenants."""
    prepared = table.agents[agent]
    for placement in every_placement(prepared):
        used: dict[int, float] = {}
        for operator, shares, option in zip(
            prepared.problem.operators, table.shares[agent], placement.option, strict=True
        ):
            if option is not None:
                level = operator.options[option].pool
                used[level] = max(1e-6, used.get(level, 0.0) + shares[option])
        found = score(prepared, placement)
        if found.broken == 0.0 and all(allowed(table.problem, agent, level) for level in used):
            yield _Row(placement, found.objective_usd, used)


_Entry = tuple[float, int, _Combination, tuple[int, ...], int]


@dataclass(slots=True)
class _Search:
    table: Surrogate
    prepared: PreparedShared
    asked: Asked
    heap: list[_Entry] = field(default_factory=list[_Entry])
    order: Iterator[int] = field(default_factory=count)
    verdicts: int = 0
    alone: dict[tuple[int, int], bool] = field(default_factory=dict[tuple[int, int], bool])

    @property
    def problem(self) -> SharedProblem:
        return self.table.problem

    @property
    def spent(self) -> bool:
        return self.verdicts >= self.asked.most or time.monotonic() > self.asked.end

    def push(self, combination: _Combination, replicas: tuple[int, ...], first: int) -> None:
        """Plans that have room and cost less than asked."""
        worth = self.worth(combination, replicas)
        if worth < self.asked.below and excess(self.table, replicas, combination.usd) == 0.0:
            heapq.heappush(self.heap, (worth, next(self.order), combination, replicas, first))

    def worth(self, combination: _Combination, replicas: tuple[int, ...]) -> float:
        """The aim an hour."""
        return combination.fees + math.fsum(p * n for p, n in zip(self.table.prices, replicas, strict=True))

    def expand(self, combination: _Combination, replicas: tuple[int, ...], first: int) -> None:
        """One replica more at each level from `first` on, so that each count comes up once; never under the floors."""
        if combination.floor is None:
            combination.floor = tuple(self._floors(combination, replicas))
            if combination.floor != replicas:
                if all(found >= 0 for found in combination.floor):
                    self.push(combination, combination.floor, 0)
                return
        for level in range(first, len(replicas)):
            if replicas[level]:
                more = (*replicas[:level], replicas[level] + 1, *replicas[level + 1 :])
                self.push(combination, more, level)

    def judge(self, combination: _Combination, replicas: tuple[int, ...]) -> SharedEvaluation:
        self.verdicts += 1
        plan = SharedPlacement(combination.agents, replicas)
        return judge_prepared(self.prepared, plan, samples=self.asked.samples, seed=self.asked.seed)

    def may_hold(self, combination: _Combination) -> bool:
        """Whether each agent keeps its limits where nothing waits."""
        routed: tuple[Routed, ...] | None = None
        for agent, index in enumerate(combination.indices):
            if (agent, index) not in self.alone:
                routed = routed or route(self.prepared, SharedPlacement(combination.agents, combination.fewest))
                held = held_services(self.problem.agents, routed, self.problem.margin)
                self.alone[agent, index] = self._holds(agent, routed[agent], held[agent], {})
            if not self.alone[agent, index]:
                return False
        return True

    def _floors(self, combination: _Combination, replicas: tuple[int, ...]) -> Iterator[int]:
        """[level] the fewest replicas with which all limits hold where nothing waits elsewhere; -1 for too many."""
        routed = route(self.prepared, SharedPlacement(combination.agents, replicas))
        held = held_services(self.problem.agents, routed, self.problem.margin)
        for level, least in enumerate(replicas):
            fewest = least
            while fewest and not self._alone_at(
                level, (*replicas[:level], fewest, *replicas[level + 1 :]), routed, held
            ):
                fewest += 1
                more = (*replicas[:level], fewest, *replicas[level + 1 :])
                dear = self.worth(combination, more) >= self.asked.below
                if dear or self.spent or excess(self.table, more, combination.usd) > 0.0:
                    fewest = -1
                    break
            yield fewest
            if fewest < 0:
                yield from (-1 for _ in replicas[level + 1 :])
                return

    def _alone_at(
        self, level: int, replicas: tuple[int, ...], routed: Sequence[Routed], held: Sequence[HeldServices]
    ) -> bool:
        self.verdicts += 1
        _, waits = level_loads(self.prepared, routed, replicas, held)
        users: dict[int, dict[tuple[int, int], Waiting]] = {}
        for visit, wait in waits.items():
            if self._level_of(visit) == level:
                users.setdefault(visit[0], {})[visit[1:]] = wait
        return all(self._holds(agent, routed[agent], held[agent], here) for agent, here in users.items())

    def _level_of(self, visit: Visit) -> int:
        agent, operator, option = visit
        return self.problem.agents[agent].problem.operators[operator].options[option].pool

    def _holds(self, agent: int, routed: Routed, held: HeldServices, waits: Mapping[tuple[int, int], Waiting]) -> bool:
        """Whether an agent keeps its limits on time where only some visits wait."""
        every = {
            (operator, option): waits.get((operator, option), NO_WAITING)
            for operator, shares in enumerate(routed.shares)
            for option, _ in shares
        }
        served = Served(self.prepared.agents[agent], routed, every, held)
        sampling = Sampling(self.asked.samples, self.asked.seed, agent) if self.asked.samples else None
        found = evaluate_agent(served, _NO_BILL, 0.0, sampling)
        if any(limit.exceeded for limit in agent_limits(served, found)):
            return False
        return not self.asked.sure or percentiles_are_sure(self.problem.agents[agent], found)
