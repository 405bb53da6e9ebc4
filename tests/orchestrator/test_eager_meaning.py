"""On random agents, an eager run, the captured IR and the IR after every pass give one value.

Choices are interpreted by every region, so that regions which differ are an error of that stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from ir.expression import ExpressionError
from ir.interpreter import INTERRUPT, ArgumentsRefused, InterpretError, interpret
from ir.passes.chunk_prefill import ChunkPrefillPass
from ir.passes.select_alternatives import SelectAlternativesPass
from ir.passes.shard_tensor_parallel import ShardTensorParallelPass
from ir.pipeline import AFTER_SOLVE, CAPTURE, DEFAULT_PIPELINE, OPTIONAL_PASSES
from orchestrator.codec import parse_json, render_json, simulate_json
from orchestrator.eager import use_answers
from orchestrator.errors import OrchestratorError
from orchestrator.graph import Graph
from orchestrator.graph_json import graph_from_json, to_json
from orchestrator.to_ir import to_ir
from tests.ir.deciding import decide
from tests.orchestrator import leaf_functions as leaf
from tests.orchestrator.recipes import Arg, Body, Call, recipes

ANY: TypeAdapter[Any] = TypeAdapter(Any)
INPUTS = {"question": leaf.record("question"), "limit": leaf.record("limit")}
JSON_INPUTS = ANY.dump_python(INPUTS, mode="json")
FAILURES = (InterpretError, ExpressionError, OrchestratorError, ValueError)
"""What a run may end in: a tool that fails, a fan-out that is too wide, a react without an answer."""


def person(question: Any) -> Any:
    return ANY.dump_python(leaf.record("person", question), mode="json")["n"]


def _called(function: Any) -> Any:
    return lambda **named: function.invoke_json(named)


def _generated(function: Any) -> Any:
    return lambda **named: parse_json(function, simulate_json(function, named, None))


def _turn(*earlier: Any, **named: Any) -> Any:
    answer = simulate_json(leaf.think, named, [*render_json(leaf.think, named)["messages"], *earlier[0]])
    return answer if isinstance(answer, dict) else {"content": answer, "tool_calls": []}


def _accepted(agent: Any) -> Any:
    def accept(**chosen: Any) -> Any:
        problem = agent.argument_problem(chosen)
        if problem is not None:
            raise ArgumentsRefused(problem)
        return agent.accept_json(chosen)

    return accept


LEAVES: Mapping[str, Any] = {
    INTERRUPT: person,
    "think": _turn,
    **{each.__name__: _called(each) for each in (*leaf.CALLS, leaf.hear)},
    **{each.__name__: _generated(each) for each in leaf.LLMS},
    **{each.__name__: _accepted(each) for each in leaf.AGENTS},
}


def eager() -> tuple[str, Any]:
    leaf.STORED.clear()
    try:
        with use_answers(person):
            return "value", ANY.dump_python(leaf.whole(**INPUTS), mode="json")
    except FAILURES as error:
        return "error", type(error)


def captured() -> Graph:
    """The graph of `whole`, traced again together with those that it calls."""
    for each in leaf.AGENTS:
        each._graph = None
    return leaf.whole.trace()


def meaning(module: ModuleOp) -> tuple[str, Any]:
    leaf.STORED.clear()
    try:
        return "value", interpret(module, JSON_INPUTS, LEAVES)
    except FAILURES as error:
        return "error", type(error)


PLACES: Mapping[str, str] = {
    "fuse-cpu": "eliminate-common-calls",
    "split-encode": "eliminate-common-calls",
    "decompose-moe": "decompose-llm",
    "shard-tensor-parallel": "decompose-llm",
    "offload-attention": "decompose-llm",
    "chunk-prefill": "decompose-llm",
    "stream-edges": "decompose-tool",
}
"""The pass of the default pipeline after which each optional pass stands."""


def every_pass() -> list[ModulePass]:
    """The default pipeline with the optional passes at their places."""
    found: list[ModulePass] = []
    for default in DEFAULT_PIPELINE:
        found.append(default())
        found += [_made(each) for each in OPTIONAL_PASSES if PLACES.get(each.name, "annotate-demand") == default.name]
    return found


def _made(each: type[ModulePass]) -> ModulePass:
    """A pass with options that change something: halves and short chunks."""
    if each is ShardTensorParallelPass:
        return ShardTensorParallelPass(shards=2)
    return ChunkPrefillPass(tokens=16) if each is ChunkPrefillPass else each()


def check(before: tuple[str, Any], module: ModuleOp, stage: str) -> None:
    after = meaning(module)
    assert (before[0] == "error" and stage != CAPTURE) or before[0] == after[0], stage
    assert before[0] == "error" or before[1] == after[1], stage


Passes = Sequence[type[ModulePass] | ModulePass]


def check_passes(recipe: dict[str, Body], data: st.DataObject, passes: Passes, after_solve: Passes) -> None:
    """Compare before and after the passes up to the solve, and after those that carry a random decision out."""
    before, graph = prepare(recipe)
    event(before[0])
    module = to_ir(graph)
    check(before, module, CAPTURE)
    for each in (*passes, None, *after_solve):
        if each is None:
            decide(module, lambda names: data.draw(st.sampled_from(names)))
            continue
        (each if isinstance(each, ModulePass) else each()).apply(Context(), module)
        module.verify()
        check(before, module, each.name)


def prepare(recipe: dict[str, Body]) -> tuple[tuple[str, Any], Graph]:
    leaf.RECIPES.clear()
    leaf.RECIPES.update(recipe)
    graph = captured()
    assert graph_from_json(to_json(graph)) == graph
    return eager(), graph


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recipes(), st.data())
def test_the_default_passes_keep_the_eager_value(recipe: dict[str, Body], data: st.DataObject) -> None:
    check_passes(recipe, data, DEFAULT_PIPELINE, AFTER_SOLVE)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recipes(), st.data())
def test_the_optional_passes_keep_the_eager_value(recipe: dict[str, Body], data: st.DataObject) -> None:
    check_passes(recipe, data, every_pass(), (SelectAlternativesPass,))


def test_a_store_between_two_lookups_is_seen_by_the_second() -> None:
    lookup = Call("recall", (Arg(0),))
    nothing = Body((), 0)
    steps = Body((lookup, Call("keep", (Arg(1),)), lookup), None)
    before, graph = prepare({"inner": nothing, "specialist": nothing, "outer": nothing, "whole": steps})
    assert before[1][2] != before[1][4]
    module = to_ir(graph)
    for each in every_pass():
        each.apply(Context(), module)
        check(before, module, each.name)
