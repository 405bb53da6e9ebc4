"""How long the steps around a model call take on a CPU core: making the prompt and reading the answer.

Runs the worked example many times on one warm executor with its simulated devices sped up a thousandfold, and prints
what the `render` and `parse` operators took, beside the same functions called in this process, and what the
orchestrator itself takes for a call. The priors of `placement/host_steps.py` are these figures.

Then runs three computes in a row, which `fuse-cpu` makes one dispatch, as one and as three, turn by turn, and prints
the ratio: what a fused call saves.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import agent, compute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placement.plan import Plan
    from runtime.trace import RunReport

ROOT = Path(__file__).parents[1]
RUNS = 200
WARM_UP = 20


@compute(latency="1ms", cost_usd=0)
def split(text: str) -> list[str]:
    return text.split()


@compute(latency="1ms", cost_usd=0)
def count(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in words}


@compute(latency="1ms", cost_usd=0)
def tell(counts: dict[str, int]) -> str:
    return ", ".join(f"{word}: {number}" for word, number in counts.items())


@agent
def counter(text: str) -> str:
    return tell(count(split(text)))


def main(runs: int = RUNS) -> None:
    prior_steps(runs)
    fused_calls(runs)


def prior_steps(runs: int) -> None:
    """Making the prompt and reading the answer, beside the priors."""
    from costmodel.fleet import load_fleet
    from orchestrator.agent_files import find_agent
    from orchestrator.pipeline import PlanRequest, plan_agent
    from placement.host_steps import PARSE, RENDER
    from runtime.functions import load

    found = find_agent(ROOT / "examples/worked_example.py", None)
    plan = plan_agent(found.graph, load_fleet(ROOT / "examples/fleets/hp-co.yaml"), PlanRequest()).plan
    assert plan is not None
    inputs = {"question": "Which of two devices should read the prompt?"}
    (reports,) = taking_turns([plan], inputs, runs)
    function = next(each.function for each in plan.operators if each.function is not None)
    answer = load(function, ROOT)
    direct = {
        "answer.render": timed(lambda: answer.render_json(inputs), runs),
        "answer.parse": timed(lambda: answer.parse_json("An answer."), runs),
    }
    print(f"{runs} warm runs; seconds of one call, median and 95th percentile")
    for name, prior in (("answer.render", RENDER), ("answer.parse", PARSE)):
        attempts = [attempt for report in reports for attempt in report.attempts if attempt.operator == name]
        took = [attempt.finished_at_s - attempt.started_at_s for attempt in attempts]
        line(f"{name} through the cpu driver", took)
        line(f"{name} in this process", direct[name])
        ratio = prior.latency_s / statistics.median(took)
        print(f"  prior {prior.latency_s * 1e3:.3f} ms: {ratio:.1f} x the measured median")
    line("orchestration of one call", [attempt.overhead_s for r in reports for attempt in r.attempts])


def fused_calls(runs: int) -> None:
    """Three computes as one dispatch and as three."""
    from costmodel.fleet import load_fleet
    from orchestrator.agent_files import find_agent
    from orchestrator.pipeline import PlanRequest, lower, plan_module

    graph, devices = find_agent(Path(__file__), "counter").graph, load_fleet(ROOT / "examples/fleets/hp-co.yaml")
    modules = [lower(graph), lower(graph, leave_out={"fuse-cpu"})]
    plans = [plan for each in modules if (plan := plan_module(each, graph, devices, PlanRequest()).plan) is not None]
    assert [len(plan.operators) for plan in plans] == [1, 3]
    found = taking_turns(plans, {"text": "to be or not to be"}, runs)
    print(f"{runs} warm runs of three computes, each way in turn; seconds of a run, median and 95th percentile")
    fused_s, apart_s = ([report.wall_s for report in reports] for reports in found)
    line("fused: one dispatch", fused_s)
    line("not fused: three dispatches", apart_s)
    print(f"  {statistics.median(apart_s) / statistics.median(fused_s):.2f} x as long without fuse-cpu")


def taking_turns(plans: list[Plan], inputs: Mapping[str, Any], runs: int) -> list[list[RunReport]]:
    """So many reports of each plan; the plans run in turn, on warm replicas that live as long as all runs."""
    from runtime.ray_executor import RayExecutor
    from runtime.run_options import RunOptions

    executors = [RayExecutor(plan, RunOptions(root=ROOT, time_scale=0.001, resources={"cpu": 4})) for plan in plans]
    found: list[list[RunReport]] = [[] for _ in plans]
    try:
        for each in executors:
            each.start()
        for run in range(WARM_UP + runs):
            for executor, reports in zip(executors, found, strict=True):
                report = asyncio.run(executor.execute(inputs))
                assert report.status == "success", report.error
                if run >= WARM_UP:
                    reports.append(report)
    finally:
        for each in executors:
            each.close()
    return found


def timed(call: object, runs: int) -> list[float]:
    """Seconds of each of so many calls."""
    assert callable(call)
    found: list[float] = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found


def line(name: str, seconds: list[float]) -> None:
    """One row: median and 95th percentile in milliseconds."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    print(f"  {name:36} {statistics.median(ordered) * 1e3:8.3f} ms  {p95 * 1e3:8.3f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
