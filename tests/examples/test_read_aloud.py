"""The example that streams: what its plan promises against a sum by hand, and that eager and planned answers agree."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from costmodel.fleet import load_fleet
from ir.interpreter import interpret
from ir.passes.stream_edges import StreamEdgesPass
from ir.pipeline import DEFAULT_PIPELINE, run_passes
from ir.runner import apply_passes
from orchestrator.pipeline import PlanRequest, plan_module
from orchestrator.to_ir import to_ir
from placement.plan import OpNode, Plan


@pytest.fixture
def aloud(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("read_aloud")


def planned(aloud: ModuleType, *, streams: bool) -> Plan:
    graph = aloud.read_aloud.trace()
    module = to_ir(graph)
    apply_passes(module, [each() for each in DEFAULT_PIPELINE if streams or each is not StreamEdgesPass])
    plan = plan_module(module, graph, load_fleet(Path("examples/fleets/paper-2025.yaml")), PlanRequest()).plan
    assert plan is not None
    return plan


def test_the_plan_promises_what_the_formula_says(aloud: ModuleType) -> None:
    plan = planned(aloud, streams=True)
    took = {operator.id: operator.promised.mean_s for operator in plan.operators}
    moves = {(each.src, each.dst): each.latency_s for each in plan.transfers}
    first = ["answer.render", "answer.prefill", "answer.decode"]
    before_s = sum(took[each] for each in first[:-1]) + sum(moves.get(pair, 0.0) for pair in pairwise(first))
    on_the_way_s = moves["answer.decode", "answer.parse"] + moves["answer.parse", "speak"]
    writes_s, parses_s, speaks_s = took["answer.decode"], took["answer.parse"], took["speak"]
    # the slowest of three stages has all 3 sentences without a pause, the others one each
    each_s = (writes_s / 3, parses_s / 3, speaks_s / 3)
    expected_s = before_s + sum(each_s) + 2 * max(each_s) + on_the_way_s
    assert plan.promised.latency_mean_s == pytest.approx(expected_s)
    whole_s = before_s + writes_s + parses_s + speaks_s + on_the_way_s
    assert expected_s < whole_s


def test_the_plan_says_what_streams(aloud: ModuleType) -> None:
    def streams(plan: Plan) -> dict[str, dict[str, float]]:
        return {node.id: node.streams for node in plan.body.nodes if isinstance(node, OpNode) and node.streams}

    assert streams(planned(aloud, streams=True)) == {"answer": {"text": 3.0}, "speak": {"text": 3.0}}
    assert streams(planned(aloud, streams=False)) == {}


def test_a_stream_changes_no_value(aloud: ModuleType) -> None:
    said = aloud.read_aloud(**aloud.EXAMPLE_INPUT)
    module = run_passes(to_ir(aloud.read_aloud.trace()))
    leaves = {"answer": aloud.simulated_answer, "speak": aloud.simulated_speech}
    assert interpret(module, aloud.EXAMPLE_INPUT, leaves) == said == {"seconds": 6.8}  # 17 words
