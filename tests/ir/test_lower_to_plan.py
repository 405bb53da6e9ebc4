import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import PassFailedException

from ir import view
from ir.dialects.decision import INPUTS, OPERATOR, InputsAttr, text
from ir.passes.decompose_moe import DecomposeMoePass
from ir.passes.lower_to_plan import LowerToPlanPass
from ir.pipeline import run_after_solve, run_passes
from ir.text import parse, to_text
from tests.ir.deciding import decide
from tests.ir.test_select_alternatives import CALL

FUNCTION = '{function = #agent.function<"a.py", "f", "00">}'
HEAD = "agent.graph @a(q) {\n^bb0(%q : !agent.json):\n"


def lowered(source: str, alternative: str = "disaggregated") -> ModuleOp:
    module = run_passes(parse(source))
    return run_after_solve(decide(module, lambda names: alternative if alternative in names else names[0]))


def inputs(module: ModuleOp) -> dict[str, dict[str, str]]:
    """What each operator reads, by its id in the plan."""
    found: dict[str, dict[str, str]] = {}
    for op in view.entry(module).walk():
        operator, read = text(op, OPERATOR), op.attributes.get(INPUTS)
        if operator is not None:
            assert isinstance(read, InputsAttr)
            found[operator] = read.named()
    return found


def test_operators_read_names_through_what_only_forwards() -> None:
    assert inputs(lowered(CALL)) == {
        "r.render": {"q": "q"},
        "r.prefill": {"prompt": "r_render"},
        "r.decode": {"kv": "r_prefill", "arguments": "{'q': q}"},
        "r.parse": {"text": "r_decode"},
    }
    marked = [op.name for op in lowered(CALL).walk() if "plan.forwards" in op.attributes]
    assert marked == ["comm.kv_transfer"]


def test_the_ends_of_blocks_read_their_values() -> None:
    module = lowered(
        f"""{HEAD}
          %l = agent.loop @l(x = %q) max_iters 3 expect 1.4 until {{
          ^bb0(%x : !agent.json):
            %done = agent.expr "x.n > 2" (x = %x) : (!agent.json) -> !agent.json
            agent.yield %done : !agent.json
          }} do {{
          ^bb0(%x : !agent.json):
            %s = agent.expr "[x, q]" (x = %x, q = %q) : (!agent.json, !agent.json) -> !agent.json
            %c = agent.compute @c(s = %s) {FUNCTION} : (!agent.json) -> !agent.json
            agent.yield %c : !agent.json
          }} : (!agent.json) -> !agent.json
          agent.output %l : !agent.json
        }}"""
    )
    assert inputs(module) == {"c": {"s": "[x, q]"}}
    ends = [op.attributes[INPUTS] for op in module.walk() if op.name in {"agent.yield", "agent.output"}]
    assert [str(each) for each in ends] == [
        '#plan.inputs<"value" = "x.n > 2">',
        '#plan.inputs<"value" = "c">',
        '#plan.inputs<"value" = "l">',
    ]


def test_what_stands_in_the_last_form_is_read_back_from_text() -> None:
    written = to_text(lowered(CALL))
    assert "plan.last_form" in written
    assert to_text(parse(written)) == written


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            f"%r = tool.invoke @r(x = %q) {FUNCTION} : (!agent.json) -> !agent.json",
            "tool.invoke @r has no place in a plan; run the default passes, solve, and then select-alternatives",
        ),
        (
            f"%r = agent.compute @r(x = %q) {FUNCTION} : (!agent.json) -> !agent.json",
            "the operator 'r' has no plan.pool; placement writes it",
        ),
        (
            "%r = agent.call @c @a(q = %q) : (!agent.json) -> !agent.json",
            "agent.call @c has no place in a plan; run the default passes",
        ),
    ],
)
def test_what_cannot_be_in_a_plan_is_refused(body: str, message: str) -> None:
    module = parse(f"{HEAD}{body}\nagent.output %r : !agent.json\n}}")
    with pytest.raises(PassFailedException, match=message):
        LowerToPlanPass().apply(Context(), module)


def test_a_choice_must_be_taken_first() -> None:
    with pytest.raises(PassFailedException, match=r"plan\.choose @r_choice has no place in a plan; run the default"):
        LowerToPlanPass().apply(Context(), decide(run_passes(parse(CALL)), lambda names: names[0]))


def test_parts_that_placement_cannot_price_have_no_place() -> None:
    module = run_passes(parse(CALL.replace("llama3.1-8b", "gpt-oss-20b")))
    DecomposeMoePass().apply(Context(), module)
    with pytest.raises(PassFailedException, match=r"moe\.gate @r_prefill_gate has no place in a plan; give it a rule"):
        run_after_solve(decide(module, lambda names: "expert_parallel"))
