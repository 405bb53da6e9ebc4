"""Shared problems for tests: small ones by hand, and random ones for Hypothesis that brute force can enumerate."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from ir.sla import STATS, Sla
from placement.evaluate import runs
from placement.prepared import prepare
from placement.problem import Block, DeviceCapacity, Edge, Operator, OpNode, Option, Placement, Pool, Problem
from placement.shared_check import with_capacities
from placement.shared_problem import AgentLoad, Budget, Level, Service, SharedPlacement, SharedProblem
from tests.placement.problems import chain, pool, small_problems

Row = tuple[int, float, float]
"""A level, seconds in a slot, and their deviation."""


def level(name: str, device: str | None = None, *, slots: int = 1, usd: float = 1.0, **rest: object) -> Level:
    """A level whose pool is of its own name."""
    cap = rest.pop("cap", 0.9)
    tp = rest.pop("tp", 1)
    return Level(pool(name, device, tp=tp), slots, cap, usd, **rest)  # type: ignore[arg-type]


def op(name: str, *rows: Row, visits: float = 1.0, fee: float = 0.0) -> tuple[Operator, tuple[Service, ...]]:
    """An operator and its services."""
    options = tuple(Option(at, seconds, fee) for at, seconds, _ in rows)
    return Operator(name, "op", visits, options), tuple(Service(seconds, sd) for _, seconds, sd in rows)


def agent(
    levels: tuple[Level, ...],
    root: Block,
    *operators: tuple[Operator, tuple[Service, ...]],
    rate: float = 1.0,
    sla: Sla | None = None,
    name: str = "agent",
    edges: tuple[Edge, ...] = (),
    choices: tuple[tuple[str, ...], ...] = (),
    groups: tuple[tuple[int, ...], ...] = (),
    penalty: float | None = None,
    **rest: object,
) -> AgentLoad:
    """An agent over these levels."""
    pools = tuple(each.pool for each in levels)
    rows = tuple(row for row, _ in operators)
    table = Problem(name, rows, pools, (), edges, root, choices, groups, sla, penalty)
    return AgentLoad(table, rate, tuple(services for _, services in operators), **rest)  # type: ignore[arg-type]


def shared(levels: tuple[Level, ...], *agents: AgentLoad, counts: int = 100, **rest: object) -> SharedProblem:
    """A problem with `counts` devices of each class."""
    devices = dict.fromkeys(each.pool.device for each in levels)
    capacities = tuple(DeviceCapacity(device, counts) for device in devices)
    return SharedProblem("test", levels, agents, capacities, **rest)  # type: ignore[arg-type]


def at(*options: int | None, replicas: tuple[int, ...], alternative: tuple[int, ...] = ()) -> SharedPlacement:
    """A placement of one agent."""
    return SharedPlacement((Placement(options, alternative),), replicas)


def placed(problem: SharedProblem, data: st.DataObject) -> SharedPlacement | None:
    """A random placement; None where an operator has no options."""
    placements: list[Placement] = []
    for one in problem.agents:
        prepared = prepare(with_capacities(one, problem))
        alternative = tuple(data.draw(st.integers(0, len(names) - 1)) for names in one.problem.choices)
        if any(not row.options for row in one.problem.operators):
            return None
        placements.append(
            Placement(
                tuple(
                    data.draw(st.integers(0, len(row.options) - 1)) if runs(prepared, index, alternative) else None
                    for index, row in enumerate(one.problem.operators)
                ),
                alternative,
            )
        )
    return SharedPlacement(tuple(placements), tuple(data.draw(st.integers(1, 3)) for _ in problem.levels))


@st.composite
def small_shared(draw: st.DrawFn, most_agents: int = 2, most_operators: int = 3) -> SharedProblem:
    """Problems of one or two agents with few operators, levels and devices."""
    devices = ("cheap", "fast")
    levels = tuple(_level(draw, index, devices) for index in range(draw(st.integers(1, 3))))
    agents = tuple(_agent(draw, levels, index, most_operators) for index in range(draw(st.integers(1, most_agents))))
    budget = Budget(usd_per_hour=draw(st.sampled_from([None, None, 6.0])), watts=draw(st.sampled_from([None, 900.0])))
    return SharedProblem(
        name="random",
        levels=levels,
        agents=agents,
        capacities=tuple(DeviceCapacity(device, draw(st.integers(0, 3))) for device in devices),
        budget=budget,
        margin=draw(st.sampled_from([1.0, 1.25])),
    )


@st.composite
def busy_problems(draw: st.DrawFn) -> SharedProblem:
    """Problems whose operators keep several replicas of two or three levels busy, few of which there are."""
    prices = draw(st.lists(st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0]), min_size=2, max_size=3))
    levels = tuple(level(f"level{index}", cap=0.8, usd=usd) for index, usd in enumerate(prices))
    agents: list[AgentLoad] = []
    for name in ("one", "two")[: draw(st.integers(1, 2))]:
        rows = [
            op(f"o{index}", *((which, draw(st.integers(2, 40)) * 0.1, 0.0) for which in range(len(levels))))
            for index in range(draw(st.integers(1, 2)))
        ]
        sla = draw(st.sampled_from([None, Sla("p95", 5.0), Sla("p95", 20.0)]))
        root = chain(*(OpNode(index) for index in range(len(rows))))
        agents.append(agent(levels, root, *rows, rate=draw(st.sampled_from([0.4, 1.0, 1.7])), sla=sla, name=name))
    few = tuple(DeviceCapacity(each.pool.device, draw(st.integers(0, 5))) for each in levels)
    return SharedProblem("busy", levels, tuple(agents), few)


def _level(draw: st.DrawFn, index: int, devices: tuple[str, ...]) -> Level:
    where = draw(st.sampled_from(["a", "b"]))
    one = Pool(f"level{index}", draw(st.sampled_from(devices)), "site", draw(st.integers(1, 2)), None, None, where, "x")
    return Level(
        pool=one,
        slots=draw(st.sampled_from([1, 1, 4])),
        cap=draw(st.sampled_from([0.6, 0.9])),
        usd_per_hour=draw(st.sampled_from([1.0, 2.0, 5.0])),
        watts=draw(st.sampled_from([100.0, 300.0])),
        gco2e_per_hour=50.0,
        tenant=draw(st.sampled_from([None, None, None, "blue"])),
    )


def _agent(draw: st.DrawFn, levels: tuple[Level, ...], index: int, most_operators: int) -> AgentLoad:
    drawn = draw(small_problems(most_operators, sla=False))
    pools = tuple(each.pool for each in levels)
    operators = tuple(
        replace(row, options=tuple(replace(one, pool=one.pool % len(pools), cost_usd=0.0) for one in row.options))
        for row in drawn.operators
    )
    sla = draw(st.one_of(st.none(), st.builds(Sla, st.sampled_from(STATS), st.integers(1, 60).map(lambda k: k * 0.01))))
    problem = replace(
        drawn, name=f"agent{index}", pools=pools, capacities=(), operators=operators, sla=sla, penalty_usd_per_s=None
    )
    sd = draw(st.sampled_from([0.0, 0.5, 1.0]))
    services = tuple(tuple(Service(one.latency_s, sd * one.latency_s) for one in row.options) for row in operators)
    return AgentLoad(
        problem=problem,
        rate_per_s=draw(st.sampled_from([0.1, 2.0, 8.0])),
        services=services,
        arrival_cv2=draw(st.sampled_from([1.0, 2.0])),
        tenant=draw(st.sampled_from([None, "blue"])),
    )
