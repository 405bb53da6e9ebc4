from typing import Any

from hypothesis import assume, given, settings
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ir.dialects.plan import ChooseOp
from ir.expression import ExpressionError
from ir.interpreter import InterpretError, interpret
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_moe import EXPERT_PARALLEL, DecomposeMoePass
from ir.passes.inline_agents import InlineAgentsPass
from ir.passes.shard_tensor_parallel import ShardTensorParallelPass
from ir.text import parse, to_text
from ir.view import value_name
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.graphs import INPUTS, LEAVES, MODELS, graphs

EXPERTS = ("qwen3-30b-a3b", "gpt-oss-20b", "qwen3-235b-a22b")


def with_experts(module: ModuleOp) -> ModuleOp:
    """The same module with models that have experts."""
    text = to_text(module)
    for model, other in zip(MODELS, EXPERTS, strict=False):
        text = text.replace(f'"{model}"', f'"{other}"')
    return parse(text)


def outcome(module: ModuleOp) -> tuple[str, Any]:
    """What a module answers, or why it has no answer."""
    try:
        return "value", interpret(module, INPUTS, LEAVES)
    except (InterpretError, ExpressionError) as error:
        return "error", type(error)


def choices(module: ModuleOp) -> list[ChooseOp]:
    return [op for op in module.walk() if isinstance(op, ChooseOp)]


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_the_experts_give_the_value_of_the_call_whole_and_divided(graph: Graph) -> None:
    module = with_experts(to_ir(graph))
    expected = repr(outcome(module))
    assume("llm.call" in to_text(module))
    InlineAgentsPass().apply(Context(), module)
    for each in (DecomposeLlmPass(), DecomposeMoePass(), ShardTensorParallelPass(shards=4)):
        each.apply(Context(), module)
        module.verify()
        text = to_text(module)
        assert to_text(parse(text)) == text
        assert repr(outcome(module)) == expected
    assert choices(module)
    for choice in choices(module):
        assert EXPERT_PARALLEL in [name.data for name in choice.names]


def decomposed() -> ModuleOp:
    module = parse(
        """
        agent.graph @a(q) {
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["qwen3-30b-a3b"] max_tokens 8 {function = #agent.function<"a.py", "r", "00">}
            : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }
        """
    )
    DecomposeLlmPass().apply(Context(), module)
    DecomposeMoePass().apply(Context(), module)
    return module


def test_a_second_run_adds_nothing() -> None:
    module = decomposed()
    before = to_text(module)
    DecomposeMoePass().apply(Context(), module)
    assert to_text(module) == before


def test_the_value_of_the_choice_keeps_its_name_whatever_is_chosen() -> None:
    module = decomposed()
    (choice,) = choices(module)
    assert value_name(choice.results[0]) == "r_decode"
    ShardTensorParallelPass(shards=2).apply(Context(), module)
    assert value_name(choice.results[0]) == "r_decode"


def test_a_colocated_alternative_that_holds_more_stays_as_it_is() -> None:
    module = decomposed()
    (choice,) = choices(module)
    choice.detach_region(2)
    choice.names = type(choice.names)(list(choice.names)[:2])
    first, second = choice.detach_region(0), choice.detach_region(0)
    choice.add_region(second)  # the name "colocated" now stands for prefill, transfer and decode
    choice.add_region(first)
    before = to_text(module)
    DecomposeMoePass().apply(Context(), module)
    assert to_text(module) == before
