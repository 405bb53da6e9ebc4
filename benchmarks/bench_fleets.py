"""What mixing devices is worth: our plan beside fleets of one accelerator class, all with the same load and SLAs.

Each fleet of one class is planned by the same solver and judged by the same judge, with as many devices as it likes,
from levels of its own and again from all those of its class that any plan used. Ours is the cheapest of all plans that
the whole fleet can take; what `plan --load` finds by itself in its 30 s stands beside it. "All newest" runs
every model on the newest class. Functions stay on CPU cores everywhere. Every figure is computed in this run.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fleet_rounds import Asked, Found, again, is_cpu, rounds

from costmodel.fleet import DeviceClass, Fleet, load_fleet
from ir.sla import Sla
from orchestrator.agent_files import find_all
from orchestrator.fleet_classes import with_classes
from orchestrator.fleet_pipeline import FleetRequest, plan_fleet
from orchestrator.graph import Graph, LlmTask, ModelTask, walk
from orchestrator.pipeline import DEFAULT_TIME_LIMIT_S, PlanRequest, plan_agent
from placement.load import AgentDemand, Load
from placement.load_document import load_load
from placement.shared_evaluate import judge_shared

ROOT = Path(__file__).resolve().parent.parent
AGENTS = (
    "examples/voice_agent.py",
    "examples/research_assistant.py",
    "examples/patterns/rag_two_retrievals.py",
    "examples/patterns/single_agent_with_tools.py",
    "examples/patterns/supervisor.py",
)
LOADS = {"voice": ("examples/loads/voice.yaml", AGENTS[:1]), "five": ("examples/loads/traced-agents.yaml", AGENTS)}
NEWEST = ("b200_sxm", "h200_sxm")
ADDED = "h200_sxm"
"""A class of the catalog that the fleet file lacks: tried as a fleet of its own, never in ours."""

PLENTY = 512
JUDGED_SEED = 1
"""The solver's own samples have seed 0."""


@dataclass(frozen=True)
class Row:
    """The best plan of a fleet; `why` there is none. `devices` without cores; `watts` at the meter."""

    fleet: str
    usd_per_hour: float = 0.0
    watts: float = 0.0
    devices: Mapping[str, int] | None = None
    gap: float = 0.0
    seconds: float = 0.0
    why: str = ""

    def beside(self, ours: Row) -> str:
        """The line of the table, with the ratios to ours."""
        if self.why:
            return f"  {self.fleet:18} no plan: {self.why}"
        used = ", ".join(f"{count} {name}" for name, count in (self.devices or {}).items())
        return (
            f"  {self.fleet:18} {self.usd_per_hour:8.3f} {self.usd_per_hour / ours.usd_per_hour:6.2f} "
            f"{self.watts:8,.0f} {self.watts / ours.watts:6.2f} {self.gap:7.2%} {self.seconds:6.1f}  {used}"
        )


@dataclass(frozen=True)
class Task:
    """Agents with their load, how much of its rate and SLAs, and how hard to try."""

    graphs: Mapping[str, Graph]
    load: Load
    request: FleetRequest
    samples: int

    def scaled(self, rate: float, sla: float) -> Task:
        """The same with other rates and with SLAs so many times as long."""
        agents = (self._agent(each, rate, sla) for each in self.load.agents)
        return replace(self, load=replace(self.load, agents=tuple(agents)))

    def _agent(self, demand: AgentDemand, rate: float, times: float) -> AgentDemand:
        own = demand.sla or self.graphs[demand.agent].sla
        longer = None if own is None else Sla(own.stat, own.limit_s * times)
        return replace(demand, rate_per_s=demand.rate_per_s * rate, sla=longer)


def one_class(fleet: Fleet, device: DeviceClass) -> Fleet:
    """The fleet's CPU cores and as many of one class as anyone likes."""
    cores = tuple(each for each in fleet.classes if is_cpu(each))
    return replace(fleet, name=device.id, classes=(*cores, replace(device, count=PLENTY)))


def accelerators(fleet: Fleet) -> Iterator[DeviceClass]:
    """The classes that are no CPU cores, and the one that is added to them."""
    yield from (each for each in fleet.classes if not is_cpu(each))
    if fleet.catalog.has(ADDED) and not any(each.id == ADDED for each in fleet.classes):
        device = fleet.catalog.device(ADDED)
        yield DeviceClass(device.id, device, PLENTY, fleet.classes[0].site, None, "simulated")


def pinned(task: Task, device: str) -> Load:
    """The load in which every model runs on one class."""
    agents: list[AgentDemand] = []
    for demand in task.load.agents:
        tasks = walk(task.graphs[demand.agent].body)
        models = {each.function.qualname for each in tasks if isinstance(each, LlmTask | ModelTask)}
        agents.append(replace(demand, pins={**demand.pins, **dict.fromkeys(models, device)}))
    return replace(task.load, agents=tuple(agents))


def alone(task: Task, fleet: Fleet, known: Sequence[Found], pin: str) -> Found | None:
    """The cheapest plan on a fleet of one class: what `plan --load` finds, and that of the levels of known plans.

    `pin`: the class on which all models run, if any.
    """
    asked = Asked(task.graphs, pinned(task, pin) if pin else task.load, task.request, task.samples)
    own = by_command(replace(task, load=asked.load), fleet)
    found = [each for each in (own, again(asked, fleet, [*known, own] if own else known)) if each]
    return min(found, key=lambda one: one.usd_per_hour, default=None)


def row_of(name: str, task: Task, found: Found | None, began: float) -> Row:
    """What a plan takes, judged with other samples than those of its solver."""
    if found is None:
        return Row(name, why="none keeps the limits, or none was found in the time")
    cores = [each.id for each in found.shared.agents[0].pricing.fleet.classes if is_cpu(each)]
    verdict = judge_shared(found.shared.problem, found.solution.placement, samples=task.samples, seed=JUDGED_SEED)
    late = "" if verdict.feasible else f" (other samples: {verdict.violations[0].what} just missed)"
    return Row(
        fleet=name + late,
        usd_per_hour=verdict.usd_per_hour,
        watts=verdict.watts,
        devices={key: count for key, count in verdict.devices_used.items() if count and key not in cores},
        gap=found.solution.gap,
        seconds=time.perf_counter() - began,
    )


def by_command(task: Task, fleet: Fleet) -> Found | None:
    """What `plan --load` finds in the time that it takes unless told otherwise."""
    request = replace(task.request, time_limit_s=DEFAULT_TIME_LIMIT_S)
    plan = with_classes(plan_fleet(task.graphs, fleet, task.load, request), request.time_limit_s)
    if plan.refined is None or plan.answer is None:
        return None
    answer, solution = plan.answer, plan.refined.solution
    return Found(
        plan.shared,
        replace(solution, placement=answer.placement, evaluation=answer.evaluation, gap=answer.gap),
    )


def compare(task: Task, fleet: Fleet, classes: Sequence[str]) -> tuple[list[str], bool]:
    """The lines of one load, and whether there is a plan.

    Ours is the cheapest of all plans that fit the fleet: the first, that made again, and those of one class.
    """
    began = time.perf_counter()
    asked = Asked(task.graphs, task.load, task.request, task.samples)
    whole = by_command(task, fleet)
    single = row_of("plan --load", task, whole, began)
    known = list(rounds(asked, fleet, whole))
    spent_s = time.perf_counter() - began
    rows: list[Row] = []
    newest: list[Row] = []
    fitting = known[:1]
    for device in accelerators(fleet):
        if classes and device.id not in classes:
            continue
        for group, word, pin in [(rows, "only", ""), (newest, "all", device.id)][: 1 + (device.id in NEWEST)]:
            started = time.perf_counter()
            found = alone(task, one_class(fleet, device), known, pin)
            group.append(row_of(f"{word} {device.id}", task, found, started))
            if found is not None and fits(found, fleet):
                fitting.append(found)
    best = min(fitting, key=lambda one: one.usd_per_hour, default=None)
    ours = row_of("ours", task, best, time.perf_counter() - spent_s)
    if ours.why:
        return [f"  ours: no plan: {ours.why}"], False
    lines = [row.beside(ours) for row in (ours, single, *newest, *rows)]
    ratios = [
        min((row.usd_per_hour / ours.usd_per_hour for row in group if not row.why), default=math.inf)
        for group in ([row for row in newest if NEWEST[0] in row.fleet], rows)
    ]
    lines.append(f"  all {NEWEST[0]} / ours {ratios[0]:.2f}, best of one class / ours {ratios[1]:.2f}")
    return lines, True


def fits(found: Found, fleet: Fleet) -> bool:
    """Whether a plan takes no more devices than the fleet has."""
    counts = {each.id: each.count for each in fleet.classes}
    used = found.solution.evaluation.devices_used
    return all(count <= counts.get(name, 0) for name, count in used.items())


def metered(file: str, fleet: Fleet) -> Iterator[str]:
    """One agent that pays for the time it uses, on whole fleet and on each class with the cores."""
    graph = next(iter(find_all([ROOT / file]).values()))
    ours = plan_agent(graph, fleet, PlanRequest()).plan
    if ours is None:
        yield f"  {graph.name}: no plan"
        return
    base = ours.promised.cost_usd
    yield f"  {'ours':18} {base:12.8f} {1:6.2f} {ours.promised.latency_s:9.3f} s  {_classes(ours.pools)}"
    for device in (each for each in fleet.classes if not is_cpu(each)):
        found = plan_agent(graph, one_class(fleet, device), PlanRequest()).plan
        if found is None:
            yield f"  {'only ' + device.id:18} no plan"
        else:
            usd = found.promised.cost_usd
            line = f"{usd:12.8f} {usd / base:6.2f} {found.promised.latency_s:9.3f} s  {_classes(found.pools)}"
            yield f"  {'only ' + device.id:18} {line}"


def _classes(pools: Sequence[object]) -> str:
    return ", ".join(dict.fromkeys(str(getattr(pool, "device", "")) for pool in pools))


def main(arguments: Sequence[str]) -> int:
    """Prints the tables; 1 where the whole fleet has no plan."""
    parser = argparse.ArgumentParser(description="Our plan beside fleets of one accelerator class.")
    parser.add_argument("--loads", nargs="+", choices=list(LOADS), default=list(LOADS))
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0], help="times the rates of the load file")
    parser.add_argument("--slas", type=float, nargs="+", default=[1.0], help="times the SLAs")
    parser.add_argument("--classes", nargs="*", default=[], help="only these beside ours; none: every class")
    parser.add_argument("--fleet", default="examples/fleets/provisioned.yaml")
    parser.add_argument("--precision", default="fp16", help="precisions that weights may have, for every fleet")
    parser.add_argument("--time-limit-s", type=float, default=3.0, help="for each plan")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--metered", action="store_true", help="the voice agent on paper-2025, paid by use")
    wanted = parser.parse_args(arguments)
    fleet = load_fleet(ROOT / wanted.fleet)
    request = FleetRequest(tuple(wanted.precision.split(",")), wanted.time_limit_s)
    print(
        f"fleet {fleet.name}, weights in {wanted.precision}, each plan in at most {wanted.time_limit_s:g} s and judged "
        f"with {wanted.samples:,} samples; {os.cpu_count()} cores; devices simulated, watts at the meter"
    )
    print(f"  {'fleet':18} {'usd_h':>8} {'/ours':>6} {'watts':>8} {'/ours':>6} {'gap':>7} {'s':>6}  devices")
    sound = True
    for name in wanted.loads:
        load, files = LOADS[name]
        task = Task(find_all([ROOT / file for file in files]), load_load(ROOT / load), request, wanted.samples)
        for rate in wanted.rates:
            for sla in wanted.slas:
                print(f"{name}: {Path(load).name}, {rate:g} x its rates, {sla:g} x the SLAs", flush=True)
                lines, has_plan = compare(task.scaled(rate, sla), fleet, wanted.classes)
                print(*lines, sep="\n", flush=True)
                sound = sound and has_plan
    if wanted.metered:
        print("metered: voice_agent.py on paper-2025.yaml, its own SLA, US dollars a run")
        print(*metered(AGENTS[0], load_fleet(ROOT / "examples/fleets/paper-2025.yaml")), sep="\n")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
