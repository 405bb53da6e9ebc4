from dataclasses import replace

import pytest
from hypothesis import given, settings
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from costmodel.errors import CostError
from ir import view
from ir.dialects import cost
from ir.dialects.agent import ComputeOp
from ir.dialects.control import FusedOp
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.fuse_cpu import FuseCpuPass
from ir.passes.inline_agents import InlineAgentsPass
from ir.stats import lowered, stats
from ir.text import parse, to_text
from orchestrator.graph import Body, CallTask, Execution, FunctionRef, Graph, Prior
from orchestrator.to_ir import to_ir
from placement.structure import read_structure
from tests.ir.graphs import graphs
from tests.ir.meaning import outcome

TYPE = "(!agent.json) -> !agent.json"
SETTINGS = 'function = #agent.function<"a.py", "f", "00">, latency_s = 0.25 : f64'


def a_loop(first: str, second: str, value: str = "%one") -> ModuleOp:
    """A body of two computes that runs 2.5 times."""
    return parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.json):
          %r = agent.loop @r(v = %q) max_iters 4 expect 2.5 until {{
          ^bb0(%v : !agent.json):
            agent.yield %v : !agent.json
          }} do {{
          ^bb0(%v : !agent.json):
            %one = agent.compute @one(x = %v) {{{SETTINGS}{first}}} : {TYPE}
            %two = agent.compute @two(x = {value}) {{{SETTINGS}{second}}} : {TYPE}
            agent.yield %two : !agent.json
          }} : {TYPE}
          agent.output %r : !agent.json
        }}
        """
    )


def fused(module: ModuleOp) -> list[FusedOp]:
    FuseCpuPass().apply(Context(), module)
    module.verify()
    return [op for op in module.walk() if isinstance(op, FusedOp)]


def dispatches(module: ModuleOp) -> float:
    """Mean dispatches of a run: what is fused is dispatched as one."""
    copy = module.clone()
    AnnotateDemandPass().apply(Context(), copy)
    starts = [op for op in copy.walk() if isinstance(op, FusedOp | ComputeOp)]
    alone = [op for op in starts if not isinstance(op.parent_op(), FusedOp)]
    return sum(cost.amount(op, "visits") or 0.0 for op in alone)


def test_the_gain_is_visits_times_one_dispatch_for_each_compute_but_the_last() -> None:
    module = a_loop(", pure", ", pure")
    before, demand = dispatches(module), stats(lowered(module)).demand
    assert len(fused(module)) == 1
    # two computes, 2.5 times each, become one operation that is dispatched 2.5 times; the work stays
    assert (before, dispatches(module)) == (5.0, 2.5)
    assert stats(lowered(module)).demand == demand
    assert demand.cpu_s == 2.5 * (0.25 + 0.25)


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ("", ", pure", "%one"),
        (", pure", "", "%one"),
        (", pure, timeout_s = 1.0 : f64", ", pure", "%one"),
        (", pure", ", pure, retries = 1 : i64, idempotent", "%one"),
        (", pure, stream", ", pure", "%one"),
        (", pure", ", pure", "%v"),
    ],
    ids=["first not pure", "second not pure", "timeout", "retries", "stream", "not read"],
)
def test_what_stays_apart(first: str, second: str, value: str) -> None:
    assert fused(a_loop(first, second, value)) == []


def test_the_value_keeps_its_name_and_placement_refuses_it_by_name() -> None:
    module = a_loop(", pure", ", pure")
    (op,) = fused(module)
    assert (op.id.data, view.value_name(op.result)) == ("two_fused", "two")
    with pytest.raises(CostError, match=r"no cost rule knows agent\.fused"):
        read_structure(view.entry(module))


def compute(name: str, argument: str) -> CallTask:
    return CallTask(
        id=name,
        name=name,
        kind="compute",
        function=FunctionRef("a.py", "f1", "00"),
        inputs={"a": argument},
        prior=Prior(0.25),
        execution=Execution(idempotent=True, pure=True),
    )


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_it_answers_the_same(graph: Graph) -> None:
    chain = (compute("head", graph.body.result), compute("middle", "head.n"), compute("tail", "middle"))
    body = Body(graph.body.parameters, (*graph.body.tasks, *chain), "[tail, question]")
    module = to_ir(replace(graph, body=body))
    InlineAgentsPass().apply(Context(), module)
    expected = outcome(module)
    assert fused(module)
    assert repr(outcome(module)) == repr(expected)
    text = to_text(module)
    assert to_text(parse(text)) == text
    FuseCpuPass().apply(Context(), module)
    assert to_text(module) == text, "one pass finds all there is"
