import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.problem import BranchNode, ChooseNode, Edge, FanoutNode, LoopNode, OpNode, Transfer
from placement.sampling import Sampled, statistic
from placement.shared_evaluate import AgentEvaluation, judge_shared
from placement.shared_problem import CallLimit, FirstOutput, SharedProblem
from tests.placement.problems import FREE, chain, parallel
from tests.placement.shared_problems import agent, at, level, op, placed, shared, small_shared

RUNS = 10_000
WIDE = (level("a", slots=10_000),)
"""So many slots that nobody waits."""


def judged(one, *options: int | None, **rest: object) -> AgentEvaluation:  # type: ignore[no-untyped-def]
    placement = at(*options, replicas=(1,) * len(one.problem.pools), **rest)  # type: ignore[arg-type]
    levels = WIDE if len(one.problem.pools) == 1 else None
    assert levels is not None
    return judge_shared(shared(levels, one), placement, samples=RUNS).agents[0]


def sampled(one, *options: int | None, **rest: object) -> Sampled:  # type: ignore[no-untyped-def]
    found = judged(one, *options, **rest).sampled
    assert found is not None
    return found


def test_the_waiting_of_one_server_has_the_percentiles_of_the_closed_form() -> None:
    # M/M/1, s = 1 s, rho = 0.8, service next to nothing beside the wait: P(W > t) = 0.8 exp(-(1 - 0.8) t).
    # Here the sampled service is lognormal, so wait alone is compared: a service of 1 s without deviation, M/D/1 waits
    # half as long: C = 0.8, mean 2 s, so 2.5 s where it waits: p95: 1 + 2.5 ln(0.8 / 0.05) = 7.931 s.
    levels = (level("a"),)
    one = agent(levels, chain(OpNode(0)), op("o", (0, 1.0, 0.0)), rate=0.8)
    found = judge_shared(shared(levels, one), at(0, replicas=(1,)), samples=RUNS).agents[0].sampled
    assert found is not None
    assert found.p95_s == pytest.approx(1 + 2.5 * math.log(0.8 / 0.05), rel=0.05)
    assert found.p99_s == pytest.approx(1 + 2.5 * math.log(0.8 / 0.01), rel=0.05)
    assert found.p50_s == pytest.approx(1 + 2.5 * math.log(0.8 / 0.5), rel=0.05)
    assert float((found.run_s == found.run_s.min()).mean()) == pytest.approx(0.2, abs=0.02)


def test_a_service_is_lognormal_with_its_mean_and_deviation() -> None:
    found = sampled(agent(WIDE, chain(OpNode(0)), op("o", (0, 2.0, 1.0)), rate=1e-3), 0)
    # sigma^2 = ln 1.25 = 0.2231, mu = ln 2 - 0.1116; p95 = exp(mu + 1.6449 * 0.4724) = 1.7889 * 2.1749 = 3.891 s.
    assert found.mean_s == pytest.approx(2.0, rel=0.02)
    assert float(found.run_s.std()) == pytest.approx(1.0, rel=0.05)
    assert found.p95_s == pytest.approx(3.891, rel=0.03)
    assert found.p50_s == pytest.approx(1.7889, rel=0.03)


def test_loops_repeat_as_the_assumption_says() -> None:
    root = chain(LoopNode("loop", 2.0, 4, chain(OpNode(0))))
    found = sampled(agent(WIDE, root, op("o", (0, 1.0, 0.0), visits=2.0), rate=1e-3), 0)
    # q + q^2 + q^3 + q^4 = 2 at q = 0.7413: P(N = 0) = 1 - q, P(N = 4) = q^4 = 0.302; times are whole seconds.
    assert {round(float(one), 9) for one in np.unique(found.run_s)} == {0.0, 1.0, 2.0, 3.0, 4.0}
    assert float((found.run_s > 3.5).mean()) == pytest.approx(0.302, abs=0.015)
    assert found.mean_s == pytest.approx(2.0, rel=0.03)


def test_branches_take_one_block_each() -> None:
    root = chain(BranchNode("when", (0.2, 0.8), (chain(OpNode(0)), chain(OpNode(1)))))
    rows = op("o", (0, 5.0, 0.0), visits=0.2), op("p", (0, 1.0, 0.0), visits=0.8)
    found = sampled(agent(WIDE, root, *rows, rate=1e-3), 0, 0)
    assert float((found.run_s > 3.0).mean()) == pytest.approx(0.2, abs=0.015)
    assert found.mean_s == pytest.approx(1.8, rel=0.03)
    assert (found.p50_s, found.p95_s) == (pytest.approx(1.0), pytest.approx(5.0))


def test_a_fanout_takes_as_long_as_its_slowest_item() -> None:
    root = chain(FanoutNode("fan", 8.0, 8, chain(OpNode(0))))
    found = sampled(agent(WIDE, root, op("o", (0, 1.0, 0.5), visits=8.0), rate=1e-3), 0)
    # The median of the largest of 8: quantile 0.5^(1/8) = 0.9170 (z = 1.385) of a lognormal of sigma^2 = ln 1.25.
    sigma = math.sqrt(math.log(1.25))
    assert found.p50_s == pytest.approx(math.exp(-(sigma**2) / 2 + 1.385 * sigma), rel=0.02)


def test_fewer_items_and_none_at_all() -> None:
    root = chain(FanoutNode("fan", 0.5, 4, chain(OpNode(0))))
    found = sampled(agent(WIDE, root, op("o", (0, 1.0, 0.0), visits=0.5), rate=1e-3), 0)
    # At least one item with probability q; q + q^2 + q^3 + q^4 = 0.338 + 0.114 + 0.039 + 0.013 = 0.5 at q = 0.3378.
    assert found.mean_s == pytest.approx(0.3378, abs=0.015)


def test_parallel_steps_take_the_slower_and_choices_only_what_is_taken() -> None:
    rows = tuple(op(name, (0, seconds, 0.0)) for name, seconds in zip("abcd", (1.0, 2.0, 7.0, 0.5), strict=True))
    root = chain(ChooseNode(0, (parallel(OpNode(0), OpNode(1)), chain(OpNode(2)))), OpNode(3))
    one = agent(WIDE, root, *rows, choices=(("both", "long"),), rate=1e-3)
    assert sampled(one, 0, 0, None, 0, alternative=(0,)).run_s == pytest.approx(2.5)
    assert sampled(one, None, None, 0, 0, alternative=(1,)).run_s == pytest.approx(7.5)


def streaming(items: float | None):  # type: ignore[no-untyped-def]
    edge = Edge(0, 1, "place", 1.0, 1.0, {("a", "a"): Transfer(0.25, 0.0)}, items)
    rows = op("source", (0, 4.0, 0.0)), op("reader", (0, 2.0, 0.0))
    return agent(WIDE, chain(OpNode(0), OpNode(1)), *rows, edges=(edge,), rate=1e-3)


def test_a_reader_of_a_stream_begins_with_its_first_item() -> None:
    # Whole: 4 + 0.25 + 2. In 4 items: max(1 + 0.25 + 2, 4 + 0.25 + 2 / 4).
    assert sampled(streaming(None), 0, 0).run_s == pytest.approx(6.25)
    one = judged(streaming(4.0), 0, 0)
    assert one.sampled is not None
    assert one.sampled.run_s == pytest.approx(4.75)
    assert one.formula_s == pytest.approx(4.75)


def test_the_first_output_may_be_long_before_the_end() -> None:
    rows = op("plan", (0, 1.0, 0.0)), op("answer", (0, 5.0, 0.0))
    limit = FirstOutput(Sla("p95", 1.5), ((1, 10.0),))
    one = agent(WIDE, chain(OpNode(0), OpNode(1)), *rows, first_output=limit, rate=1e-3)
    for samples in (0, 100):
        found = judge_shared(shared(WIDE, one), at(0, 0, replicas=(1,)), samples=samples)
        # 1 + 5 / 10
        assert found.agents[0].first_output_s == pytest.approx(1.5)
        assert found.feasible
    tight = replace(one, first_output=replace(limit, sla=Sla("p95", 1.4)))
    found = judge_shared(shared(WIDE, tight), at(0, 0, replicas=(1,)))
    assert [each.kind for each in found.violations] == ["first_output"]


def test_the_first_output_of_a_loop_is_of_its_last_pass_and_of_a_branch_where_there_is_one() -> None:
    root = chain(
        LoopNode("loop", 3.0, 3, chain(OpNode(0), OpNode(1)), minimum=3),
        BranchNode("when", (0.5, 0.5), (chain(OpNode(2)), chain())),
    )
    rows = (op("a", (0, 1.0, 0.0), visits=3.0), op("b", (0, 2.0, 0.0), visits=3.0), op("c", (0, 4.0, 0.0), visits=0.5))
    for source, expected in ((1, 2 * 3.0 + 1.0 + 2.0 / 2), (2, 9.0 + 4.0 / 2)):
        limit = FirstOutput(Sla("mean", 99.0), ((source, 2.0),))
        one = judged(agent(WIDE, root, *rows, first_output=limit, rate=1e-3), 0, 0, 0)
        assert one.sampled is not None
        assert one.sampled.first_output_s == pytest.approx(expected)
        formula = judge_shared(
            shared(WIDE, agent(WIDE, root, *rows, first_output=limit, rate=1e-3)), at(0, 0, 0, replicas=(1,))
        )
        assert formula.agents[0].first_output_s == pytest.approx(expected)
    runs_with_output = one.sampled.first_output_s
    assert runs_with_output is not None
    assert len(runs_with_output) / RUNS == pytest.approx(0.5, abs=0.02)


def test_a_call_has_limits_on_its_first_token_and_on_each() -> None:
    kv = {("a", "a"): Transfer(0.125, 0.0)}
    edge = Edge(0, 1, "kv_place", 1.0, 1.0, kv)
    call = CallLimit(0, 1, 100.0, Sla("p95", 0.7), 0.05)
    rows = op("prefill", (0, 0.5, 0.0)), op("decode", (0, 4.0, 0.0))
    one = agent(WIDE, chain(OpNode(0), OpNode(1)), *rows, edges=(edge,), calls=(call,), rate=1e-3)
    for samples in (0, 100):
        found = judge_shared(shared(WIDE, one), at(0, 0, replicas=(1,)), samples=samples)
        # 0.5 + 0.125 + 4 / 100; a token takes 0.04 s.
        assert found.agents[0].ttft_s == (pytest.approx(0.665),)
        assert found.feasible
    slow = replace(one, calls=(CallLimit(0, 1, 100.0, Sla("mean", 0.6), 0.03),))
    found = judge_shared(shared(WIDE, slow), at(0, 0, replicas=(1,)), samples=100)
    assert [(each.kind, each.what) for each in found.violations] == [
        ("ttft", "agent decode mean"),
        ("token_time", "agent decode"),
    ]


def test_a_first_token_waits_for_both_queues() -> None:
    levels = (level("p"), level("d"))
    kv = {("p", "d"): FREE}
    call = CallLimit(0, 1, 10.0, Sla("mean", 99.0))
    rows = op("prefill", (0, 1.0, 1.0)), op("decode", (1, 1.0, 1.0))
    edge = Edge(0, 1, "kv_place", 1.0, 1.0, kv)
    one = agent(levels, chain(OpNode(0), OpNode(1)), *rows, edges=(edge,), calls=(call,), rate=0.5)
    formula = judge_shared(shared(levels, one), at(0, 0, replicas=(1, 1)))
    # Each waits 1 s (M/M/1 at 0.5): 1 + 1 + 1 + 0.1
    assert formula.agents[0].ttft_s == (pytest.approx(3.1),)
    found = judge_shared(shared(levels, one), at(0, 0, replicas=(1, 1)), samples=RUNS)
    assert found.agents[0].ttft_s[0] == pytest.approx(3.1, rel=0.05)


@settings(max_examples=60)
@given(small_shared(), st.data())
def test_percentiles_are_in_order_and_repeat_for_a_seed(problem: SharedProblem, data: st.DataObject) -> None:
    placement = placed(problem, data)
    if placement is None:
        return
    one = judge_shared(problem, placement, samples=500, seed=3)
    again = judge_shared(problem, placement, samples=500, seed=3)
    for found, same in zip(one.agents, again.agents, strict=True):
        assert found.sampled is not None
        assert same.sampled is not None
        assert np.array_equal(found.sampled.run_s, same.sampled.run_s)
        runs_s = found.sampled.run_s
        p50, p95, p99, most = (statistic(runs_s, stat) for stat in ("p50", "p95", "p99", "worst"))
        assert p50 <= p95 <= p99 <= most
        assert (runs_s >= 0.0).all()


def is_serial(block) -> bool:  # type: ignore[no-untyped-def]
    """Nothing runs beside anything else, so that the mean of a run is the sum of means."""
    for position, (node, waits) in enumerate(zip(block.nodes, block.waits_for, strict=True)):
        if position and position - 1 not in waits:
            return False
        if isinstance(node, FanoutNode):
            return False
        inner = [node.block] if isinstance(node, LoopNode) else list(getattr(node, "blocks", ()))
        if not all(map(is_serial, inner)):
            return False
    return True


@settings(max_examples=60)
@given(small_shared(), st.data())
def test_the_mean_of_the_samples_is_that_of_the_formula_where_nothing_is_parallel(
    problem: SharedProblem, data: st.DataObject
) -> None:
    placement = placed(problem, data)
    if placement is None:
        return
    judged = judge_shared(problem, placement, samples=4000)
    waits = [load.waiting_s / load.wait_probability for load in judged.levels if load.wait_probability > 0.0]
    for found, one in zip(judged.agents, problem.agents, strict=True):
        assert found.sampled is not None
        if math.isinf(found.latency_worst_s):
            continue
        streams = any(edge.items for edge in one.problem.edges)
        error = float(found.sampled.run_s.std()) / math.sqrt(4000)
        # Five standard errors, and what is too rare to be seen in 4,000 runs: 0.00125 of them.
        # The largest of several is on average no less than the largest average.
        allowed = 5 * error + 0.005 * (found.latency_worst_s + 20 * max(waits, default=0.0)) + 1e-9
        assert found.sampled.mean_s >= found.latency_mean_s - allowed or streams
        if is_serial(one.problem.root) and not streams:
            assert found.sampled.mean_s == pytest.approx(found.latency_mean_s, abs=allowed)


def test_numbers_are_common_to_placements() -> None:
    # The first operator's draws do not change when another moves to a slower level, and more load only adds waiting.
    levels = (level("a", slots=4), level("b", slots=4))
    rows = op("o", (0, 1.0, 0.5)), op("p", (0, 1.0, 0.5), (1, 2.0, 1.0))
    one = agent(levels, parallel(OpNode(0), OpNode(1)), *rows, rate=0.1)
    problem = shared(levels, one)

    def run_s(option: int, rate: float = 0.1) -> np.ndarray:  # type: ignore[type-arg]
        changed = replace(problem, agents=(replace(one, rate_per_s=rate),))
        found = judge_shared(changed, at(0, option, replicas=(1, 1)), samples=1000).agents[0].sampled
        assert found is not None
        return found.run_s

    assert (run_s(1) >= run_s(0) - 0.05).all()
    assert (run_s(0, rate=1.5) >= run_s(0) - 1e-12).all()


def test_ten_thousand_runs_of_twenty_operators_take_a_moment() -> None:
    levels = (level("a", slots=200),)
    inner = LoopNode("loop", 2.0, 4, chain(OpNode(18)))
    root = chain(*map(OpNode, range(18)), inner, FanoutNode("fan", 4.0, 8, chain(OpNode(19))))
    rows = [op(f"o{index}", (0, 1.0, 0.5)) for index in range(18)]
    rows += [op("again", (0, 1.0, 0.5), visits=2.0), op("many", (0, 1.0, 0.5), visits=4.0)]
    problem = shared(levels, agent(levels, root, *rows, rate=5.0))
    placement = at(*(0,) * 20, replicas=(1,))
    took: list[float] = []
    for _ in range(5):
        began = time.process_time()
        judge_shared(problem, placement, samples=RUNS)
        took.append(time.process_time() - began)
    assert min(took) < 0.3
