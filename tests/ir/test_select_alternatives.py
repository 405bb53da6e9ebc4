from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import PassFailedException

from ir.dialects.decision import CHOSEN
from ir.dialects.plan import ChooseOp
from ir.passes.select_alternatives import SelectAlternativesPass
from ir.pipeline import SOLVED_STAGES, run_after_solve, run_passes
from ir.text import parse, to_text
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.deciding import decide
from tests.ir.graphs import graphs
from tests.ir.meaning import outcome

CALL = """
agent.graph @a(q) {
^bb0(%q : !agent.text):
  %r = llm.call @r(q = %q) models ["llama3.1-8b"] max_tokens 8 {function = #agent.function<"a.py", "r", "00">}
    : (!agent.text) -> !agent.json
  agent.output %r : !agent.json
}
"""


def choices(module: ModuleOp) -> list[ChooseOp]:
    return [op for op in module.walk() if isinstance(op, ChooseOp)]


@settings(max_examples=40, deadline=None)
@given(graphs(), st.data())
def test_any_decision_keeps_the_meaning_on_to_the_last_form(graph: Graph, data: st.DataObject) -> None:
    seen: dict[str, tuple[str, Any]] = {}

    def look(stage: str, module: ModuleOp) -> None:
        text = to_text(module)
        assert to_text(parse(text)) == text
        seen[stage] = outcome(module)

    lowered = run_passes(to_ir(graph))
    run_after_solve(decide(lowered, lambda names: data.draw(st.sampled_from(names))), after_each=look)
    assert choices(lowered) == []
    assert list(seen) == list(SOLVED_STAGES)
    assert len({repr(each) for each in seen.values()}) == 1


@pytest.mark.parametrize(("alternative", "transfers"), [("colocated", 0), ("disaggregated", 1)])
def test_the_operations_of_the_chosen_alternative_are_left(alternative: str, transfers: int) -> None:
    module = decide(run_passes(parse(CALL)), lambda names: next(name for name in names if name == alternative))
    text = to_text(run_after_solve(module, "select-alternatives"))
    assert text.count("comm.kv_transfer") == transfers
    assert [text.count(op) for op in ("plan.choose", "plan.yield", "llm.prefill", "llm.decode")] == [0, 0, 1, 1]


def test_a_choice_without_a_decision_is_named() -> None:
    message = (
        "the choice @r_choice has no plan.chosen; solve first, or write one of its alternatives: colocated, disagg"
    )
    with pytest.raises(PassFailedException, match=message):
        SelectAlternativesPass().apply(Context(), run_passes(parse(CALL)))


def test_a_decision_for_what_is_no_alternative_is_refused_by_the_verifier() -> None:
    (choice,) = choices(module := run_passes(parse(CALL)))
    text = to_text(decide(module, lambda names: names[0])).replace(f'{CHOSEN} = "colocated"', f'{CHOSEN} = "both"')
    with pytest.raises(ValueError, match=f"plan.chosen of @{choice.id.data} is 'both'; its alternatives: colocated"):
        parse(text)
