import pytest
from hypothesis import given, settings
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ir import view
from ir.dialects.control import FusedOp
from ir.passes.fuse_cpu import FuseCpuPass
from ir.passes.inline_agents import InlineAgentsPass
from ir.stats import Demand, lowered, stats
from ir.text import parse, to_text
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs, with_chain
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


def test_the_gain_is_visits_times_one_dispatch_for_each_compute_but_the_last() -> None:
    module = a_loop(", pure, tokens_out = 50.0 : f64", ", pure, tokens_out = 10.0 : f64")
    before = stats(lowered(module)).demand
    assert len(fused(module)) == 1
    after = stats(lowered(module)).demand
    # two computes, 2.5 times each, become one operation that is dispatched 2.5 times; the work stays
    assert (before.dispatches, after.dispatches) == (2.5 * 2, 2.5 * 1)
    # the first hands 50 tokens of 4 bytes on, the second 10: only these leave the operation
    assert before - after == Demand(dispatches=2.5, moved_bytes=2.5 * 50 * 4)
    assert (after.cpu_s, after.moved_bytes) == (2.5 * (0.25 + 0.25), 2.5 * 10 * 4)


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


def test_the_value_keeps_its_name() -> None:
    (op,) = fused(a_loop(", pure", ", pure"))
    assert (op.id.data, view.value_name(op.result)) == ("two_fused", "two")


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_it_answers_the_same(graph: Graph) -> None:
    module = to_ir(with_chain(graph))
    InlineAgentsPass().apply(Context(), module)
    expected = outcome(module)
    assert fused(module)
    assert repr(outcome(module)) == repr(expected)
    text = to_text(module)
    assert to_text(parse(text)) == text
    FuseCpuPass().apply(Context(), module)
    assert to_text(module) == text, "one pass finds all there is"
