"""Plans whose operators have several routes, on a real, local Ray: shares are kept, and a run keeps its route."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from placement.plan import Promise, Route
from runtime.ray_executor import RayExecutor
from runtime.run_options import RunOptions
from runtime.trace import RunReport

pytestmark = pytest.mark.ray

ROUTES = [Route(pool="h100_sxm/a", share=0.75, mean_s=10.0), Route(pool="h100_sxm/b", share=0.25, mean_s=30.0)]


@pytest.fixture
def plan(plans: Any, user_code: Any) -> Any:
    """A prefill, then a decode that reads it twice: three in four runs at a, 10 s a call, the others at b, 30 s."""

    def phase(name: str, op: str) -> Any:
        return plans.operator(
            name,
            op=op,
            function=user_code.function("told"),
            model="llama3.1-8b",
            routes=ROUTES,
            group="kv",
            driver="simulated",
            promised=Promise(mean_s=15.0, cost_usd=0.0, source="test"),
        )

    render = plans.operator("render", op="llm.render", function=user_code.function("told"))
    nodes = [
        plans.op("prompt", None, "render", question="question"),
        plans.op("kv", None, "prefill", prompt="prompt"),
        plans.op("text", None, "decode", kv="kv", arguments="{'question': question}"),
    ]
    simulated = {"device": "h100_sxm", "driver": "simulated", "tp": 1, "batch": 4, "replicas": 1}
    pools = [plans.pool(), *(plans.pool(route.pool, engine="continuous", **simulated) for route in ROUTES)]
    operators = [render, phase("prefill", "llm.prefill"), phase("decode", "llm.decode")]
    return plans.plan(nodes, "text", "question", operators=operators, pools=pools)


def test_runs_are_spread_by_their_shares_and_keep_their_route(plan: Any, user_code: Any) -> None:
    async def all_runs(executor: RayExecutor) -> list[RunReport]:
        return await asyncio.gather(*(executor.execute({"question": "x"}) for _ in range(8)))

    executor = RayExecutor(plan, RunOptions(root=user_code.root, time_scale=0.01))
    executor.start()
    try:
        reports = asyncio.run(all_runs(executor))
    finally:
        executor.close()
    assert {report.status for report in reports} == {"success"}
    taken: list[str] = []
    for report in reports:
        calls = {each.operator: each for each in report.attempts if each.operator != "render"}
        (pool,) = {each.pool for each in calls.values()}
        taken.append(pool)
        took_s = {route.pool: route.mean_s for route in ROUTES}[pool]
        assert [each.finished_at_s - each.started_at_s for each in calls.values()] == [pytest.approx(took_s)] * 2
    assert sorted(taken) == ["h100_sxm/a"] * 6 + ["h100_sxm/b"] * 2
