"""A module with experts apart is refused by placement, as it has no price for them: never taken for free."""

import pytest
from xdsl.context import Context

from costmodel.errors import CostError
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.decompose_moe import DecomposeMoePass
from ir.text import parse
from ir.view import entry
from placement.structure import read_structure


def test_a_choice_with_the_experts_alternative_is_refused() -> None:
    module = parse(
        """
        agent.graph @a(q) {
        ^bb0(%q : !agent.text):
          %r = llm.call @r(q = %q) models ["qwen3-30b-a3b"] max_tokens 8 tokens_in 900 tokens_out 8
            {function = #agent.function<"a.py", "r", "00">} : (!agent.text) -> !agent.json
          agent.output %r : !agent.json
        }
        """
    )
    for each in (DecomposeLlmPass(), DecomposeMoePass(), AnnotateDemandPass()):
        each.apply(Context(), module)
    with pytest.raises(CostError, match=r"no cost rule knows moe\.gate"):
        read_structure(entry(module))
