from dataclasses import replace

import pytest

from orchestrator import agent, fanout
from orchestrator.agent_function import AgentFunction
from placement.from_ir import Lowered, from_ir
from placement.plan import PlanPool
from placement.plan_pools import peak, write_pools
from placement.problem import Block, BranchNode, FanoutNode, LoopNode, OpNode, Option
from placement.solve import solve
from tests.placement import sample_agents as agents
from tests.placement.problems import chain, parallel
from tests.placement.sample_agents import cores, described, graph_op, h100, pricing, row, search, transcribe


@agent
def heard_agent(recording: str) -> object:
    return fanout(search, transcribe(recording), max=8, expect=4)


def pools(lowered: Lowered, pool: str = "") -> dict[str, PlanPool]:
    """The pools of the cheapest placement, with what can be in `pool` there."""
    problem = lowered.problem
    taken: dict[int, Option] = {}
    for operator, option in enumerate(solve(problem).placement.option):
        if option is None:
            continue
        rows = problem.operators[operator].options
        taken[operator] = next((each for each in rows if problem.pools[each.pool].id == pool), rows[option])
    return {each.id: each for each in write_pools(lowered, taken)}


def lowered(of: AgentFunction[..., object], **changes: object) -> Lowered:
    return from_ir(graph_op(of), replace(pricing(cores(), h100()), **changes), None)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (chain(OpNode(0), OpNode(1), OpNode(2)), 1),
        (parallel(OpNode(0), OpNode(1), OpNode(2)), 3),
        (parallel(OpNode(0), OpNode(9)), 1),  # 9 is in another pool
        (chain(FanoutNode("f", 2, 8, chain(OpNode(0), OpNode(1))), OpNode(2)), 8),
        (parallel(FanoutNode("f", 2, 8, parallel(OpNode(0), OpNode(1))), OpNode(2)), 17),
        (Block((LoopNode("l", 1, 5, parallel(OpNode(0), OpNode(1))),), ((),)), 2),
        (Block((BranchNode("b", (0.5, 0.5), (chain(OpNode(0)), parallel(OpNode(1), OpNode(2)))),), ((),)), 2),
        # 0 -> 1 and 0 -> 2 -> 3: 1 may meet 2 or 3
        (Block((OpNode(0), OpNode(1), OpNode(2), OpNode(3)), ((), (0,), (0,), (2,))), 2),
        # 8 calls wait for two that may meet, and take over the slots of both
        (Block((OpNode(0), OpNode(1), FanoutNode("f", 2, 8, chain(OpNode(2)))), ((), (), (0, 1))), 8),
        # two after one, and one more after both of them
        (Block((OpNode(0), OpNode(1), OpNode(2), OpNode(3)), ((), (0,), (0,), (1, 2))), 2),
        (Block((), ()), 0),
    ],
)
def test_how_many_calls_one_run_can_have_under_way(block: Block, expected: int) -> None:
    assert peak(block, {0, 1, 2, 3}) == expected


def test_functions_have_a_core_for_each_call_that_may_be_under_way() -> None:
    # the fan-out's 8 searches and, beside nothing else, one call at a time
    found = pools(lowered(agents.fanout_agent))["xeon_8480p/functions"]
    assert (found.replicas, found.batch, found.tp, found.engine, found.model) == (8, 1, 1, "cpu", None)
    assert found.usd_per_hour == 3.6


def test_functions_get_no_core_that_a_model_holds_or_the_fleet_lacks() -> None:
    def replicas(count: int) -> int:
        rows = (row("transcribe.run", "xeon_8480p", 1.0, 0.0, tp=3),)
        found = pools(from_ir(graph_op(heard_agent), pricing(cores(count), h100(), rows=rows), None))
        assert found["xeon_8480p/whisper-large-v3/tp3/fp16"].tp == 3
        return found["xeon_8480p/functions"].replicas

    assert [replicas(count) for count in (4, 5, 64)] == [1, 2, 8]


def test_a_pool_of_a_model_says_what_its_engine_needs() -> None:
    name = "h100_sxm/llama3.1-8b/tp2/fp16"
    found = pools(lowered(agents.answer_agent), name)[name]
    assert (found.tp, found.precision, found.replicas, found.batch, found.engine) == (2, "fp16", 1, 1, "continuous")
    assert found.kv_bytes_per_token == 131072
    # 0.9 of 80 GB less 8 GB of weights on each of 2 devices: 128 GB of KV
    assert found.kv_capacity_tokens == pytest.approx(2 * (72e9 - 8.03e9) / 131072, rel=1e-3)
    assert found.step is not None
    assert found.step.values


def test_a_pool_has_a_slot_for_each_call_of_the_batch_that_was_priced() -> None:
    found = pools(lowered(agents.answer_agent, batch=16))
    assert {pool.batch for pool in found.values() if pool.model} == {16}


def test_models_that_generate_no_text_have_no_kv() -> None:
    found, *_ = [pool for pool in pools(lowered(agents.speech_agent)).values() if pool.model]
    assert (found.step, found.kv_bytes_per_token, found.kv_capacity_tokens) == (None, None, None)


def test_a_class_with_measured_costs_needs_no_price() -> None:
    rows = (row("transcribe.run", "hp", 1.0, 0.0),)
    name = "hp/whisper-large-v3/tp1/fp16"
    found = pools(from_ir(graph_op(agents.speech_agent), pricing(cores(), described("hp"), rows=rows), None), name)
    assert found[name].usd_per_hour is None
