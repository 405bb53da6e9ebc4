from dataclasses import replace

import pytest

from ir.sla import Sla
from placement.evaluate import evaluate
from placement.from_ir import Lowered, from_ir
from placement.problem import Placement
from placement.settle import settle
from placement.solve import Solution, solve
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import cores, graph_op, h100, pricing

COLOCATED, DISAGGREGATED, OFFLOADED = 0, 1, 2


@pytest.fixture
def lowered() -> Lowered:
    return from_ir(graph_op(agents.answer_agent), pricing(cores(), h100()), Sla("worst", 60.0))


def solution(lowered: Lowered, prefill_tp: int, decode_tp: int) -> Solution:
    """Disaggregated on the H100s, in pools of these degrees; the best of all else."""
    return on_h100s(lowered, DISAGGREGATED, {"answer.prefill": prefill_tp, "answer.decode": decode_tp})


def on_h100s(lowered: Lowered, alternative: int, tps: dict[str, int]) -> Solution:
    """An alternative on the H100s, in pools of these degrees by operator; the best of all else."""
    problem = lowered.problem
    best = solve(problem)
    option = list(best.placement.option)
    for index, (spec, within) in enumerate(zip(lowered.specs, lowered.structure.alternatives, strict=True)):
        pools = [problem.pools[each.pool] for each in problem.operators[index].options]
        if within == (0, alternative):
            option[index] = next(
                i for i, pool in enumerate(pools) if (pool.device, pool.tp) == ("h100_sxm", tps[spec.id])
            )
        elif within is not None:
            option[index] = None
    placement = Placement(tuple(option), (alternative,))
    return replace(best, placement=placement, evaluation=evaluate(problem, placement), bound_usd=0.0)


def test_kv_is_not_sent_from_a_pool_to_itself(lowered: Lowered) -> None:
    before = solution(lowered, 1, 1)
    after = settle(lowered, before)
    assert after.placement.alternative == (COLOCATED,)
    # the links of a site cost nothing, so that only the time of the transfer is saved
    pairs = zip(lowered.problem.edges, before.evaluation.edge_latency_s, strict=True)
    moved = max(seconds for edge, seconds in pairs if edge.by == "kv_place")
    assert after.evaluation.cost_usd == before.evaluation.cost_usd
    assert after.evaluation.latency_s == pytest.approx(before.evaluation.latency_s - moved)
    assert after.evaluation == evaluate(lowered.problem, after.placement)
    assert after.gap == pytest.approx((after.evaluation.objective_usd - after.bound_usd) / after.evaluation.cost_usd)


def test_kv_between_two_pools_of_one_class_stays(lowered: Lowered) -> None:
    before = solution(lowered, 2, 1)
    assert settle(lowered, before).placement == before.placement


def test_a_decode_is_not_split_over_two_devices_of_one_class(lowered: Lowered) -> None:
    before = on_h100s(
        lowered, OFFLOADED, {"answer.prefill": 1, "answer.decode_attention": 1, "answer.decode_linear": 1}
    )
    after = settle(lowered, before)
    assert after.placement.alternative == (COLOCATED,)
    (taken,) = (
        lowered.problem.pools[lowered.problem.operators[index].options[option].pool].id
        for index, option in enumerate(after.placement.option)
        if lowered.specs[index].id == "answer.decode" and option is not None
    )
    assert taken == "h100_sxm/llama3.1-8b/tp1/fp16"
    assert after.evaluation == evaluate(lowered.problem, after.placement)
    assert after.evaluation.latency_s < before.evaluation.latency_s
    assert after.evaluation.objective_usd <= before.evaluation.objective_usd


def test_a_whole_is_not_moved_to_a_class_that_did_none_of_the_work(lowered: Lowered) -> None:
    # by the settled alternative every operator is where a namesake was, or on a class that its parts were on
    before = on_h100s(
        lowered, OFFLOADED, {"answer.prefill": 2, "answer.decode_attention": 1, "answer.decode_linear": 2}
    )
    after = settle(lowered, before)
    places = {
        lowered.problem.pools[lowered.problem.operators[index].options[option].pool].device
        for index, option in enumerate(after.placement.option)
        if option is not None and lowered.structure.alternatives[index] is not None and lowered.specs[index].models
    }
    assert places == {"h100_sxm"}


def test_what_is_settled_stays(lowered: Lowered) -> None:
    after = settle(lowered, solution(lowered, 1, 1))
    assert settle(lowered, after) == after


def test_an_agent_without_choices_has_nothing_to_settle() -> None:
    plain = from_ir(graph_op(agents.chain_agent), pricing(), None)
    best = solve(plain.problem)
    assert settle(plain, best) == best
