"""Plans an agent with and without a pass, and runs the plans on Ray, so that a gain can be compared with a sum by hand.

Devices and cores are simulated at time scale 1: an operator sleeps its predicted time, so that what a stopwatch shows
beside the prediction is the orchestrator's own. Operators take 50 ms and more, and it some milliseconds a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.passes import ModulePass

from costmodel.fleet import DeviceClass, Fleet
from ir.dialects.assembly import names_of
from ir.dialects.plan import ChooseOp
from ir.pipeline import DEFAULT_PIPELINE
from ir.runner import apply_passes
from ir.sla import Sla
from orchestrator.agent_function import AgentFunction
from orchestrator.commands.ir_stats import StageRow, stage_row
from orchestrator.pipeline import PlanRequest, plan_module
from orchestrator.to_ir import to_ir
from placement.plan import Plan
from runtime.ray_executor import RayExecutor
from runtime.run_options import RunOptions
from runtime.trace import RunReport
from tests.placement.sample_agents import cores, h100

TOLERANCE = 0.10
"""How far a measured gain may be from the predicted one: the acceptance says 10%."""

RUNS = 3
"""Least runs of a plan, of which the fastest counts: what else this machine does only ever adds time."""

MOST_RUNS = 15
"""Runs of a plan on a machine that is too busy for its fastest runs to agree."""

DEVICES = {"xeon_8480p": 128.0, "h100_sxm": 16.0, "a100_80gb_sxm": 16.0, "hp": 16.0, "co": 16.0, "cpu": 128.0}
"""What the Ray of these tests has of each class; a fleet of a test may have half of it, since two plans run on it."""

Agent = AgentFunction[..., Any]


@dataclass(frozen=True, slots=True)
class Gain:
    """Mean latency in seconds without a pass and with it: `promised` by the plans, `measured` by a stopwatch on Ray."""

    promised_without_s: float
    promised_with_s: float
    measured_without_s: float
    measured_with_s: float

    @property
    def promised_s(self) -> float:
        """What the plans say that the pass saves."""
        return self.promised_without_s - self.promised_with_s

    @property
    def measured_s(self) -> float:
        """What it saved on Ray."""
        return self.measured_without_s - self.measured_with_s


def pipeline(*, without: Collection[str] = (), plus: Mapping[str, ModulePass] | None = None) -> list[ModulePass]:
    """The default pipeline less the passes named in `without`; `plus` has more, each by the name of the one it follows.

    A name that is none of the pipeline's is an error, since the test would compare a plan with itself.
    """
    more, names = dict(plus or {}), {each.name for each in DEFAULT_PIPELINE}
    assert {*without, *more} <= names, f"the default pipeline has {sorted(names)}"
    passes: list[ModulePass] = []
    for each in DEFAULT_PIPELINE:
        if each.name not in without:
            passes.append(each())
        if each.name in more:
            passes.append(more[each.name])
    return passes


def planned(
    agent: Agent,
    fleet: Fleet,
    passes: Collection[ModulePass] | None = None,
    *,
    without_alternatives: Collection[str] = (),
    sla: Sla | None = None,
) -> Plan:
    """The cheapest plan of an agent after these passes (None: the default ones), without the alternatives so named."""
    graph = agent.trace()
    module = to_ir(graph)
    apply_passes(module, pipeline() if passes is None else passes)
    drop_alternatives(module, without_alternatives)
    result = plan_module(module, graph, fleet, PlanRequest(sla=sla, calibration="none"))
    assert result.plan is not None, result.infeasible
    return result.plan


def drop_alternatives(module: ModuleOp, names: Collection[str]) -> None:
    """Take the alternatives of these names out of every choice that has others too."""
    found: set[str] = set()
    for choice in [op for op in module.walk() if isinstance(op, ChooseOp)]:
        kept = [name for name in names_of(choice.names) if name not in names]
        if not kept:
            continue
        for name, region in list(zip(names_of(choice.names), choice.regions, strict=True)):
            if name in names:
                found.add(name)
                choice.detach_region(region)
        choice.names = ArrayAttr([StringAttr(name) for name in kept])
    assert found == set(names), f"no choice has an alternative {sorted(set(names) - found)}"
    module.verify()


def compared(without: Plan, with_: Plan, inputs: Mapping[str, Any]) -> Gain:
    """Both plans with what they promise, each run on the Ray of the test (see `conftest`).

    They take turns, so that a machine that is busy for a while is busy for both. They run `RUNS` times or, until the
    two fastest runs of each agree, up to `MOST_RUNS` times; what the plans promise has no say in when it ends.
    """
    assert without != with_, "the plans are the same, so nothing can be gained"
    pair = (executor_of(without), executor_of(with_))
    walls: tuple[list[float], list[float]] = ([], [])
    try:
        for executor in pair:
            executor.start()
        while len(walls[0]) < RUNS or (len(walls[0]) < MOST_RUNS and not settled(*walls)):
            for executor, taken in zip(pair, walls, strict=True):
                taken.append(one_run(executor, inputs).wall_s)
    finally:
        for executor in pair:
            executor.close()
    return Gain(
        promised_without_s=without.promised.latency_mean_s,
        promised_with_s=with_.promised.latency_mean_s,
        measured_without_s=min(walls[0]),
        measured_with_s=min(walls[1]),
    )


def settled(without_s: Sequence[float], with_s: Sequence[float]) -> bool:
    """Whether the two fastest runs of each plan differ by less than a fifth of what the gain may be off."""
    gain_s = min(without_s) - min(with_s)
    apart_s = max(sorted(each)[1] - min(each) for each in (without_s, with_s))
    return apart_s <= TOLERANCE / 5 * abs(gain_s)


def executor_of(plan: Plan) -> RayExecutor:
    """Replicas of the plan at time scale 1, to be started and closed."""
    return RayExecutor(plan, RunOptions(time_scale=1.0, resources=DEVICES))


def one_run(executor: RayExecutor, inputs: Mapping[str, Any]) -> RunReport:
    """What became of a run, which succeeded."""
    report = asyncio.run(executor.execute(inputs))
    assert report.status == "success", report.error
    return report


def reports(plan: Plan, inputs: Mapping[str, Any]) -> list[RunReport]:
    """What became of some runs on warm replicas."""
    executor = executor_of(plan)
    try:
        executor.start()
        return [one_run(executor, inputs) for _ in range(RUNS)]
    finally:
        executor.close()


def simulated_cores(count: int = 16, usd_per_hour: float = 3600.0) -> DeviceClass:
    """CPU cores on which a function takes the time that its decorator or a profile row says, not its own.

    At a dollar a second no model is placed on them.
    """
    return replace(cores(count, usd_per_hour), driver="simulated")


def simulated_h100(count: int = 2, usd_per_hour: float = 7.2) -> DeviceClass:
    """H100s at 0.002 USD a second."""
    return h100(count, usd_per_hour)


def stats_gain_s(agent: Agent, fleet: Fleet, name: str, passes: Collection[ModulePass] | None = None) -> float:
    """Mean latency that `orchestrator ir --stats` reports before the pass of this name, less that after it."""
    graph = agent.trace()
    module, rows = to_ir(graph), list[StageRow]()
    apply_passes(
        module,
        pipeline() if passes is None else passes,
        lambda stage, now: rows.append(stage_row(stage, now, fleet, None)),
    )
    stages = [row.stage for row in rows]
    before, after = (rows[stages.index(name) - one].best for one in (1, 0))
    assert before is not None
    assert after is not None
    return before.latency_mean_s - after.latency_mean_s
