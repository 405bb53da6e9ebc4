"""How long the steps around a model call take on a CPU core: making the prompt and reading the answer.

Runs the worked example many times on one warm executor with its simulated devices sped up a thousandfold, and prints
what the `render` and `parse` operators took, beside the same functions called in this process, and what the
orchestrator itself takes for a call. The priors of `placement/host_steps.py` are these figures.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 200
WARM_UP = 20


def main(runs: int = RUNS) -> None:
    from costmodel.fleet import load_fleet
    from orchestrator.agent_files import find_agent
    from orchestrator.pipeline import PlanRequest, plan_agent
    from placement.host_steps import PARSE, RENDER
    from runtime.functions import load
    from runtime.ray_executor import RayExecutor
    from runtime.run_options import RunOptions

    found = find_agent(ROOT / "examples/worked_example.py", None)
    plan = plan_agent(found.graph, load_fleet(ROOT / "examples/fleets/hp-co.yaml"), PlanRequest()).plan
    assert plan is not None
    inputs = {"question": "Which of two devices should read the prompt?"}
    executor = RayExecutor(plan, RunOptions(root=ROOT, time_scale=0.001))
    executor.start()
    try:
        reports = [asyncio.run(executor.execute(inputs)) for _ in range(WARM_UP + runs)][WARM_UP:]
    finally:
        executor.close()
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
